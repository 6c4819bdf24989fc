"""Where the followed face is, frame by frame: tracking from its own landmarks, detection at set frames and in doubt.

`FaceTracker.track` is a pure function of the frame and a small state, so that a chunk of frames gives the same result in any process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from face_mirror_au.errors import LandmarksError
from face_mirror_au.numerics.pose import PoseFit, PoseFitter
from face_mirror_au.pipeline.clnf_tracker import CLNFState
from face_mirror_au.pipeline.confidence import (
    MIN_CONFIDENCE,
    MIN_NEW_CONFIDENCE,
    MIN_NEW_SCORE,
    MIN_SCORE,
    calibration_of,
    landmark_confidence,
)
from face_mirror_au.pipeline.finder import FaceFinder
from face_mirror_au.pipeline.survey import another_face, is_due
from face_mirror_au.records import Detection, Face, Float32Array, Frame, Located, View

# A face may move by this share of its size, and change its size by this factor, from one frame to the next before the detector is asked.
MAX_JUMP = 0.5
MAX_GROWTH = 1.3
# A detection is the followed face when its box and that of the last landmarks overlap by this much (intersection over union; about 0.6 to
# 0.8 on a still face, whose box reaches up to the forehead or not, depending on the detector) ...
MIN_OVERLAP = 0.2
# ... or, where nothing overlaps and other people are about, when it is this near (in sizes) and this similar in size.
MAX_RETURN_DISTANCE = 1.2
MAX_RETURN_GROWTH = 1.7
# After a detection the landmark model runs this often before the pass that counts, each time in the square of its own landmarks, so that
# the frame is cropped as the tracked ones are. Landmark step at such a frame, in median steps elsewhere (two rendered clips): 1.2 to 2.2
# with one, 1.1 to 1.5 with two, 1.0 to 1.3 with three.
SETTLING_PASSES = 3
# Sizes of the detector's box that are tried where the landmarks in it fit no face.
OTHER_GROWTHS = (1.3, 0.8)

NO_FACE = "no face found"
OTHER_FACE = "the followed face is not here, another face is"
BAD_LANDMARKS = "the landmarks do not fit a face"


@dataclass(frozen=True, slots=True)
class TrackState:
    """What the tracker carries from one frame to the next.

    Attributes
    ----------
    near : Located or None
        The face where it was last seen; None before the first one.
    lost : bool
        True when the last frame had no face.
    crowd : bool
        True once more than one face was seen in a frame.
    followed : mapping of View to CLNFState
        Of landmarks that are followed by OpenFace's rules; the others are not looked at then, but for `crowd`.
    """

    near: Located | None = None
    lost: bool = True
    crowd: bool = False
    followed: Mapping[View, CLNFState] = field(default_factory=dict)

    @property
    def box(self) -> Float32Array | None:
        """Bounding box of the last landmarks, (4,): x1, y1, x2, y2 px."""
        return None if self.near is None else landmark_box(self.near)


@dataclass(frozen=True, slots=True)
class Tracked:
    """The followed face in one frame.

    Attributes
    ----------
    face : Face
    located : Located
        What the landmark model returned.
    fit : PoseFit
        Of the landmarks.
    confidence : float
        0 to 1, see `landmark_confidence`.
    """

    face: Face
    located: Located
    fit: PoseFit
    confidence: float


class FaceTracker:
    """Follows one face.

    Parameters
    ----------
    finder : FaceFinder
    pose_fitter : PoseFitter
        Its error tells whether landmarks form a face.
    surveys : bool
        Whether `survey` looks. Not with landmark models that must see one face in order.
    """

    def __init__(self, finder: FaceFinder, pose_fitter: PoseFitter, *, surveys: bool = False) -> None:
        self._finder = finder
        self._surveys = surveys
        self._pose_fitter = pose_fitter

    def detect(self, frame: Frame) -> tuple[Detection, ...]:
        """All faces that the detector sees in a frame."""
        return tuple(self._finder.detect(frame))

    def track(self, frame: Frame, state: TrackState, detections: Sequence[Detection] | None = None) -> tuple[Tracked | str, TrackState]:
        """Find the followed face in the next frame.

        Parameters
        ----------
        frame : Frame
        state : TrackState
            From the frame before; `TrackState()` at a video's start.
        detections : sequence of Detection, optional
            Of this frame, when the detector was asked whatever tracking would give.

        Returns
        -------
        Tracked, or str
            The face, or the reason why there is none.
        TrackState
            For the next frame.
        """
        if detections is None and not state.lost and state.near is not None:
            tracked = self.locate(frame, View.ORIGINAL, state.near, MIN_CONFIDENCE)
            if tracked is not None and not _jumped(landmark_box(state.near), tracked.face.box):
                return tracked, TrackState(tracked.located, lost=False, crowd=state.crowd)
        candidates = acceptable(self.detect(frame) if detections is None else detections, state)
        chosen = choose_face(candidates, state)
        if chosen is None:
            return (OTHER_FACE if candidates else NO_FACE), TrackState(state.near, lost=True, crowd=state.crowd)
        # Only beside the followed face: on an empty scene a detector may see several faces that are none.
        crowd = state.crowd or len(candidates) > 1
        detection = candidates[chosen]
        tracked = self._take_up(frame, detection, MIN_NEW_CONFIDENCE if state.lost else MIN_CONFIDENCE)
        if tracked is None:
            return BAD_LANDMARKS, TrackState(state.near, lost=True, crowd=state.crowd)
        detected = replace(tracked, face=replace(tracked.face, detector=detection.source))
        return detected, TrackState(tracked.located, lost=False, crowd=crowd)

    def survey(self, frame: Frame, state: TrackState) -> TrackState:
        """Look for a face beside the followed one, every few seconds; the state, with what was seen.

        Parameters
        ----------
        frame : Frame
            One that the detector looked at.
        state : TrackState
            After it.
        """
        if not self._surveys or state.crowd or state.lost or state.box is None or not is_due(frame.index):
            return state
        return replace(state, crowd=another_face(self._finder, self.accept, frame, state.box))

    def _take_up(self, frame: Frame, detection: Detection, least: float) -> Tracked | None:
        """The face at a detection. Where its landmarks fit no face, squares of other sizes are tried."""
        for growth in (1.0, *OTHER_GROWTHS):
            near: Detection | Located = _grown(detection, growth)
            source = ""
            for _ in range(SETTLING_PASSES):
                near, source = self._finder.locate(frame, View.ORIGINAL, near)
            tracked = self.locate(frame, View.ORIGINAL, near, least)
            # With OpenFace's PDM a frame fails where it always has: those tables are compared with OpenFace's.
            if tracked is not None or calibration_of(source, self._pose_fitter.pdm.name).across is None:
                return tracked
        return None

    def locate(self, frame: Frame, view: View, near: Detection | Located, least: float) -> Tracked | None:
        """Landmarks of one view at `near`, fitted; None when they are no face or their confidence is not above `least`."""
        located, source = self._finder.locate(frame, view, near)
        return self.accept(located, source, least)

    def accept(self, located: Located, source: str, least: float) -> Tracked | None:
        """Landmarks fitted; None when they are no face or their confidence is not above `least`."""
        if located.score < MIN_SCORE:
            return None
        try:
            fit = self._pose_fitter.fit(located.landmarks.astype(np.float64))
        except LandmarksError:
            return None
        confidence = landmark_confidence(source, self._pose_fitter, located, fit)
        if confidence <= least:
            return None
        face = Face(landmark_box(located), located.score, located.landmarks, source, located.mesh)
        return Tracked(face, located, fit, confidence)


def _grown(detection: Detection, growth: float) -> Detection:
    """A detection whose box is larger about its centre."""
    if growth == 1.0:
        return detection
    centre = np.tile((detection.box[:2] + detection.box[2:]) / 2, 2)
    return replace(detection, box=(centre + growth * (detection.box - centre)).astype(np.float32))


def acceptable(detections: Sequence[Detection], state: TrackState) -> list[Detection]:
    """The detections that count: while the face is lost, only good ones."""
    least = MIN_NEW_SCORE if state.lost else 0.0
    return [detection for detection in detections if detection.score >= least]


def choose_face(detections: Sequence[Detection], state: TrackState) -> int | None:
    """Which detection is the followed face: the largest at the start, then the one that overlaps where it was.

    Returns
    -------
    int or None
        Index of the detection; None when it is none of them.
    """
    if not detections:
        return None
    last = state.box
    if last is None:
        return max(range(len(detections)), key=lambda index: _size(detections[index].box))
    overlaps = [_overlap(last, detection.box) for detection in detections]
    best = int(np.argmax(overlaps))
    if overlaps[best] >= MIN_OVERLAP:
        return best
    distances = [_distance(last, detection.box) for detection in detections]
    nearest = int(np.argmin(distances))
    if not state.crowd:
        return nearest
    near = distances[nearest] <= MAX_RETURN_DISTANCE and _growth(last, detections[nearest].box) <= MAX_RETURN_GROWTH
    return nearest if near else None


def same_start(detections: Sequence[Detection], assumed: TrackState, actual: TrackState) -> bool:
    """Whether a chunk begun with an assumed state chooses the face that the actual one would choose, by the same rules.

    A chunk starts with a detection: once the face is found there, nothing else of the state before matters.

    Parameters
    ----------
    detections : sequence of Detection
        Of the chunk's first frame.
    assumed, actual : TrackState
        At its start.
    """
    if (assumed.lost, assumed.crowd) != (actual.lost, actual.crowd):
        return False
    candidates = acceptable(detections, actual)
    return choose_face(candidates, actual) == choose_face(candidates, assumed)


def landmark_box(located: Located) -> Float32Array:
    """Bounding box of landmarks, (4,) float32: x1, y1, x2, y2 px."""
    return np.concatenate([located.landmarks.min(axis=0), located.landmarks.max(axis=0)])


def same_place(first: TrackState, second: TrackState) -> bool:
    """Whether two states saw the face at exactly the same place."""
    if first.near is None or second.near is None:
        return first.near is second.near
    return bool(np.array_equal(first.near.landmarks, second.near.landmarks))


def _jumped(last: Float32Array, now: Float32Array) -> bool:
    return _distance(last, now) > MAX_JUMP or _growth(last, now) > MAX_GROWTH


def _size(box: Float32Array) -> float:
    """Geometric mean of the sides."""
    return float(np.sqrt(max(float(box[2] - box[0]), 0.0) * max(float(box[3] - box[1]), 0.0)))


def _distance(first: Float32Array, second: Float32Array) -> float:
    """Between the centres, in sizes of the first."""
    offset = (first[:2] + first[2:] - second[:2] - second[2:]) / 2.0
    return float(np.hypot(offset[0], offset[1])) / max(_size(first), 1e-6)


def _growth(first: Float32Array, second: Float32Array) -> float:
    sizes = max(_size(first), 1e-6), max(_size(second), 1e-6)
    return max(sizes) / min(sizes)


def _overlap(first: Float32Array, second: Float32Array) -> float:
    """Intersection over union of two boxes."""
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    width, height = np.maximum(high - low, 0.0).tolist()
    intersection = width * height
    return float(intersection / max(_size(first) ** 2 + _size(second) ** 2 - intersection, 1e-6))
