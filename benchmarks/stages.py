"""Time of each stage for one face, compiled kernels and NumPy twins, against an earlier commit: `python -m benchmarks.stages`.

Needs ../shared.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import benchmarks

sys.path.insert(0, str(benchmarks.ROOT / "tests" / "truth"))

import numpy as np
import truth_cases

from face_mirror_au.media.video import open_source
from face_mirror_au.models.attention_mesh import AttentionMesh
from face_mirror_au.models.openface_files import read_triangles
from face_mirror_au.models.pfld import PFLD
from face_mirror_au.models.retinaface import RetinaFace
from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics.alignment import Aligner
from face_mirror_au.numerics.fhog import PYFHOG, extract_fhog
from face_mirror_au.numerics.geometry import geometry_features
from face_mirror_au.numerics.head_pose import Camera, estimate_head_pose
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_au.numerics.running_median import NeutralReference
from face_mirror_au.pipeline.sequence import AUSequence
from face_mirror_au.tables.landmarks_csv import read_landmarks
from face_mirror_weights import Store

# Figures of an earlier commit, measured on the same machine as the tables in RESULTS.md.
BEFORE = benchmarks.ROOT / "benchmarks" / "stages_before.json"


def median_ms(function: Callable[[int], object], frames: int) -> float:
    """Median time of `function(i)` over the frames, after one round to warm up."""
    times = []
    for repeat in range(2):
        for index in range(frames):
            start = time.perf_counter()
            function(index)
            if repeat:
                times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def measure() -> dict[str, float]:
    """Medians over default.wmv, ms."""
    describer = truth_cases.pdm_and_describer()
    pdm = describer.pdm
    aligner = Aligner(pdm, read_triangles(truth_cases.PREDICTORS / "tris_68_full.txt"))
    fitter = PoseFitter(pdm)
    points = read_landmarks(truth_cases.TRUTH / "default" / "landmarks.csv.gz").points
    with open_source(truth_cases.SHARED / "media" / "default.wmv") as source:
        images = [frame.image for frame in source]
    n = len(images)
    fits = [fitter.fit(face) for face in points]
    faces = [aligner.align(image, face, fit.pose) for image, face, fit in zip(images, points, fits, strict=True)]
    descriptors = [describer.describe(image, face, fit) for image, face, fit in zip(images, points, fits, strict=True)]
    camera = Camera.for_size(640, 480)
    neutral, sequence = NeutralReference(4464, 238), AUSequence(truth_cases.bank("AU_all_best.txt"))

    def updated(index: int) -> None:
        neutral.update(descriptors[index].hog, descriptors[index].geometry)
        neutral._frames -= 1  # noqa: SLF001  (every frame counts as an odd one here: the cost of an updated frame)

    bank = truth_cases.bank("AU_all_best.txt")
    offsets, rows = bank.offsets(np.zeros(bank.n_features)), [np.concatenate([each.hog, each.geometry]) for each in descriptors]
    figures = {
        "CalcParams": median_ms(lambda i: fitter.fit(points[i]), n),
        "align + mask": median_ms(lambda i: aligner.align(images[i], points[i], fits[i].pose), n),
        "FHOG": median_ms(lambda i: extract_fhog(faces[i]), n),
        "FHOG (pyfhog)": median_ms(lambda i: extract_fhog(faces[i], PYFHOG), n),
        "geometry": median_ms(lambda i: geometry_features(pdm, fits[i].local), n),
        "head pose (solvePnP)": median_ms(lambda i: estimate_head_pose(pdm, points[i], fits[i].pose, fits[i].local, camera), n),
        "describe: all of the above": median_ms(lambda i: describer.describe(images[i], points[i]), n),
        "running medians, per updated frame": median_ms(updated, n),
        "17 SVR + 18 SVM": median_ms(lambda i: bank.predict(rows[i], offsets), n),
        "medians, SVR, SVM, correction, per frame": median_ms(lambda i: sequence.append(descriptors[i].hog, descriptors[i].geometry), n),
    }
    figures["all after the landmarks"] = figures["describe: all of the above"] + figures["medians, SVR, SVM, correction, per frame"]
    if "numpy" in _kernels.loaded.values():
        return figures
    store = Store([truth_cases.SHARED / "weights"])
    detector, landmark_model = RetinaFace(store.require("retinaface")), PFLD(store.require("pfld"))
    region = landmark_model.region_from_detection(detector.detect(images[0])[0])
    figures["RetinaFace 640x480"] = median_ms(lambda i: detector.detect(images[i]), 60)
    figures["PFLD"] = median_ms(lambda i: landmark_model.locate(images[i], region), 100)
    mesh = AttentionMesh(store.require("attention_mesh"))
    figures["attention mesh"] = median_ms(lambda i: mesh.locate(images[i], region), 100)
    return figures


def in_other_form(kernels: str) -> dict[str, float]:
    """The same in a process of its own, with the kernels "on" or "off"."""
    command = [sys.executable, "-m", "benchmarks.stages", "--json"]
    environment = {**os.environ, "FACE_MIRROR_AU_KERNELS": kernels, "OPENBLAS_NUM_THREADS": "1"}
    found: dict[str, float] = json.loads(
        subprocess.run(command, env=environment, cwd=benchmarks.ROOT, check=True, stdout=subprocess.PIPE).stdout
    )
    return found


def main() -> None:
    """Print the table, or with `--json` this process's own figures."""
    if "--json" in sys.argv:
        print(json.dumps(measure()))
        return
    forms = {"kernels": in_other_form("on"), "twins": in_other_form("off")}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    before = json.loads(BEFORE.read_text(encoding="utf-8"))
    print(f"{machine}; ms per face, one thread. Before: {before['commit']}, {before['machine']}, {before['date']}")
    print(f"  {'':<42}{'kernels':>9}{'before':>9}{'twins':>9}{'before':>9}")
    for name in forms["kernels"]:
        cells = [table.get(name) for form in forms for table in (forms[form], before[form])]
        print(f"  {name:<42}" + "".join(f"{'':>9}" if cell is None else f"{cell:>9.3f}" for cell in cells))


if __name__ == "__main__":
    main()
