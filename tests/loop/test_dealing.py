"""However frames are dealt out, and in whatever order the results come: the records are those of one chunk after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
from loop_tasks import FakeFactory, essence, expected, frames_of, place, read_only

from face_mirror_au.loop.frames import LoopCounts, process_frames, process_frames_in_workers
from face_mirror_au.loop.ring import picture
from face_mirror_au.pipeline.process import FrameProcessor
from face_mirror_au.pipeline.track import TrackState
from face_mirror_au.records import Frame

FRAMES = frames_of(60, height=6, width=8)
few = settings(max_examples=60)


@dataclass
class Dealer:
    """In place of a `WorkerPool`: the jobs are done in this process, late, and their results come in the order that `choose` says."""

    workers: int
    choose: Callable[[int, int], int]
    waiting: list = field(default_factory=list)
    number: int = 0

    @property
    def outstanding(self):
        return len(self.waiting)

    def open_video(self, video):
        self.waiting.clear()

    def close_video(self):
        self.waiting.clear()

    def submit(self, start, block, references):
        self.number += 1
        self.waiting.append((self.number, start, block, tuple(references)))
        return self.number

    def wait(self, timeout):
        count = self.choose(1 if timeout else 0, len(self.waiting)) if self.waiting else 0
        return [self._do(*self.waiting.pop(self.choose(0, len(self.waiting) - 1))) for _ in range(count)]

    def _do(self, number, start, block, references):
        # The pixels are read only now: had the block been given to other frames, they would be those.
        frames = [Frame(each.index, each.time_s, picture(block._memory, each).copy(), each.problem) for each in references]
        return SimpleNamespace(number=number, result=FakeFactory()().run(start, map(read_only, frames)))


@few
@given(st.integers(0, 60), st.integers(1, 9), st.integers(1, 5), st.data())
def test_the_records_do_not_depend_on_the_dealing(count, length, workers, data):
    frames, counts = FRAMES[:count], LoopCounts()
    dealer = Dealer(workers, lambda low, high: data.draw(st.integers(low, high)))
    records = list(process_frames_in_workers(frames, dealer, detect_every=length, counts=counts))
    assert essence(records) == essence(expected(frames, length))
    assert counts.chunks == -(-count // length)
    assert workers > 1 or counts.redone == 0


class Counting(FrameProcessor):
    """Sees no faces, and hands on what the frames before have left: their number."""

    def __init__(self):
        self.asked = []

    def process_next(self, frame, state, *, detect):
        self.asked.append(detect)
        end = FakeFactory()().run(state, iter([read_only(frame)])).end
        return SimpleNamespace(index=frame.index, seen=place(end)), end, ()


@few
@given(st.integers(0, 60), st.integers(1, 70))
def test_what_a_frame_leaves_goes_on_from_chunk_to_chunk(count, length):
    """The length of a chunk says where the detector is asked, and nothing else: no frame is lost, doubled or begun anew."""
    processor, state, seen = Counting(), TrackState(), []
    for frame in FRAMES[:count]:
        state = FakeFactory()().run(state, iter([read_only(frame)])).end
        seen.append((frame.index, place(state)))
    records = process_frames(iter(FRAMES[:count]), processor, detect_every=length)
    assert [(record.index, record.seen) for record in records] == seen
    assert processor.asked == [index % length == 0 for index in range(count)]
