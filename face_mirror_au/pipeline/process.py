"""One frame through the stateless half of the method: find the face, describe it."""

from __future__ import annotations

from dataclasses import dataclass

from face_mirror_au.pipeline.describe import FaceDescriber
from face_mirror_au.pipeline.track import FaceTracker, TrackState
from face_mirror_au.records import Face, FaceDescriptor, Frame, check_image


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """What one frame gave.

    Attributes
    ----------
    index : int
        0-based.
    time_s : float
    face : Face or None
    descriptor : FaceDescriptor or None
    confidence : float
        0 where there is no face.
    reason : str
        Why there is no measurement; empty when there is one.
    crowd : bool
        True when a second face was seen in this frame or before.
    """

    index: int
    time_s: float
    face: Face | None
    descriptor: FaceDescriptor | None
    confidence: float
    reason: str
    crowd: bool = False

    @classmethod
    def failed(cls, frame: Frame, reason: str, *, crowd: bool = False) -> FrameRecord:
        """The record of a frame that gives no measurement."""
        return cls(frame.index, frame.time_s, None, None, 0.0, reason, crowd)


class FrameProcessor:
    """Tracks and describes.

    Parameters
    ----------
    tracker : FaceTracker
    describer : FaceDescriber
    """

    def __init__(self, tracker: FaceTracker, describer: FaceDescriber) -> None:
        self._tracker = tracker
        self._describer = describer

    def process(self, frame: Frame, state: TrackState, *, detect: bool) -> tuple[FrameRecord, TrackState]:
        """Process the next frame of a chunk.

        Parameters
        ----------
        frame : Frame
        state : TrackState
            From the frame before.
        detect : bool
            Ask the detector even when tracking would do.
        """
        if frame.problem is not None:
            return FrameRecord.failed(frame, frame.problem, crowd=state.crowd), state
        image = check_image(frame.image)
        tracked, state = self._tracker.track(image, state, detect=detect)
        if isinstance(tracked, str):
            return FrameRecord.failed(frame, tracked, crowd=state.crowd), state
        descriptor = self._describer.describe(image, tracked.face.landmarks, tracked.fit)
        return FrameRecord(frame.index, frame.time_s, tracked.face, descriptor, tracked.confidence, "", state.crowd), state
