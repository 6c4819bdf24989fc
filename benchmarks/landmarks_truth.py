"""How far each stage of OpenFace's landmarks lies from C++ OpenFace 2.2, from the same inputs, and how long it takes. Needs ../shared."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import ROOT, landmarks_truth_clnf
from face_mirror_au.models import mtcnn, validator
from face_mirror_au.models.openface_files import read_pdm
from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics.gaze import EYE_NAMES, N_EYE_POINTS, gaze_angles, gaze_directions
from face_mirror_au.numerics.head_pose import Camera, estimate_head_pose, landmarks_3d

sys.path.insert(0, str(ROOT / "tests" / "openface_landmarks"))

import openface_cases as cases

SHARED = ROOT.parent / "shared"
_REPEATS = 20


def main() -> int:
    """Print the tables; return 1 when a limit is passed."""
    print(f"kernels: {_kernels.loaded}")
    print(f"\n{'stage':<60}{'largest':>12}{'limit':>10}")
    missed = 0
    for figure in _figures():
        missed += not figure.good
        numbers = f"{figure.value:>12.2g}{figure.limit:>10.2g}"
        print(f"{figure.stage:<60}{numbers} {figure.unit:<4}{'' if figure.good else ' MISSED'}", flush=True)
    print(f"\n{'ms of CPU':<60}{'best of ' + str(_REPEATS):>12}")
    for what, milliseconds in _speeds():
        print(f"{what:<60}{milliseconds:>12.2f}", flush=True)
    return 1 if missed else 0


def _figures() -> Iterator[Any]:  # each module of cases has a Figure of its own
    for stage in (cases.detector, cases.judging, cases.eyes_and_pose):
        yield from stage(SHARED)
    yield from landmarks_truth_clnf.figures(SHARED)
    for stage in (cases.whole_images, cases.whole_videos):
        yield from stage(SHARED)


def _speeds() -> Iterator[tuple[str, float]]:
    frame, frames = next(cases.pictures(SHARED, "default")), cases.truth(SHARED, "default/frames")
    files: Callable[[str], Path] = lambda relative: cases.model_path(SHARED, relative)  # noqa: E731 - one line says it
    detector = mtcnn.MTCNN.read(files)
    yield "MTCNN: first detection, one face, 640 x 480 (goal: 150)", _milliseconds(lambda: detector.find(frame))
    *_, crowd = cases.pictures(SHARED, "images")
    yield f"MTCNN: twelve faces, {crowd.shape[1]} x {crowd.shape[0]}", _milliseconds(lambda: detector.find(crowd))
    judge, grey = validator.read_validator(files(validator.CLNF_FILE)), cases.grey(frame)
    landmarks, pose, local = (
        frames["landmarks"][0],
        frames["params_global"][0].astype(np.float64),
        frames["params_local"][0].astype(np.float64),
    )
    yield "validator", _milliseconds(lambda: judge.certainty(grey, landmarks, pose[1:4]))
    pdm, camera = read_pdm(files(cases.PDM_FILE)), Camera.for_size(640, 480)
    yield "head pose", _milliseconds(lambda: estimate_head_pose(pdm, landmarks, pose, local, camera))
    eye_pdms = [read_pdm(files(file), N_EYE_POINTS) for file in cases.EYE_PDMS]
    eyes = [[frames[f"{name}_params_{part}"][:1].astype(np.float64) for part in ("global", "local")] for name in EYE_NAMES]
    head = estimate_head_pose(pdm, landmarks, pose, local, camera)

    def gaze() -> None:
        face = landmarks_3d(pdm, pose[None], local[None], camera)
        points = [landmarks_3d(eye_pdm, *of_eye, camera) for eye_pdm, of_eye in zip(eye_pdms, eyes, strict=True)]
        gaze_angles(gaze_directions(np.stack(points, axis=1), face, head[None, 3:]))

    yield "3D points and gaze of one frame", _milliseconds(gaze)
    yield from _whole_speeds()


def _whole_speeds() -> Iterator[tuple[str, float]]:
    """Of whole frames: the first one of a process, the first one of another video, and the median of those that are tracked."""
    openface, camera = cases.OpenFaceLandmarks.read(lambda relative: cases.model_path(SHARED, relative)), Camera.for_size(640, 480)
    times: list[list[float]] = [[], []]
    for clip_times in times:
        tracker, state = openface.tracker(), cases.CLNFState()
        for image in islice(cases.pictures(SHARED, "default"), 60):
            begin = time.process_time()
            found, state = tracker.track(image, state)
            if found.face is not None:
                openface.in_space(found.face, camera)
            clip_times.append(1000.0 * (time.process_time() - begin))
    yield "first frame of a process: networks, Sigma tables, 11 hypotheses", times[0][0]
    yield "first frame of the next video", times[1][0]
    yield "tracked frame: landmarks, validator, eyes, gaze (goal: 8), median", float(np.median(times[1][1:]))


def _milliseconds(action: Callable[[], object]) -> float:
    times = []
    for _ in range(_REPEATS):
        begin = time.process_time()
        action()
        times.append(time.process_time() - begin)
    return 1000.0 * min(times)


if __name__ == "__main__":
    raise SystemExit(main())
