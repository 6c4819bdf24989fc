"""Where faces and landmarks come from: our own networks here, or whatever answers a plugin's hooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from face_mirror_au.errors import LandmarksError
from face_mirror_au.models.presence import presence_score
from face_mirror_au.models.protocols import FaceDetector, LandmarkModel
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_au.pipeline.confidence import MIN_SURE_CONFIDENCE, landmark_confidence
from face_mirror_au.records import Detection, Frame, Located, View


class FaceFinder(Protocol):
    """What the tracker asks."""

    def detect(self, frame: Frame) -> Sequence[Detection]:
        """Return all faces of a frame, in any order."""

    def locate(self, frame: Frame, view: View, near: Detection | Located) -> tuple[Located, str]:
        """Return the landmarks of the face at `near` in that view's picture, and the name of their source.

        `Located.score` tells whether there is a face: 0 to 1.
        """


class ModelFinder:
    """Detector and landmark model of a profile.

    Parameters
    ----------
    detector : FaceDetector or None
        None: for a landmark model that scores presence, where others detect faces.
    landmark_model : LandmarkModel
    pose_fitter : PoseFitter, optional
        The tracker's. With it, mirrored pictures whose landmarks fit well are not shown to the detector.
    """

    def __init__(self, detector: FaceDetector | None, landmark_model: LandmarkModel, pose_fitter: PoseFitter | None = None) -> None:
        self._detector = detector
        self._landmark_model = landmark_model
        self._pose_fitter = pose_fitter

    def detect(self, frame: Frame) -> Sequence[Detection]:
        """See `FaceFinder`."""
        return () if self._detector is None else self._detector.detect(frame.image)

    def locate(self, frame: Frame, view: View, near: Detection | Located) -> tuple[Located, str]:
        """See `FaceFinder`. A model that does not score presence has the detector look at the same square.

        In a mirrored view `near` are landmarks of this very frame, in which a face was seen: where those found fit it well, it is there.
        """
        model = self._landmark_model
        region = model.region_from_detection(near) if isinstance(near, Detection) else model.region_from_landmarks(near)
        located = model.locate(frame.image, region)
        if not model.scores_presence and self._detector is not None:
            seen = view is not View.ORIGINAL and isinstance(near, Located) and self._fits(replace(located, score=near.score))
            located = replace(located, score=near.score if seen else presence_score(self._detector, frame.image, region))
        return located, model.name

    def _fits(self, located: Located) -> bool:
        if self._pose_fitter is None:
            return False
        try:
            fit = self._pose_fitter.fit(located.landmarks.astype(np.float64))
        except LandmarksError:
            return False
        return landmark_confidence(self._landmark_model.name, self._pose_fitter, located, fit) >= MIN_SURE_CONFIDENCE
