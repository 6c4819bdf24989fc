"""The frame loop without workers: one chunk after the other, in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from face_mirror_au.pipeline.process import FrameProcessor, FrameRecord
from face_mirror_au.pipeline.track import TrackState
from face_mirror_au.records import Frame


def process_frames(frames: Iterable[Frame], processor: FrameProcessor, *, detect_every: int) -> Iterator[FrameRecord]:
    """Process the frames of one video.

    Parameters
    ----------
    frames : iterable of Frame
        In order.
    processor : FrameProcessor
    detect_every : int
        Frames of a chunk; the detector looks at the first of each.

    Yields
    ------
    FrameRecord
        One for each frame, in order.
    """
    state = TrackState()
    source = iter(frames)
    while True:
        result = processor.process_chunk(islice(source, detect_every), state)
        if not result.records:
            return
        yield from result.records
        state = result.end
