"""The frame loop over workers where each frame of a view needs the frame before.

Each view is one chain: its chunks are followed one after the other, by whichever worker is free, and what is carried on travels with the
job. Beside the chains, and beside each other, the chunks that were followed are described. A worker that is lost takes nothing with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from face_mirror_au.loop.frames import Chunk, LoopCounts, Run
from face_mirror_au.loop.pool import WorkerPool
from face_mirror_au.loop.ring import FrameRing
from face_mirror_au.pipeline.clnf_tracker import CLNFState
from face_mirror_au.records import Frame, View
from face_mirror_hooks.records import FrameResult

if TYPE_CHECKING:  # these bring OpenCV, which a parent must not load before it forks
    from face_mirror_au.pipeline.following import FollowingProcessor, Found

# Frames of a chunk, at most. Nothing but the time that a run takes depends on it.
CHUNK_FRAMES = 16
# Blocks beyond those of other runs: a chunk is held while it is followed, and while it is described.
MORE_BLOCKS = 2


@dataclass(frozen=True, slots=True)
class FollowJob:
    """Follow the face of one view through a chunk.

    Attributes
    ----------
    view : View
    state : CLNFState
        Of the view, before the chunk.
    originals : sequence of Followed or str, or None
        The faces in the original pictures, for a mirrored view.
    """

    view: View
    state: CLNFState
    originals: Sequence[Found] | None = None

    def run(self, processor: FollowingProcessor, frames: Iterator[Frame]) -> tuple[tuple[Found, ...], CLNFState]:
        """The faces, and the state after the chunk."""
        state, found = self.state, []
        for place, frame in enumerate(frames):
            face, state = processor.follow(frame, self.view, state, None if self.originals is None else self.originals[place])
            found.append(face)
        return tuple(found), state


@dataclass(frozen=True, slots=True)
class DescribeJob:
    """Describe the faces of a chunk.

    Attributes
    ----------
    found : mapping of View to sequence of Followed or str
    crowd : sequence of bool
        Whether more than one face was seen by then.
    """

    found: Mapping[View, Sequence[Found]]
    crowd: Sequence[bool]

    def run(self, processor: FollowingProcessor, frames: Iterator[Frame]) -> tuple[FrameResult, ...]:
        """The results of all frames."""
        return tuple(
            processor.describe(frame, {view: faces[place] for view, faces in self.found.items()}, crowd=self.crowd[place])
            for place, frame in enumerate(frames)
        )


@dataclass(slots=True)
class _FollowedChunk(Chunk):
    found: dict[View, Sequence[Found]] = field(default_factory=dict)
    crowd: list[bool] = field(default_factory=list)
    described: tuple[FrameResult, ...] | None = None


@dataclass(slots=True)
class _Chain:
    """One view: what its last followed chunk left, and how many chunks were given out."""

    state: CLNFState = field(default_factory=CLNFState)
    next: int = 0
    busy: bool = False


class FollowedRun(Run):
    """The chunks of one video under way.

    Parameters
    ----------
    views : sequence of View
        Original first.
    pool, ring, counts
        See `Run`.
    """

    def __init__(self, views: Sequence[View], pool: WorkerPool, ring: FrameRing, counts: LoopCounts) -> None:
        super().__init__(pool, ring, CHUNK_FRAMES, counts)
        self._chains = {view: _Chain() for view in views}
        self._jobs: dict[int, tuple[_FollowedChunk, View | None]] = {}
        self._accepted = 0  # chunks
        self._crowd = False

    def collect(self, timeout: float) -> Iterator[FrameResult]:
        """See `Run`. Between two results it is looked whether a chain can go on: what is done with them takes a while."""
        for result in super().collect(timeout):
            yield result
            for completed in self._pool.wait(0.0):
                self._take(completed.number, completed.result)
            self._submit()

    def _new_chunk(self, *given: Any) -> _FollowedChunk:
        return _FollowedChunk(*given)

    def _take(self, number: int, result: object) -> None:
        from face_mirror_au.pipeline.following import is_crowd

        chunk, view = self._jobs.pop(number)
        if view is None:
            chunk.described = cast("tuple[FrameResult, ...]", result)
            return
        chain = self._chains[view]
        chunk.found[view], chain.state = cast("tuple[tuple[Found, ...], CLNFState]", result)
        chain.busy = False
        for face in chunk.found[view] if view is View.ORIGINAL else ():
            self._crowd = self._crowd or is_crowd(face)
            chunk.crowd.append(self._crowd)

    def _submit(self) -> None:
        """Give each worker that has nothing to do the next piece of a chain, or else a chunk to be described."""
        for work, chunk, view in self._ready():
            if self._pool.outstanding >= self._pool.workers:
                return
            if view is not None:
                self._chains[view].next += 1
                self._chains[view].busy = True
            chunk.submitted = view is None
            self._jobs[self._pool.submit(work, chunk.block, chunk.frames)] = chunk, view

    def _ready(self) -> Iterator[tuple[FollowJob | DescribeJob, _FollowedChunk, View | None]]:
        chunks = [cast("_FollowedChunk", chunk) for chunk in self._chunks]
        for view, chain in self._chains.items():
            place = chain.next - self._accepted
            if chain.busy or place >= len(chunks):
                continue
            originals = None if view is View.ORIGINAL else chunks[place].found.get(View.ORIGINAL)
            if view is View.ORIGINAL or originals is not None:
                yield FollowJob(view, chain.state, originals), chunks[place], view
        for chunk in chunks:
            if not chunk.submitted and len(chunk.found) == len(self._chains):
                yield DescribeJob(chunk.found, chunk.crowd), chunk, None

    def _accept(self) -> Iterator[FrameResult]:
        results: list[FrameResult] = []
        while self._chunks and (described := cast("_FollowedChunk", self._chunks[0]).described) is not None:
            self._ring.give_back(self._chunks.popleft().block)
            self._accepted += 1
            self.counts.chunks += 1
            results.extend(described)
        return iter(results)
