"""OpenFace's landmark models against the C++ program, stage by stage and frame after frame. Needs ../shared.

Used by the tests and by `python -m benchmarks.landmarks_truth`.
"""

from __future__ import annotations

import gzip
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from benchmarks.figure import Figure
from face_mirror_au.models.clnf import CECLM_LIST, CLNF_LIST, ClnfSettings, read_face_model
from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics.clnf import cen
from face_mirror_au.numerics.clnf.experts import surroundings
from face_mirror_au.numerics.clnf.face import FaceModel, FittedFace
from face_mirror_au.numerics.clnf.fit import FitSettings, LandmarkModel, Stages
from face_mirror_au.numerics.clnf.parts import merge
from face_mirror_au.numerics.clnf.shape import similarity
from face_mirror_au.pipeline.clnf_tracker import CLNFState, CLNFTracker

MODELS = "weights/openface-2.2.0/model"
# The frames of which all stages were written down.
DUMPS = (
    *(f"default/landmarks_clnf/stages_f{frame:04d}.npz" for frame in (1, 2, 3, 50, 100, 101)),
    "images/landmarks_clnf/stages_sample1_face0.npz",
)


def never(_image: np.ndarray, _landmarks: np.ndarray, _pose: np.ndarray) -> float:
    """A validator that must not be asked."""
    raise AssertionError


def clnf(shared: Path, settings: ClnfSettings | None = None) -> FaceModel:
    """CLNF; its validator must be replaced."""
    return _clnf(shared, ClnfSettings() if settings is None else settings)


@cache
def _clnf(shared: Path, settings: ClnfSettings) -> FaceModel:
    return read_face_model(CLNF_LIST, lambda name: shared / MODELS / name, never, settings)


def ceclm_files(shared: Path, early: str = "early_term_cen_of.txt") -> Callable[[str], Path]:
    """Where the files of CE-CLM lie: experts of random weights, what else the real ones have."""
    unpacked = _unpacked(shared)

    def resolve(name: str) -> Path:
        if name == "early_term_cen_of.txt":
            return shared / "truth/cen_synthetic/model" / early
        found = unpacked / Path(name).name
        return found if found.exists() else shared / MODELS / name

    return resolve


