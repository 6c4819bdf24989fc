"""Follows the face by the application's landmarks; where these fail, by our own models."""

from __future__ import annotations

from collections.abc import Sequence

from face_mirror_au.integrations.serving import HostLandmarks
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_au.pipeline.finder import FaceFinder
from face_mirror_au.pipeline.track import FaceTracker, Tracked, TrackState
from face_mirror_au.records import Detection, Frame


class HostTracker(FaceTracker):
    """A `FaceTracker` that looks at a frame again, without the application's landmarks, when these are no face.

    Parameters
    ----------
    finder : FaceFinder
    pose_fitter : PoseFitter
    landmarks : HostLandmarks
        The application's; asked through the finder.
    """

    def __init__(self, finder: FaceFinder, pose_fitter: PoseFitter, landmarks: HostLandmarks) -> None:
        super().__init__(finder, pose_fitter)
        self._landmarks = landmarks

    def track(self, frame: Frame, state: TrackState, detections: Sequence[Detection] | None = None) -> tuple[Tracked | str, TrackState]:
        """See `FaceTracker`."""
        found = super().track(frame, state, detections)
        points = self._landmarks.points
        if isinstance(found[0], Tracked) or not self._landmarks.or_ours or frame.index not in points:
            return found
        self._landmarks.points = {index: each for index, each in points.items() if index != frame.index}
        try:
            return super().track(frame, state)
        finally:
            self._landmarks.points = points
