"""Frames through the stateless half of the method: find the face, make its views, describe them. Chunk by chunk, in any process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from face_mirror_au.errors import FaceMirrorAUError
from face_mirror_au.pipeline.track import FaceTracker, Tracked, TrackState, same_place, same_start
from face_mirror_au.pipeline.views import MirroredViews, MirrorSettings
from face_mirror_au.records import Detection, Face, Frame, View
from face_mirror_hooks.errors import HookError
from face_mirror_hooks.records import FrameResult, ViewResult

logger = logging.getLogger(__name__)

Describe = Callable[[Frame, Face, View], Mapping[str, object]]
"""Describes a face in a view's picture: plugin's name to what it found."""


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What a chunk of consecutive frames gave, and under which assumption.

    Attributes
    ----------
    results : tuple of FrameResult
        In frame order.
    start, end : TrackState
        Before the first and after the last frame.
    detections : tuple of Detection
        Of the first frame.
    """

    results: tuple[FrameResult, ...]
    start: TrackState
    end: TrackState
    detections: tuple[Detection, ...]

    def holds_from(self, state: TrackState) -> bool:
        """Whether the chunk would have given the same results had it been begun with `state`."""
        # Where the first frame gave no face, later frames rest on the place that was assumed.
        found = bool(self.results) and self.results[0].views[0].face is not None
        return same_start(self.detections, self.start, state) and (found or same_place(self.start, state))


class FrameProcessor:
    """Tracks, mirrors and describes.

    Parameters
    ----------
    tracker : FaceTracker
    describe : callable
    views : sequence of View
        Which pictures of it; the original always comes first.
    mirror : MirrorSettings
    whole : bool
        See `MirroredViews`.
    """

    def __init__(
        self,
        tracker: FaceTracker,
        describe: Describe,
        views: Sequence[View] = (View.ORIGINAL,),
        mirror: MirrorSettings | None = None,
        *,
        whole: bool = False,
    ) -> None:
        self._tracker = tracker
        self._describe = describe
        self._views = tuple(views)
        mirrored = [view for view in views if view is not View.ORIGINAL]
        self._mirrored = MirroredViews(tracker, mirrored, mirror or MirrorSettings(), whole=whole)

    def process_chunk(self, frames: Iterable[Frame], state: TrackState) -> ChunkResult:
        """Process consecutive frames; the detector looks at the first. An exception in one frame fails that frame only."""
        start = state
        results: list[FrameResult] = []
        detections: tuple[Detection, ...] = ()
        for position, frame in enumerate(frames):
            result, state, found = self.process_next(frame, state, detect=position == 0)
            results.append(result)
            detections = found or detections
        return ChunkResult(tuple(results), start, state, detections)

    def process_next(self, frame: Frame, state: TrackState, *, detect: bool) -> tuple[FrameResult, TrackState, tuple[Detection, ...]]:
        """Process the next frame; an exception fails the frame.

        Parameters
        ----------
        frame : Frame
            Its image checked (see `check_image`), unless it has a problem.
        state : TrackState
            From the frame before.
        detect : bool
            Ask the detector, whatever tracking would give.

        Returns
        -------
        FrameResult
        TrackState
            For the next frame.
        tuple of Detection
            All faces that the detector saw; empty where it was not asked.
        """
        try:
            return self.process(frame, state, detect=detect)
        except (FaceMirrorAUError, HookError) as error:
            return self._failed(frame, state, str(error)), state, ()
        except Exception as error:
            logger.exception("frame %d failed", frame.index)
            return self._failed(frame, state, f"internal error: {type(error).__name__}"), state, ()

    def process(self, frame: Frame, state: TrackState, *, detect: bool) -> tuple[FrameResult, TrackState, tuple[Detection, ...]]:
        """As `process_next`, but an exception comes through."""
        if frame.problem is not None:
            return self._failed(frame, state, frame.problem), state, ()
        detections = self._tracker.detect(frame) if detect else None
        tracked, state = self._tracker.track(frame, state, detections)
        if detect:
            state = self._tracker.survey(frame, state)
        if isinstance(tracked, str):
            return FrameResult.without_face(frame, self._views, tracked, crowd=state.crowd), state, detections or ()
        views = [self._view(frame, View.ORIGINAL, tracked)]
        for view, picture, found in self._mirrored.faces(frame, tracked):
            views.append(self._view(picture, view, found))
        return FrameResult(frame.index, frame.time_s, tuple(views), state.crowd), state, detections or ()

    def _failed(self, frame: Frame, state: TrackState, error: str) -> FrameResult:
        return FrameResult.without_face(frame, self._views, error, crowd=state.crowd, error=error)

    def _view(self, picture: Frame, view: View, found: Tracked | str) -> ViewResult:
        if isinstance(found, str):
            return ViewResult(view, None, success=False, confidence=0.0, reason=found)
        descriptions = self._describe(picture, found.face, view)
        return ViewResult(view, found.face, success=True, confidence=found.confidence, descriptions=descriptions)
