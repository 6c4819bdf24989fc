"""The frame loop without workers: one chunk after the other, in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING

from face_mirror_au.loop.chunks import chunk_length
from face_mirror_au.pipeline.track import TrackState
from face_mirror_au.records import Frame

if TYPE_CHECKING:
    from face_mirror_au.pipeline.process import FrameProcessor, FrameRecord


def process_frames(frames: Iterable[Frame], processor: FrameProcessor, *, detect_every: int) -> Iterator[FrameRecord]:
    """Process the frames of one video.

    Parameters
    ----------
    frames : iterable of Frame
        In order.
    processor : FrameProcessor
    detect_every : int
        Frames of a chunk, at most (see `chunk_length`); the detector looks at the first of each.

    Yields
    ------
    FrameRecord
        One for each frame, in order.
    """
    state = TrackState()
    source = iter(frames)
    for first in source:
        result = processor.process_chunk(chain((first,), islice(source, chunk_length(first, detect_every) - 1)), state)
        yield from result.records
        state = result.end
