"""Frames through the stateless half of the method: find the face, describe it. Chunk by chunk, so that chunks may run in any process."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from face_mirror_au.errors import FaceMirrorAUError
from face_mirror_au.pipeline.describe import FaceDescriber
from face_mirror_au.pipeline.track import FaceTracker, TrackState, same_start
from face_mirror_au.records import Detection, Face, FaceDescriptor, Frame, check_image

logger = logging.getLogger(__name__)


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


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What a chunk of consecutive frames gave, and under which assumption.

    Attributes
    ----------
    records : tuple of FrameRecord
        In frame order.
    start, end : TrackState
        Before the first and after the last frame.
    detections : tuple of Detection
        Of the first frame.
    """

    records: tuple[FrameRecord, ...]
    start: TrackState
    end: TrackState
    detections: tuple[Detection, ...]

    def holds_from(self, state: TrackState) -> bool:
        """Whether the chunk would have given the same records had it been begun with `state`."""
        return same_start(self.detections, self.start, state)


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

    def process_chunk(self, frames: Iterable[Frame], state: TrackState) -> ChunkResult:
        """Process consecutive frames; the detector looks at the first. An exception in one frame fails that frame only."""
        start = state
        records: list[FrameRecord] = []
        detections: tuple[Detection, ...] = ()
        for position, frame in enumerate(frames):
            try:
                found = None
                if position == 0 and frame.problem is None:
                    frame = replace(frame, image=check_image(frame.image))  # noqa: PLW2901  (the same frame, checked)
                    found = detections = self.detect(frame)
                record, state = self.process(frame, state, found)
            except FaceMirrorAUError as error:
                record = FrameRecord.failed(frame, str(error), crowd=state.crowd)
            except Exception as error:
                logger.exception("frame %d failed", frame.index)
                record = FrameRecord.failed(frame, f"internal error: {type(error).__name__}", crowd=state.crowd)
            records.append(record)
        return ChunkResult(tuple(records), start, state, detections)

    def detect(self, frame: Frame) -> tuple[Detection, ...]:
        """All faces that the detector sees in a frame."""
        return self._tracker.detect(frame)

    def process(self, frame: Frame, state: TrackState, detections: Sequence[Detection] | None = None) -> tuple[FrameRecord, TrackState]:
        """Process the next frame.

        Parameters
        ----------
        frame : Frame
        state : TrackState
            From the frame before.
        detections : sequence of Detection, optional
            Of this frame, when the detector was asked whatever tracking would give.

        Raises
        ------
        FrameError
            When the picture is not (H, W, 3) uint8.
        """
        if frame.problem is not None:
            return FrameRecord.failed(frame, frame.problem, crowd=state.crowd), state
        frame = replace(frame, image=check_image(frame.image))
        tracked, state = self._tracker.track(frame, state, detections)
        if isinstance(tracked, str):
            return FrameRecord.failed(frame, tracked, crowd=state.crowd), state
        descriptor = self._describer.describe(frame.image, tracked.face.landmarks, tracked.fit)
        return FrameRecord(frame.index, frame.time_s, tracked.face, descriptor, tracked.confidence, "", state.crowd), state
