"""Whether two versions of the program write the same: `python -m benchmarks.same_bytes OLD_PYTHON NEW_PYTHON`. Needs ../shared.

Each Python has one version installed. Both run the same commands on the same inputs. All files are compared: tables by bytes, metadata key
by key, pages line by line, videos by number of frames, times and PSNR (x264 gives other bytes for the same pictures now and then).
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import av
import numpy as np

from benchmarks import ROOT

SHARED = ROOT.parent / "shared"
CLIPS = ROOT / "tests" / "clips"
DOUBLE = ROOT / "tests" / "integrations"
THREE = ("--views", "original,left,right")
CPU = ("--device", "cpu")
# What names the version or the moment on a page.
_VERSION = re.compile(r"face-mirror-au \S+")
_MIN_PSNR = 55.0
# How long it took, in tables and metadata.
_TIMES = ("seconds", "frames_per_second")
# Of files that differ as they may: metadata of another version have other keys.
_SIZES = ("sizes",)


@dataclass(frozen=True)
class Command:
    """One command line, run by both versions in folders of their own; `{name}` is what the command of that name wrote."""

    name: str
    arguments: tuple[str, ...]
    writes: bool = True


def commands() -> list[Command]:
    """What is run, in this order: later ones read what earlier ones wrote."""
    wmv, many = str(SHARED / "media" / "default.wmv"), str(SHARED / "media" / "multi_face.avi")
    left, both = str(CLIPS / "smile_left.mp4"), str(CLIPS / "smile_left_right_both.mp4")
    photo, truth = str(SHARED / "media" / "sample1.jpg"), "{inputs}/landmarks.csv"
    found = [
        Command("run_openface", ("run", wmv, "-o", "{out}", "--profile", "openface-pfld", "--max-frames", "70", "--workers", "2", *CPU)),
        Command("run_open", ("run", wmv, "-o", "{out}", "--profile", "open", "--max-frames", "70", "--workers", "2", *CPU)),
        Command("run_hybrid_three", ("run", both, "-o", "{out}", "--profile", "hybrid", *THREE, "--workers", "1", *CPU)),
        Command("run_minimal", ("run", left, "-o", "{out}", "--profile", "openface-pfld", "--format", "minimal", "--workers", "0", *CPU)),
        Command("run_face_mirror", ("run", left, "-o", "{out}", "--profile", "hybrid", "--format", "face-mirror", *THREE, *CPU)),
        Command("run_strict", ("run", many, "-o", "{out}", "--profile", "openface-pfld", "--openface-strict", "--max-frames", "60", *CPU)),
        Command("run_photo", ("run", photo, "-o", "{out}", "--profile", "openface-pfld", *CPU)),
        Command("run_shared_baseline", ("run", left, "-o", "{out}", "--profile", "hybrid", *THREE, "--baseline", "shared", *CPU)),
        Command("mirror_open", ("mirror", both, "-o", "{out}", "--profile", "open", "--keep-descriptors", "--overlay", *CPU)),
        Command("mirror_openface", ("mirror", left, "-o", "{out}", "--profile", "openface-pfld", "--workers", "2", *CPU)),
    ]
    for mode in ("dynamic", "static", "image"):
        arguments = ("au-from-landmarks", wmv, truth, "-o", "{out}/au.csv", "--models", mode)
        found.append(Command(f"au_{mode}", arguments))
    found.append(Command("au_online", ("au-from-landmarks", wmv, truth, "-o", "{out}/au.csv", "--values", "online")))
    found += [
        Command("batch", ("batch", str(CLIPS), "-o", "{out}", "--profile", "open", "--max-frames", "30", "--no-report", *CPU)),
        Command("live", ("live", "--input", left, "--every-frame", "--no-preview", "-o", "{out}", "--profile", "open", *CPU)),
        Command("convert", ("convert", "{mirror_open}/smile_left_right_both/smile_left_right_both.csv", "-o", "{out}/t.parquet")),
        Command("convert_back", ("convert", "{convert}/t.parquet", "-o", "{out}/t.csv")),
        Command("convert_minimal", ("convert", "{convert}/t.parquet", "-o", "{out}/t.csv", "--to", "minimal", "--drop")),
        Command("convert_tidy", ("convert", "{mirror_open}/smile_left_right_both", "-o", "{out}/tidy.parquet")),
        Command("compare", ("compare", "{run_hybrid_three}/smile_left_right_both", "{run_shared_baseline}/smile_left", "-o", "{out}")),
        Command("movements", ("movements", "{run_hybrid_three}/smile_left_right_both"), writes=False),
        Command("report", ("report", "{run_hybrid_three}/smile_left_right_both"), writes=False),
        Command("recover", ("recover", "{mirror_open}/smile_left_right_both"), writes=False),
    ]
    return found


@dataclass(frozen=True)
class Version:
    """One of the two programs.

    Attributes
    ----------
    python : str
    folder : Path
        Where its commands write, each in a folder of its name.
    """

    python: str
    folder: Path

    def run(self, command: Command, inputs: Path) -> int:
        """Run one command; its exit code."""
        places = {"inputs": inputs, "out": self.folder / command.name}
        places |= {each.name: self.folder / each.name for each in commands()}
        if command.writes:
            (self.folder / command.name).mkdir()
        arguments = [argument.format(**places) for argument in command.arguments]
        return self._call("-m", "face_mirror_au", *arguments)

    def run_host(self, double: Path) -> int:
        """Run the stand-in of the application that lies in a folder; its exit code."""
        mine = self.folder / "host"
        shutil.copytree(double, mine)
        job = json.loads((mine / "job.json").read_text().replace(str(double), str(mine)))
        (mine / "job.json").write_text(json.dumps(job))
        options = ("--device", "cpu", "--workers", "1", "--profile", "hybrid")
        return self._call(
            "-m",
            "face_mirror_au",
            "host",
            str(mine / "app"),
            *options,
            cwd=mine / "app",
            HOST_DOUBLE_JOB=str(mine / "job.json"),
        )

    def _call(self, *arguments: str, cwd: Path | None = None, **environment: str) -> int:
        variables = {**os.environ, "FACE_MIRROR_AU_WEIGHTS": str(SHARED / "weights"), **environment}
        done = subprocess.run(
            [self.python, *arguments],
            cwd=cwd or self.folder,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            print(f"    {done.stderr.strip()[-300:]}")
        return done.returncode


def make_inputs(folder: Path) -> Path:
    """Landmarks of the C++ program for its sample clip as a CSV, and the stand-in of the application; the latter's folder."""
    import pandas as pd

    folder.mkdir()
    pd.read_csv(SHARED / "truth" / "default" / "landmarks.csv.gz").to_csv(folder / "landmarks.csv", index=False)
    sys.path.insert(0, str(DOUBLE))
    from host_fixtures import Double  # type: ignore[import-not-found]

    double: Path = Double(folder / "double", "E", job={"unsmoothed": True}).folder  # it smooths in order of its calls
    return double


