"""Where the followed face is, frame by frame: tracking from its own landmarks, detection at set frames and in doubt.

`FaceTracker.track` is a pure function of the picture and a small state, so that a chunk of frames gives the same result in any process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from face_mirror_au.errors import LandmarksError
from face_mirror_au.models.presence import presence_score
from face_mirror_au.models.protocols import FaceDetector, LandmarkModel
from face_mirror_au.numerics.pose import PoseFit, PoseFitter
from face_mirror_au.pipeline.confidence import MIN_CONFIDENCE, MIN_NEW_CONFIDENCE, MIN_NEW_SCORE, MIN_SCORE, landmark_confidence
from face_mirror_au.records import Detection, Face, Image, Located, Region

# A face may move by this share of its size, and change its size by this factor, from one frame to the next before the tracker asks the
# detector.
MAX_JUMP = 0.35
MAX_GROWTH = 1.3
# A detection is the followed face when the two squares overlap by this much (intersection over union) ...
MIN_OVERLAP = 0.25
# ... or, where nothing overlaps and other people are about, when it is this near (in sides) and this similar in size.
MAX_RETURN_DISTANCE = 1.0
MAX_RETURN_GROWTH = 1.6

# After a detection the landmark model runs this often before the pass that counts, each time in the square of its own landmarks, so that
# the frame is cropped as the tracked ones are. Landmark step at such a frame, in median steps elsewhere (two rendered clips): 1.2 to 2.2
# with one, 1.1 to 1.5 with two, 1.0 to 1.3 with three.
SETTLING_PASSES = 3

NO_FACE = "no face found"
OTHER_FACE = "the followed face is not here, another face is"
BAD_LANDMARKS = "the landmarks do not fit a face"


@dataclass(frozen=True, slots=True)
class TrackState:
    """What the tracker carries from one frame to the next.

    Attributes
    ----------
    region : Region or None
        Where the face was last seen; None before the first face.
    lost : bool
        True when the last frame had no face.
    crowd : bool
        True once more than one face was seen in a frame.
    """

    region: Region | None = None
    lost: bool = True
    crowd: bool = False


@dataclass(frozen=True, slots=True)
class Tracked:
    """The followed face in one frame.

    Attributes
    ----------
    face : Face
    located : Located
        What the landmark model returned.
    region : Region
        The square that it looked at.
    fit : PoseFit
        Of the landmarks.
    confidence : float
        0 to 1, see `landmark_confidence`.
    """

    face: Face
    located: Located
    region: Region
    fit: PoseFit
    confidence: float


class FaceTracker:
    """Follows one face.

    Parameters
    ----------
    detector : FaceDetector
    landmark_model : LandmarkModel
    pose_fitter : PoseFitter
        Its error tells whether landmarks form a face.
    """

    def __init__(self, detector: FaceDetector, landmark_model: LandmarkModel, pose_fitter: PoseFitter) -> None:
        self._detector = detector
        self._landmark_model = landmark_model
        self._pose_fitter = pose_fitter

    def track(self, image: Image, state: TrackState, *, detect: bool) -> tuple[Tracked | str, TrackState]:
        """Find the followed face in the next frame.

        Parameters
        ----------
        image : ndarray, (H, W, 3) uint8
        state : TrackState
            From the frame before; `TrackState()` at a video's start.
        detect : bool
            Ask the detector even when tracking would do.

        Returns
        -------
        Tracked, or str
            The face, or the reason why there is none.
        TrackState
            For the next frame.
        """
        if not detect and not state.lost and state.region is not None:
            tracked = self._locate(image, state.region, MIN_CONFIDENCE)
            if tracked is not None and not _jumped(state.region, self._next_region(tracked)):
                return tracked, replace(state, region=self._next_region(tracked))

        least = MIN_NEW_SCORE if state.lost else 0.0
        detections = [detection for detection in self._detector.detect(image) if detection.score >= least]
        regions = [self._landmark_model.region_from_detection(detection) for detection in detections]
        chosen = choose_face(detections, regions, state)
        if chosen is None:
            return (OTHER_FACE if detections else NO_FACE), replace(state, lost=True)
        # Only beside the followed face: on an empty scene a detector may see several faces that are none.
        crowd = state.crowd or len(detections) > 1
        region = regions[chosen]
        for _ in range(SETTLING_PASSES):
            region = self._landmark_model.region_from_landmarks(self._landmark_model.locate([image], [region])[0])
        tracked = self._locate(image, region, MIN_NEW_CONFIDENCE if state.lost else MIN_CONFIDENCE)
        if tracked is None:
            return BAD_LANDMARKS, replace(state, lost=True)
        return tracked, TrackState(self._next_region(tracked), lost=False, crowd=crowd)

    def _next_region(self, tracked: Tracked) -> Region:
        return self._landmark_model.region_from_landmarks(tracked.located)

    def _locate(self, image: Image, region: Region, minimum: float) -> Tracked | None:
        located = self._landmark_model.locate([image], [region])[0]
        score = located.score if self._landmark_model.scores_presence else presence_score(self._detector, image, region)
        if score < MIN_SCORE:
            return None
        try:
            fit = self._pose_fitter.fit(located.landmarks.astype(np.float64))
        except LandmarksError:
            return None
        confidence = landmark_confidence(self._landmark_model.name, score, fit)
        if confidence <= minimum:
            return None
        points = located.landmarks
        box = np.concatenate([points.min(axis=0), points.max(axis=0)])
        return Tracked(Face(box, score, points, self._landmark_model.name), located, region, fit, confidence)


def choose_face(detections: Sequence[Detection], regions: Sequence[Region], state: TrackState) -> int | None:
    """Which detection is the followed face: the largest at the start, then the one that overlaps where it was.

    Parameters
    ----------
    detections : sequence of Detection
    regions : sequence of Region
        The landmark model's square for each detection: the same kind of square as `state.region`.
    state : TrackState

    Returns
    -------
    int or None
        Index of the detection; None when it is none of them.
    """
    if not detections:
        return None
    last = state.region
    if last is None:
        return max(range(len(regions)), key=lambda index: regions[index].side)
    overlaps = [_overlap(last, region) for region in regions]
    best = int(np.argmax(overlaps))
    if overlaps[best] >= MIN_OVERLAP:
        return best
    distances = [np.hypot(region.x - last.x, region.y - last.y) / last.side for region in regions]
    nearest = int(np.argmin(distances))
    if not state.crowd:
        return nearest
    near = distances[nearest] <= MAX_RETURN_DISTANCE and _growth(last, regions[nearest]) <= MAX_RETURN_GROWTH
    return nearest if near else None


def _jumped(last: Region, now: Region) -> bool:
    return bool(np.hypot(now.x - last.x, now.y - last.y) > MAX_JUMP * last.side) or _growth(last, now) > MAX_GROWTH


def _growth(first: Region, second: Region) -> float:
    return max(first.side / second.side, second.side / first.side)


def _overlap(first: Region, second: Region) -> float:
    """Intersection over union of two squares, their roll left aside."""
    width = min(first.x + first.side / 2, second.x + second.side / 2) - max(first.x - first.side / 2, second.x - second.side / 2)
    height = min(first.y + first.side / 2, second.y + second.side / 2) - max(first.y - first.side / 2, second.y - second.side / 2)
    intersection = max(width, 0.0) * max(height, 0.0)
    return intersection / (first.side**2 + second.side**2 - intersection)
