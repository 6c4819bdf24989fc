"""Views that are followed in order, over workers: the results of one frame after the other, whoever does what when."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest
from followed_tasks import VIEWS, Chained, ChainedFactory, essence, in_order
from hypothesis import given, settings
from hypothesis import strategies as st
from loop_tasks import FORK_IF_THERE, Trouble, frames_of

from face_mirror_au.loop import followed
from face_mirror_au.loop.followed import FollowJob
from face_mirror_au.loop.frames import LoopCounts, process_frames_in_workers
from face_mirror_au.loop.pool import WorkerPool
from face_mirror_au.loop.ring import picture
from face_mirror_au.records import Frame

FRAMES = frames_of(40, height=4, width=6)


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    monkeypatch.setattr(followed, "CHUNK_FRAMES", 4)


@dataclass
class Dealer:
    """In place of a `WorkerPool`: jobs are done here, late, and their results come in the order that `choose` says."""

    workers: int
    choose: object
    waiting: list = field(default_factory=list)
    number: int = 0
    together: set = field(default_factory=set)

    @property
    def outstanding(self):
        return len(self.waiting)

    def open_video(self, video):
        self.waiting.clear()

    def close_video(self):
        self.waiting.clear()

    def submit(self, work, block, references):
        self.number += 1
        self.waiting.append((self.number, work, block, tuple(references)))
        views = [work.view for _, work, _, _ in self.waiting if isinstance(work, FollowJob)]
        assert len(set(views)) == len(views), "a view is one chain"
        self.together.add(tuple(sorted(type(work).__name__ for _, work, _, _ in self.waiting)))
        return self.number

    def wait(self, timeout):
        count = self.choose(1 if timeout else 0, len(self.waiting)) if self.waiting else 0
        return [self._do(*self.waiting.pop(self.choose(0, len(self.waiting) - 1))) for _ in range(count)]

    def _do(self, number, work, block, references):
        # The pixels are read only now: had the block been given to other frames, they would be those.
        frames = [Frame(each.index, each.time_s, picture(block._memory, each).copy(), each.problem) for each in references]
        return SimpleNamespace(number=number, result=work.run(Chained(), iter(frames)))


@settings(max_examples=60)
@given(st.integers(0, 40), st.integers(1, 5), st.data())
def test_the_results_do_not_depend_on_the_dealing(count, workers, data):
    counts = LoopCounts()
    dealer = Dealer(workers, lambda low, high: data.draw(st.integers(low, high)))
    found = list(process_frames_in_workers(FRAMES[:count], dealer, detect_every=30, counts=counts, followed=VIEWS))
    assert essence(found) == essence(in_order(FRAMES[:count]))
    assert (counts.chunks, counts.redone) == (-(-count // followed.CHUNK_FRAMES), 0)


def test_views_are_followed_beside_each_other_and_described_meanwhile():
    dealer = Dealer(3, lambda low, high: low)  # only when there is room for nothing more, and the first that was given
    list(process_frames_in_workers(FRAMES, dealer, detect_every=30, followed=VIEWS))
    assert ("FollowJob", "FollowJob", "FollowJob") in dealer.together
    assert any("DescribeJob" in names and "FollowJob" in names for names in dealer.together)


def run(frames, pool):
    return list(process_frames_in_workers(frames, pool, detect_every=30, followed=VIEWS))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_same_for_any_number_of_workers(workers):
    with WorkerPool(ChainedFactory(), workers=workers, start_method=FORK_IF_THERE) as pool:
        assert essence(run(FRAMES, pool)) == essence(in_order(FRAMES))


def test_a_worker_that_dies_in_a_chain_takes_nothing_with_it(tmp_path):
    factory = ChainedFactory(Trouble(frames=(13,), once=tmp_path / "struck"))
    with WorkerPool(factory, workers=2, start_method=FORK_IF_THERE) as pool:
        assert essence(run(FRAMES, pool)) == essence(in_order(FRAMES))
        assert len(pool.losses) == 1


def test_a_frame_that_kills_every_worker_fails_alone():
    with WorkerPool(ChainedFactory(Trouble(frames=(13,))), workers=2, start_method=FORK_IF_THERE) as pool:
        found = run(FRAMES, pool)
        assert [loss.next_step for loss in pool.losses][-1] == "frame failed"
    told = [replace(frame, problem=found[13].views[0].reason.strip("'")) if frame.index == 13 else frame for frame in FRAMES]
    assert essence(found) == essence(in_order(told))


def test_frames_with_a_problem_are_passed_over():
    wrong = [replace(frame, problem="damaged") if frame.index in {0, 9} else frame for frame in FRAMES]
    with WorkerPool(ChainedFactory(), workers=2, start_method=FORK_IF_THERE) as pool:
        assert essence(run(wrong, pool)) == essence(in_order(wrong))
