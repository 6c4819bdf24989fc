"""What a fresh installation must be able to do. Run it with that installation's Python: `make wheels` and cibuildwheel do."""

from __future__ import annotations

import argparse
import csv
import importlib.metadata
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

FILES = {
    "face_mirror_au": (
        "py.typed",
        "report/page.html.j2",
        "report/page.css",
        "report/compare.html.j2",
        "__pyinstaller/hook-face_mirror_au.py",
    ),
    "face_mirror_hooks": ("py.typed",),
    "face_mirror_weights": ("py.typed", "manifest.toml", "open/open_au.npz", "open/pdm_68.txt", "open/triangles_68.txt"),
}
KERNELS = ("pose", "running_median", "mask", "fhog", "responses", "stage")
AT_REST, HELD = slice(0, 10), slice(25, 32)  # frames of the rendered clips


def check_files() -> None:
    """The packages are the installed ones, with their data."""
    installed = {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}
    for package, names in FILES.items():
        folder = Path(str(files(package))).resolve()
        expect(folder.parent in installed, f"{package} is not the installed one: {folder}")
        for name in names:
            expect((folder / name).is_file(), f"{package}/{name} is missing")


def check_command() -> None:
    """The command is there, says its version, and has its kernels."""
    version = importlib.metadata.version("face-mirror-au")
    expect(command("--version").strip() == version, "--version is not that of the package")
    kernels = json.loads(command("info", "--json"))["kernels"]
    expect(kernels == dict.fromkeys(KERNELS, "compiled"), f"kernels are not compiled: {kernels}")


def check_numerics(clip: Path, landmarks: Path) -> None:
    """A smile on the left is one in the shipped bank's values, from known landmarks: no model file is needed for that."""
    import numpy as np

    from face_mirror_au.media.video import open_source
    from face_mirror_au.models.open_bank import read_open_bank
    from face_mirror_au.models.openface_files import read_pdm, read_triangles
    from face_mirror_au.pipeline.describer import FaceDescriber
    from face_mirror_au.pipeline.sequence import AUSequence
    from face_mirror_au.records import INTENSITY_AUS
    from face_mirror_weights import open_models

    bank = read_open_bank(open_models.BANK)
    describer = FaceDescriber(read_pdm(open_models.PDM), read_triangles(open_models.TRIANGLES))
    sequence = AUSequence(bank.au_bank("dynamic"))
    no_mesh = np.zeros(len(bank.mesh_shape.basis))  # its 478 points come from a model file
    with open_source(clip) as source, np.load(landmarks) as known:
        for frame, points in zip(source, known["landmarks"][:, 0], strict=True):
            found = describer.describe(frame.image, points)
            sequence.append(found.hog, np.concatenate([found.geometry, no_mesh]), frame.time_s)
    sides = sequence.finish().sides
    expect(sides is not None, "the shipped bank does not tell the sides apart")
    left, right = np.mean(sides[HELD, :, INTENSITY_AUS.index("AU12")], axis=0)
    expect(left > 2.0 and right < 0.5, f"a smile of the left has AU12 {left:.2f} on the left and {right:.2f} on the right")


def check_run(clip: Path, weights: Path) -> None:
    """A run with models, two workers and three views."""
    with tempfile.TemporaryDirectory() as folder:
        command("run", str(clip), "-o", folder, "--views", "original,left,right", "--workers", "2", "--weights", str(weights))
        made = Path(folder) / clip.stem
        with (made / f"{clip.stem}.csv").open(encoding="utf-8", newline="") as table:
            rows = list(csv.DictReader(table))
        expect(len(rows) > 0 and all(row["success"] == "1" for row in rows), "a frame was not measured")
        expect(max(float(row["AU12_r"]) for row in rows[HELD]) > 1.0, "the smile was not seen")
        expect((made / f"{clip.stem}.report.html").stat().st_size > 0, "no report page")


def command(*words: str) -> str:
    """Run the installed command; what it prints."""
    program = Path(sysconfig.get_path("scripts")) / ("face-mirror-au.exe" if os.name == "nt" else "face-mirror-au")
    done = subprocess.run([program, *words], capture_output=True, text=True, encoding="utf-8", check=False)
    expect(done.returncode == 0, f"face-mirror-au {words[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def expect(condition: bool, otherwise: str) -> None:
    """End with a message when it does not hold."""
    if not condition:
        sys.exit(f"smoke test: {otherwise}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the arguments allow; say what was done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, help="tests/clips of the source folder")
    parser.add_argument("--weights", type=Path, help="a folder with model files")
    given = parser.parse_args(arguments)
    done = ["files", "command"]
    check_files()
    check_command()
    if given.clips:
        check_numerics(given.clips / "smile_left.mp4", given.clips / "smile_left.npz")
        done.append("numerics")
    if given.clips and given.weights:
        check_run(given.clips / "smile_left.mp4", given.weights)
        done.append("run")
    print(f"smoke test passed: {', '.join(done)}")


if __name__ == "__main__":
    main()