@cache
def _unpacked(shared: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="cen-"))
    for packed in (shared / "truth/cen_synthetic/model/patch_experts").glob("*.gz"):
        (folder / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    return folder


@cache
def ceclm(shared: Path, early: str = "early_term_cen_of.txt") -> FaceModel:
    """CE-CLM with experts of random weights; its validator must be replaced."""
    return read_face_model(CECLM_LIST, ceclm_files(shared, early), never)


def model_named(face: FaceModel, name: str) -> LandmarkModel:
    """The main model or a part's."""
    return face.main if name == "main" else next(part.model for part in face.parts if part.name == name)


def truth(path: Path) -> dict[str, np.ndarray]:
    """A dump of the C++ program."""
    with np.load(path) as found:
        return dict(found)


def largest(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference; infinite when the shapes differ."""
    return float(np.abs(found.astype(np.float64) - wanted).max()) if found.shape == wanted.shape else np.inf


def scales(face: FaceModel, dump: dict[str, np.ndarray]) -> Iterator[tuple[str, LandmarkModel, Stages]]:
    """Each scale of each model in a dump: its key, its model, and the two stages with the C++ program's own inputs."""
    for key in dump:
        name = key.removesuffix("/meta")
        if name == key or f"{name}/responses" not in dump:
            continue
        model = model_named(face, name.split("/")[-2])
        experts, view = model.scales[int(dump[key][0])], int(dump[key][3])
        base = dump[f"{name}/base_shape"].reshape(2, -1)
        to_reference, to_image = dump[f"{name}/sim_img_to_ref"], dump[f"{name}/sim_ref_to_img"]
        visible, confidence = experts.visible[view] != 0, experts.confidence[view]
        yield name, model, Stages(model.shape, base, dump[f"{name}/responses"], visible, confidence, to_reference, to_image)


def answers(shared: Path) -> Iterator[Figure]:
    """What the experts see and answer."""
    face, found = clnf(shared), defaultdict(float)
    for file in DUMPS:
        dump = truth(shared / "truth" / file)
        for name, model, stages in scales(face, dump):
            scale, scaling, window, view = dump[f"{name}/meta"][:4]
            experts, visible = model.scales[int(scale)], stages.visible
            start = dump[f"{name}/in/global"], dump[f"{name}/in/local"]
            base, reference = model.shape.project(*start), model.shape.upright(scaling, start[1])
            found["shape"] = max(found["shape"], largest(base, stages.base))
            wanted = stages.to_reference
            found["similarity"] = max(found["similarity"], largest(similarity(stages.base, reference), wanted) / np.abs(wanted).max())
            seen = surroundings(dump["gray"], stages.base, experts.visible[int(view)], stages.to_image, int(window))
            for key in [key for key in dump if key.startswith(f"{name}/aoi/")]:
                found["seen"] = max(found["seen"], largest(seen[int(key.split("/")[-1])], dump[key]))
            given = experts.respond(dump["gray"], stages.base, stages.to_image, int(view), int(window))[visible]
            peaks = stages.responses[visible].max(axis=(1, 2))
            found["answer"] = max(found["answer"], float((np.abs(given - stages.responses[visible]).max(axis=(1, 2)) / peaks).max()))
    yield Figure("shape from pose and local parameters", found["shape"], 1e-4, "px")
    yield Figure("similarity, relative", found["similarity"], 2e-6)
    yield Figure("what the experts see", found["seen"], 0.0)
    yield Figure("CCNF answers, of their peak", found["answer"], 1e-5)


def fits(shared: Path) -> Iterator[Figure]:
    """Mean shift, one iteration, whole stages, likelihood."""
    face, found = clnf(shared), defaultdict(float)
    for file in DUMPS:
        dump = truth(shared / "truth" / file)
        for name, model, stages in scales(face, dump):
            _, _, _, _, regularisation, sigma, factor, iterations = dump[f"{name}/meta"]
            settings = FitSettings(sigma, regularisation, factor, int(iterations), refined=False)
            start = dump[f"{name}/in/global"], dump[f"{name}/in/local"]
            for kind in ("rigid", "nonrigid"):
                key = f"{name}/{kind}"
                _iterations(found, dump, key, model, stages, settings)
                pose, local = (values.copy() for values in start)
                offsets = stages.run(settings, pose, local, rigid=kind == "rigid")
                start = dump[f"{key}/global"], dump[f"{key}/local"]
                found["stage"] = max(found["stage"], largest(model.shape.project(pose, local), model.shape.project(*start)))
                if f"{key}/model_likelihood" in dump:
                    likelihood = stages.likelihood(offsets, sigma)
                    found["likelihood"] = max(found["likelihood"], abs(likelihood - float(dump[f"{key}/model_likelihood"][0])))
    yield Figure("mean shift", found["shift"], 1e-4, "cells")
    yield Figure("one iteration", found["iteration"], 3e-4, "px")
    yield Figure("a rigid or non-rigid stage", found["stage"], 1e-3, "px")
    yield Figure("likelihood", found["likelihood"], 1e-5)


def _iterations(
    found: dict[str, float], dump: dict[str, np.ndarray], key: str, model: LandmarkModel, stages: Stages, settings: FitSettings
) -> None:
    number, once = 0, replace(settings, iterations=1)
    while f"{key}/it{number}/global_in" in dump:
        step = f"{key}/it{number}"
        places, shifts = np.array([dump[f"{step}/dxs"], dump[f"{step}/dys"]]), np.zeros_like(stages.base)
        _kernels.stage.mean_shift(stages.responses, places, stages.visible.astype(np.uint8), settings.sigma, shifts)
        wanted = dump[f"{step}/mean_shifts_ref"].reshape(2, -1)
        found["shift"] = max(found["shift"], largest(shifts[:, stages.visible], wanted[:, stages.visible]))
        pose, local = dump[f"{step}/global_in"].copy(), dump[f"{step}/local_in"].copy()
        stages.run(once, pose, local, rigid=key.endswith("/rigid"))
        after = model.shape.project(dump[f"{step}/global_out"], dump[f"{step}/local_out"])
        found["iteration"] = max(found["iteration"], largest(model.shape.project(pose, local), after))
        number += 1


def parts(shared: Path) -> Iterator[Figure]:
    """Where the parts start, and the final shape of all landmarks."""
    face, start, final = clnf(shared), 0.0, 0.0
    for file in DUMPS:
        dump = truth(shared / "truth" / file)
        context = next(key.removesuffix("main/merged_landmarks") for key in dump if key.endswith("main/merged_landmarks"))
        landmarks = np.ascontiguousarray(dump[f"{context}main/after_fit/landmarks"].reshape(2, -1).T)
        grown = {}
        for part in face.parts:
            shape, key = part.model.shape, f"{context}{part.name}"
            begun = part.fit(dump["gray"], landmarks, 0.0)
            assert begun is not None
            wanted = shape.project(dump[f"{key}/start/global"], dump[f"{key}/start/local"])
            start = max(start, largest(begun.landmarks.T, wanted))
            grown[part.name] = replace(begun, landmarks=dump[f"{key}/after_fit/landmarks"].reshape(2, -1).T, fitted=True)
        merged = merge(landmarks, face.parts, grown)
        assert np.array_equal(merged.T.ravel(), dump[f"{context}main/merged_landmarks"])
        fit = face.pose_fitter.fit(merged.astype(np.float64))
        shape = face.main.shape.project(fit.pose.astype(np.float32), fit.local.astype(np.float32))
        final = max(final, largest(shape, dump[f"{context}main/final/landmarks"].reshape(2, -1)))
    yield Figure("where the parts start", start, 1e-3, "px")
    yield Figure("final shape (stop test)", final, 0.02, "px")


def convolutional(shared: Path) -> Iterator[Figure]:
    """CEN answers, and whole frames of CE-CLM with early termination accepted and refused."""
    face, dump, worst = ceclm(shared), truth(shared / "truth/cen_synthetic/patches.npz"), 0.0
    for key in [key for key in dump if key.endswith("_response")]:
        scale, view = (int(key[3]), 0) if key[0] == "A" else (0, int(key.split("view")[1][0]))
        experts = face.main.scales[scale]
        assert isinstance(experts, cen.CENExperts)
        given = experts.answer(np.nan_to_num(dump[key.replace("_response", "_aoi")]), view)
        visible = experts.visible[view] != 0
        worst = max(worst, largest(given[visible], dump[key][visible]))
    yield Figure("CEN answers", worst, 1e-5)
    # Where the first frame's hypothesis goes on at once, the C++ program differs from itself by more (f32 noise).
    for run, early, limit in (
        ("A", "early_term_cen_of.txt", 0.15),
        ("B", "early_term_cen_of.txt", 0.15),
        ("C", "early_term_runC.txt", 0.05),
    ):
        frames = truth(shared / f"truth/cen_synthetic/run{run}_frames.npz")
        track = follow(ceclm(shared, early), frames, shared / "media/default.wmv", _start(shared, run))
        yield Figure(f"CE-CLM, run {run}: worst landmark", max(track.worst), limit, "px")
        yield Figure(f"CE-CLM, run {run}: frames of another state", track.other_states, 0)


def _start(shared: Path, run: str) -> CLNFState:
    if run != "A":
        return CLNFState()
    lines = (shared / "truth/cen_synthetic/init_runA.txt").read_text().splitlines()
    pose, local = (np.array(line.split(), np.float32) for line in lines[:2])
    landmarks = np.ascontiguousarray(ceclm(shared).main.shape.project(pose, local).T)
    return CLNFState(FittedFace(pose, local, landmarks, {}, success=False, certainty=0.0, likelihood=-10.0), initialised=True)


@dataclass(frozen=True)
class Track:
    """A clip, frame after frame, beside the C++ program.

    Attributes
    ----------
    worst, middle : list of float
        Worst and median landmark by frame, px.
    eyes : list of float
        Worst eye landmark by frame, px.
    other_states : int
        Frames whose returned value, success, initialisation, failures or use of the detector differ.
    """

    worst: list[float]
    middle: list[float]
    eyes: list[float]
    other_states: int


def follow(face: FaceModel, frames: dict[str, np.ndarray], video: Path, state: CLNFState) -> Track:
    """Landmarks from the pictures alone; boxes and certainties are those of the C++ program."""
    replay = Replay(frames)
    tracker = CLNFTracker(replace(face, validator=replay.validate), replay.detect)
    track, capture = Track([], [], [], 0), cv2.VideoCapture(str(video))
    others = 0
    for index in range(len(frames["frame"])):
        replay.begin(index)
        found, state = tracker.track(np.asarray(capture.read()[1]), state)
        assert found.face is not None
        distances = np.hypot(*(found.face.landmarks - frames["landmarks"][index]).T)
        track.worst.append(float(distances.max()))
        track.middle.append(float(np.median(distances)))
        eyes = [found.face.parts[name].landmarks - frames[f"{name}_landmarks"][index] for name in ("left_eye_28", "right_eye_28")]
        track.eyes.append(float(np.hypot(*np.concatenate(eyes).T).max()))
        others += state_of(found.returned, found.face.success, state, found.detected is not None) != tuple(
            int(frames[name][index])
            for name in ("return_value", "detection_success", "tracking_initialised", "failures_in_a_row", "detector_ran")
        )
    return replace(track, other_states=others)


def state_of(returned: bool, success: bool, state: CLNFState, asked: bool) -> tuple[int, ...]:
    """What the C++ program says about its state after a frame, in the same order."""
    return int(returned), int(success), int(state.initialised), state.failures, int(asked)


class Replay:
    """Stands in for detector and validator: gives what the C++ program's gave in a frame."""

    def __init__(self, frames: dict[str, np.ndarray]) -> None:
        self._frames = frames
        self._index = self._asked = 0

    def begin(self, index: int) -> None:
        """The next frame."""
        self._index, self._asked = index, 0

    def detect(self, _image: np.ndarray) -> np.ndarray:
        """Boxes."""
        boxes = self._frames["boxes"]
        return boxes[boxes[:, 0] == self._frames["frame"][self._index]][:, 1:]

    def validate(self, _image: np.ndarray, _landmarks: np.ndarray, _pose: np.ndarray) -> float:
        """Certainty; of a fit that failed before another one in the same frame only that it failed is known."""
        failed_first = self._frames["tracked"][self._index] and not self._frames["track_success"][self._index]
        self._asked += 1
        return 0.0 if failed_first and self._asked == 1 else float(self._frames["detection_certainty"][self._index])


def video(shared: Path) -> Iterator[Figure]:
    """A clip, frame after frame from the pictures alone; boxes and certainties are those of the C++ program."""
    frames = truth(shared / "truth/changeLighting/landmarks_clnf/frames.npz")
    track = follow(clnf(shared), frames, shared / "media/changeLighting.wmv", CLNFState())
    # The C++ program against itself on another CPU: 0.106 and 0.227.
    yield Figure("changeLighting: worst landmark of a frame, median", float(np.median(track.worst)), 0.13, "px")
    yield Figure("changeLighting: the same, 95 %", float(np.percentile(track.worst, 95)), 0.28, "px")
    yield Figure("changeLighting: median landmark", float(np.median(track.middle)), 0.03, "px")
    yield Figure("changeLighting: worst eye landmark, median", float(np.median(track.eyes)), 0.15, "px")
    yield Figure("changeLighting: frames of another state", track.other_states, 0)


STAGES = (answers, fits, parts, convolutional, video)
