"""Frames through the stateless half of the method: find the face, make its views, describe them. Chunk by chunk, in any process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from face_mirror_au.errors import FaceMirrorAUError
from face_mirror_au.pipeline.describe import FaceDescriber
from face_mirror_au.pipeline.description import AU_PLUGIN, descriptor_of
from face_mirror_au.pipeline.track import FaceTracker, Tracked, TrackState, same_place, same_start
from face_mirror_au.pipeline.views import MirrorSettings, mirrored_faces
from face_mirror_au.records import Detection, Face, FaceDescriptor, Frame, View, check_image
from face_mirror_hooks.errors import HookError
from face_mirror_hooks.records import FrameResult, ViewResult

logger = logging.getLogger(__name__)

Describe = Callable[[Frame, Face, View], Mapping[str, object]]
"""Describes a face in a view's picture: plugin's name to what it found."""


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """What one frame gave in a worker.

    Attributes
    ----------
    index : int
        0-based.
    time_s : float
    views : tuple of ViewResult
        Original first; empty when the frame failed before a face was looked for.
    reason : str
        Why the frame as a whole failed; empty when it did not.
    broken : bool
        True when that is an error, not just a frame without a face.
    crowd : bool
        True when a second face was seen in this frame or before.
    """

    index: int
    time_s: float
    views: tuple[ViewResult, ...]
    reason: str = ""
    broken: bool = False
    crowd: bool = False

    @classmethod
    def failed(cls, frame: Frame, reason: str, *, crowd: bool = False, broken: bool = True) -> FrameRecord:
        """The record of a frame that gives no measurement in any view."""
        return cls(frame.index, frame.time_s, (), reason, broken, crowd)

    def view(self, view: View) -> ViewResult:
        """What the frame gave in a view."""
        for result in self.views:
            if result.view is view:
                return result
        return ViewResult(view, None, success=False, confidence=0.0, reason=self.reason)

    def result(self, views: Sequence[View]) -> FrameResult:
        """The record as plugins see it."""
        return FrameResult(self.index, self.time_s, tuple(self.view(view) for view in views), self.crowd)

    @property
    def face(self) -> Face | None:
        """The face in the original view."""
        return self.view(View.ORIGINAL).face

    @property
    def confidence(self) -> float:
        """The original view's."""
        return self.view(View.ORIGINAL).confidence

    @property
    def descriptor(self) -> FaceDescriptor | None:
        """Our description of the original view; None when there is none."""
        return descriptor_of(self.view(View.ORIGINAL))


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
        # Where the first frame gave no face, later frames rest on the place that was assumed.
        found = bool(self.records) and self.records[0].face is not None
        return same_start(self.detections, self.start, state) and (found or same_place(self.start, state))


class FrameProcessor:
    """Tracks, mirrors and describes.

    Parameters
    ----------
    tracker : FaceTracker
    describe : callable or FaceDescriber
        What is made of each face.
    views : sequence of View
        Which pictures of it; the original always comes first.
    mirror : MirrorSettings
    """

    def __init__(
        self,
        tracker: FaceTracker,
        describe: Describe | FaceDescriber,
        views: Sequence[View] = (View.ORIGINAL,),
        mirror: MirrorSettings | None = None,
    ) -> None:
        self._tracker = tracker
        self._describe = _described_by(describe) if isinstance(describe, FaceDescriber) else describe
        self._mirrored = tuple(view for view in views if view is not View.ORIGINAL)
        self._mirror = mirror or MirrorSettings()

    def process_chunk(self, frames: Iterable[Frame], state: TrackState) -> ChunkResult:
        """Process consecutive frames; the detector looks at the first. An exception in one frame fails that frame only."""
        start = state
        records: list[FrameRecord] = []
        detections: tuple[Detection, ...] = ()
        for position, frame in enumerate(frames):
            record, state, found = self.process_next(frame, state, detect=position == 0)
            records.append(record)
            detections = found or detections
        return ChunkResult(tuple(records), start, state, detections)

    def process_next(self, frame: Frame, state: TrackState, *, detect: bool) -> tuple[FrameRecord, TrackState, tuple[Detection, ...]]:
        """Process the next frame; an exception fails the frame.

        Parameters
        ----------
        frame : Frame
        state : TrackState
            From the frame before.
        detect : bool
            Ask the detector, whatever tracking would give.

        Returns
        -------
        FrameRecord
        TrackState
            For the next frame.
        tuple of Detection
            All faces that the detector saw; empty where it was not asked.
        """
        found: tuple[Detection, ...] | None = None
        try:
            if detect and frame.problem is None:
                frame = replace(frame, image=check_image(frame.image))
                found = self.detect(frame)
            record, state = self.process(frame, state, found)
        except (FaceMirrorAUError, HookError) as error:
            record = FrameRecord.failed(frame, str(error), crowd=state.crowd)
        except Exception as error:
            logger.exception("frame %d failed", frame.index)
            record = FrameRecord.failed(frame, f"internal error: {type(error).__name__}", crowd=state.crowd)
        return record, state, found or ()

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
            return FrameRecord.failed(frame, tracked, crowd=state.crowd, broken=False), state
        views = [self._view(frame, View.ORIGINAL, tracked)]
        for view, picture, found in mirrored_faces(self._tracker, frame, tracked, self._mirrored, self._mirror):
            views.append(self._view(picture, view, found))
        return FrameRecord(frame.index, frame.time_s, tuple(views), crowd=state.crowd), state

    def _view(self, picture: Frame, view: View, found: Tracked | str) -> ViewResult:
        if isinstance(found, str):
            return ViewResult(view, None, success=False, confidence=0.0, reason=found)
        descriptions = self._describe(picture, found.face, view)
        return ViewResult(view, found.face, success=True, confidence=found.confidence, descriptions=descriptions)


def _described_by(describer: FaceDescriber) -> Describe:
    def describe(frame: Frame, face: Face, view: View) -> Mapping[str, object]:  # noqa: ARG001
        return {AU_PLUGIN: describer.describe(frame.image, face.landmarks, mesh=face.mesh)}

    return describe