def differences(old: Path, new: Path) -> Iterator[str]:
    """What differs between two folders: nothing, or a line each."""
    names = sorted({str(path.relative_to(root)) for root in (old, new) for path in root.rglob("*") if path.is_file()})
    for name in names:
        one, other = old / name, new / name
        if not (one.exists() and other.exists()):
            yield f"{name}: only in the {'old' if one.exists() else 'new'} one"
        elif one.read_bytes() != other.read_bytes():
            yield from (f"{name}: {difference}" for difference in _different(one, other))


def _different(one: Path, other: Path) -> Iterator[str]:
    if one.suffix == ".json":
        yield from _different_keys(json.loads(one.read_text()), json.loads(other.read_text()), "")
    elif one.suffix == ".html":
        lines = [_VERSION.sub("", path.read_text()).splitlines() for path in (one, other)]
        count = sum(first != second for first, second in zip_longest(*lines))
        if count:
            yield f"{count} lines"
    elif one.suffix == ".mp4":
        yield from _different_videos(one, other)
    elif one.suffix == ".parquet":
        import pyarrow.parquet as pq

        if not pq.read_table(one).equals(pq.read_table(other)):
            yield "other values"
    elif one.name == "batch.csv":
        if [_timeless(row) for row in csv.DictReader(one.open())] != [_timeless(row) for row in csv.DictReader(other.open())]:
            yield "other rows"
    elif one.suffix != ".descriptors" or one.stat().st_size != other.stat().st_size:
        yield "other bytes"


def _different_keys(one: object, other: object, place: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other} - {*_TIMES, *_SIZES}):
            yield from _different_keys(one.get(key), other.get(key), f"{place}.{key}" if place else key)
    elif one != other:
        yield place


def _timeless(row: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in row.items() if key not in _TIMES}


def _different_videos(one: Path, other: Path) -> Iterator[str]:
    with av.open(str(one)) as first, av.open(str(other)) as second:
        worst = math.inf
        for number, (left, right) in enumerate(zip_longest(first.decode(video=0), second.decode(video=0))):
            if left is None or right is None:
                yield f"{number} frames in one, more in the other"
                return
            if left.time != right.time:
                yield f"frame {number}: other time"
                return
            error = np.mean((left.to_ndarray(format="bgr24").astype(float) - right.to_ndarray(format="bgr24")) ** 2)
            worst = min(worst, 10 * math.log10(255**2 / error) if error else math.inf)
    if worst < _MIN_PSNR:
        yield f"PSNR {worst:.1f} dB"


def main() -> None:
    """Run all commands with both versions, print a line for each; exit code 1 when tables, pages or videos differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--only", default="", help="names of commands, separated by commas; what they read is run, too")
    arguments = parser.parse_args()
    chosen = [command for command in commands() if not arguments.only or command.name in arguments.only.split(",")]
    different = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        versions = [Version(arguments.old, root / "old"), Version(arguments.new, root / "new")]
        for version in versions:
            version.folder.mkdir()
        double = make_inputs(root / "inputs")
        for command in chosen:
            codes = [version.run(command, root / "inputs") for version in versions]
            place = command.name if command.writes else command.arguments[1].strip("{}").split("}")[0]
            different += _tell(command.name, codes, [version.folder / place for version in versions])
        if not arguments.only or "host" in arguments.only.split(","):
            codes = [version.run_host(double) for version in versions]
            different += _tell("host", codes, [version.folder / "host" / "output" for version in versions])
    sys.exit(1 if different else 0)


def _tell(name: str, codes: list[int], folders: list[Path]) -> int:
    """Print what one command gave; whether anything but metadata differs."""
    files = sum(path.is_file() for path in folders[0].rglob("*"))
    found = list(differences(*folders))
    serious = [line for line in found if ".metadata.json: " not in line]
    keys = sorted({line.split(": ")[1] for line in found if ".metadata.json: " in line})
    ended = "" if codes[0] == codes[1] else f"; EXIT CODES {codes}"
    print(
        f"{name:<22} {files:>3} files, {'same' if not serious else f'{len(serious)} DIFFER'}{ended}; metadata: {', '.join(keys) or 'same'}"
    )
    for line in serious:
        print(f"    {line}")
    return int(bool(serious) or codes[0] != codes[1])


if __name__ == "__main__":
    main()
