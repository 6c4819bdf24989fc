"""The frame loop without workers: one frame after the other, in this process."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from face_mirror_au.errors import FaceMirrorAUError
from face_mirror_au.pipeline.process import FrameProcessor, FrameRecord
from face_mirror_au.pipeline.track import TrackState
from face_mirror_au.records import Frame

logger = logging.getLogger(__name__)


def process_frames(frames: Iterable[Frame], processor: FrameProcessor, *, detect_every: int) -> Iterator[FrameRecord]:
    """Process the frames of one video.

    An exception in one frame fails that frame, not the video.

    Parameters
    ----------
    frames : iterable of Frame
        In order.
    processor : FrameProcessor
    detect_every : int
        The detector looks at the first frame of each chunk of this many.

    Yields
    ------
    FrameRecord
        One for each frame, in order.
    """
    state = TrackState()
    for position, frame in enumerate(frames):
        try:
            record, state = processor.process(frame, state, detect=position % detect_every == 0)
        except FaceMirrorAUError as error:
            record = FrameRecord.failed(frame, str(error), crowd=state.crowd)
        except Exception as error:
            logger.exception("frame %d failed", frame.index)
            record = FrameRecord.failed(frame, f"internal error: {type(error).__name__}", crowd=state.crowd)
        yield record
