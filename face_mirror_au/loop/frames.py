"""The frame loop, here or over workers: chunks of frames go in, results come out, in frame order and as if done one chunk after the other.

A chunk needs to know where the chunk before left the face. Workers do not wait for that: a chunk is begun with a guess, and when the truth
is known, a chunk whose guess would have led elsewhere is done again. So the results do not depend on the number of workers.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, cast

from face_mirror_au.errors import FrameError
from face_mirror_au.loop.messages import FrameRef
from face_mirror_au.loop.pool import WorkerPool
from face_mirror_au.loop.ring import Block, FrameRing
from face_mirror_au.pipeline.track import TrackState
from face_mirror_au.records import NO_PICTURE, Frame, View, check_image
from face_mirror_hooks.records import FrameResult

if TYPE_CHECKING:  # these bring OpenCV, which a parent must not load before it forks
    from face_mirror_au.pipeline.process import ChunkResult, FrameProcessor

logger = logging.getLogger(__name__)

# Shared memory holds a few chunks for each worker: this much keeps eight workers on 4K frames below 1 GB.
MAX_CHUNK_BYTES = 64 * 2**20
MIN_CHUNK_FRAMES = 4
# Blocks beyond one for each worker: the one that is filled. A second gains nothing (default.wmv, 1 to 3 workers on 2 cores: within 5 %).
SPARE_BLOCKS = 1
# At a video's start nothing is known but that most show one face from the first frame on.
FIRST_GUESS = TrackState(near=None, lost=False, crowd=False)
_AT_START = TrackState()
_WAIT_S = 1.0


def chunk_length(first: Frame, detect_every: int) -> int:
    """How many frames the chunk that begins with `first` has at most.

    The number of workers must have no part in it: chunks begin with a detection, and the result must not depend on who did the work.
    """
    size = first.image.nbytes
    return min(detect_every, max(MAX_CHUNK_BYTES // size, MIN_CHUNK_FRAMES)) if size else detect_every


@dataclass(slots=True)
class LoopCounts:
    """What a run over workers did.

    Attributes
    ----------
    chunks : int
        Accepted.
    redone : int
        Done a second time because the guess did not hold.
    waits : int
        How often a frame had to wait for a free block.
    shared_bytes : int
        Shared memory, at most.
    """

    chunks: int = 0
    redone: int = 0
    waits: int = 0
    shared_bytes: int = 0


@dataclass(slots=True)
class Chunk:
    """Consecutive frames in one block of shared memory, and what became of them."""

    block: Block
    length: int
    frames: list[FrameRef] = field(default_factory=list)
    start: TrackState | None = None
    submitted: bool = False
    result: ChunkResult | None = None


def process_frames(frames: Iterable[Frame], processor: FrameProcessor, *, detect_every: int) -> Iterator[FrameResult]:
    """Process the frames of one video in this process; see `process_frames_in_workers`."""
    state = TrackState()
    source = map(_checked, frames)
    for first in source:
        result = processor.process_chunk(chain((first,), islice(source, chunk_length(first, detect_every) - 1)), state)
        yield from result.results
        state = result.end


def process_frames_in_workers(
    frames: Iterable[Frame],
    pool: WorkerPool,
    *,
    detect_every: int,
    video: object = None,
    counts: LoopCounts | None = None,
    ring: FrameRing | None = None,
    followed: Sequence[View] = (),
) -> Iterator[FrameResult]:
    """Process the frames of one video.

    Parameters
    ----------
    frames : iterable of Frame
        In order. Pictures are copied; they may differ in size. One that is no picture fails its frame.
    pool : WorkerPool
        Started, with a task that runs `FrameProcessor.process_chunk`. It serves one video at a time.
    detect_every : int
        Frames of a chunk, at most (see `chunk_length`); the detector looks at the first of each.
    video : object
        What the workers' `start_video` is given.
    counts : LoopCounts, optional
        Filled in.
    ring : FrameRing, optional
        Where frames lie; it is closed at the end.
    followed : sequence of View
        The views, where they are followed in order; see `loop.followed`.

    Yields
    ------
    FrameResult
        One for each frame, in order.

    Raises
    ------
    WorkerError
        See `WorkerPool.wait`.
    """
    from face_mirror_au.loop.followed import MORE_BLOCKS, FollowedRun

    ring = FrameRing(pool.workers + SPARE_BLOCKS + (MORE_BLOCKS if followed else 0)) if ring is None else ring
    counts = LoopCounts() if counts is None else counts
    run = FollowedRun(followed, pool, ring, counts) if followed else Run(pool, ring, detect_every, counts)
    pool.open_video(video)
    try:
        for frame in frames:
            while not run.has_room:
                run.counts.waits += 1
                yield from run.collect(_WAIT_S)
            run.add(frame)
            yield from run.collect(0.0)
        run.end()
        while run.unfinished:
            yield from run.collect(_WAIT_S)
    finally:
        # Also when the source raises or the consumer stops: what workers still do for this video is nobody's.
        pool.close_video()
        ring.close()


class Run:
    """The chunks of one video under way.

    Parameters
    ----------
    pool, ring, detect_every, counts
        See `process_frames_in_workers`.
    """

    def __init__(self, pool: WorkerPool, ring: FrameRing, detect_every: int, counts: LoopCounts) -> None:
        self.counts = counts
        self._pool = pool
        self._ring = ring
        self._detect_every = detect_every
        self._filling: Chunk | None = None
        self._chunks: deque[Chunk] = deque()  # complete ones, in order
        self._by_job: dict[int, Chunk] = {}
        self._state = _AT_START  # after the last accepted chunk

    @property
    def has_room(self) -> bool:
        """Whether a frame can be added."""
        return self._filling is not None or self._ring.has_room

    @property
    def unfinished(self) -> bool:
        """Whether a complete chunk is not done."""
        return bool(self._chunks)

    def add(self, frame: Frame) -> None:
        """Copy the next frame."""
        frame = _checked(frame)
        chunk = self._filling
        if chunk is None:
            length = chunk_length(frame, self._detect_every)
            chunk = self._filling = self._new_chunk(self._ring.take(length * (frame.image.nbytes + 64)), length)
        chunk.frames.append(chunk.block.append(frame, chunk.length - len(chunk.frames)))
        self.counts.shared_bytes = max(self.counts.shared_bytes, self._ring.bytes)
        if len(chunk.frames) == chunk.length:
            self.end()

    def end(self) -> None:
        """The chunk that is being filled is complete."""
        if self._filling is not None:
            self._chunks.append(self._filling)
            self._filling = None

    def collect(self, timeout: float) -> Iterator[FrameResult]:
        """Take results, deal chunks, and yield what is certain."""
        self._submit()
        for completed in self._pool.wait(timeout):
            self._take(completed.number, completed.result)
        results = self._accept()
        self._submit()
        return results

    def _new_chunk(self, *given: Any) -> Chunk:
        return Chunk(*given)

    def _take(self, number: int, result: object) -> None:
        self._by_job.pop(number).result = cast("ChunkResult", result)

    def _submit(self) -> None:
        """Give each worker that has nothing to do the next chunk, begun with the newest state there is."""
        newest = self._state
        for position, chunk in enumerate(self._chunks):
            if self._pool.outstanding >= self._pool.workers:
                return
            if not chunk.submitted:
                chunk.start = FIRST_GUESS if position > 0 and newest is _AT_START else newest
                chunk.submitted = True
                self._by_job[self._pool.submit(chunk.start, chunk.block, chunk.frames)] = chunk
            if chunk.result is not None:
                newest = chunk.result.end

    def _accept(self) -> Iterator[FrameResult]:
        results: list[FrameResult] = []
        while self._chunks and self._chunks[0].result is not None:
            chunk, result = self._chunks[0], self._chunks[0].result
            if not (chunk.start is self._state or result.holds_from(self._state)):
                logger.debug("frames from %d on are done again: the face was elsewhere than assumed", chunk.frames[0].index)
                self.counts.redone += 1
                chunk.result, chunk.submitted = None, False
                break
            self._chunks.popleft()
            self._ring.give_back(chunk.block)
            self._state = result.end
            self.counts.chunks += 1
            results.extend(result.results)
        return iter(results)


def _checked(frame: Frame) -> Frame:
    """The frame, contiguous; one whose picture is none goes without it, and with the reason. Nothing further on checks again."""
    try:
        return replace(frame, image=check_image(frame.image))
    except FrameError as error:
        return replace(frame, image=NO_PICTURE, problem=frame.problem or str(error))
