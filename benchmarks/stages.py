"""Time of each stage for one face, compiled kernels and NumPy twins: `python -m benchmarks.stages`. Needs ../shared."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import benchmarks

sys.path.insert(0, str(benchmarks.ROOT / "tests" / "truth"))

import truth_cases

from face_mirror_au.io.landmarks_csv import read_landmarks
from face_mirror_au.io.video import open_source
from face_mirror_au.models.openface_files import read_triangles
from face_mirror_au.models.pfld import PFLD
from face_mirror_au.models.retinaface import RetinaFace
from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics.alignment import Aligner
from face_mirror_au.numerics.fhog import extract_fhog
from face_mirror_au.numerics.geometry import geometry_features
from face_mirror_au.numerics.head_pose import Camera, estimate_head_pose
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_au.numerics.running_median import NeutralReference
from face_mirror_au.pipeline.sequence import AUSequence
from face_mirror_weights import Store


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


def main() -> None:
    """Print the medians over default.wmv."""
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

    rows: list[tuple[str, float]] = [
        ("CalcParams", median_ms(lambda i: fitter.fit(points[i]), n)),
        ("align + mask", median_ms(lambda i: aligner.align(images[i], points[i], fits[i].pose), n)),
        ("FHOG (pyfhog)", median_ms(lambda i: extract_fhog(faces[i]), n)),
        ("geometry", median_ms(lambda i: geometry_features(pdm, fits[i].local), n)),
        ("head pose (solvePnP)", median_ms(lambda i: estimate_head_pose(pdm, points[i], fits[i].pose, fits[i].local, camera), n)),
        ("describe: all of the above", median_ms(lambda i: describer.describe(images[i], points[i]), n)),
        ("running medians, per updated frame", median_ms(updated, n)),
        ("sequence: medians, SVR, SVM, correction", median_ms(lambda i: sequence.append(descriptors[i].hog, descriptors[i].geometry), n)),
    ]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; kernels: {_kernels.loaded}")
    for name, value in rows:
        print(f"  {name:<42}{value:8.3f} ms")
    if "numpy" not in _kernels.loaded.values():
        store = Store([truth_cases.SHARED / "weights"])
        detector, landmark_model = RetinaFace(store.require("retinaface")), PFLD(store.require("pfld"))
        region = landmark_model.region_from_detection(detector.detect(images[0])[0])
        print(f"  {'RetinaFace 640x480':<42}{median_ms(lambda i: detector.detect(images[i]), 60):8.3f} ms")
        print(f"  {'PFLD':<42}{median_ms(lambda i: landmark_model.locate([images[i]], [region]), 100):8.3f} ms", flush=True)
        subprocess.run(
            [sys.executable, "-m", "benchmarks.stages"],
            env={**os.environ, "FACE_MIRROR_AU_KERNELS": "off"},
            cwd=benchmarks.ROOT,
            check=True,
        )


if __name__ == "__main__":
    main()
