"""Where faces and landmarks come from: our own networks here, or whatever answers a plugin's hooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from face_mirror_au.models.presence import presence_score
from face_mirror_au.models.protocols import FaceDetector, LandmarkModel
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
    detector : FaceDetector
    landmark_model : LandmarkModel
    """

    def __init__(self, detector: FaceDetector, landmark_model: LandmarkModel) -> None:
        self._detector = detector
        self._landmark_model = landmark_model

    def detect(self, frame: Frame) -> Sequence[Detection]:
        """See `FaceFinder`."""
        return self._detector.detect(frame.image)

    def locate(self, frame: Frame, view: View, near: Detection | Located) -> tuple[Located, str]:  # noqa: ARG002  (views look alike to it)
        """See `FaceFinder`. A model that does not score presence has the detector look at the same square."""
        model = self._landmark_model
        region = model.region_from_detection(near) if isinstance(near, Detection) else model.region_from_landmarks(near)
        located = model.locate([frame.image], [region])[0]
        if not model.scores_presence:
            located = replace(located, score=presence_score(self._detector, frame.image, region))
        return located, model.name
