"""The loop over workers gives what the loop without gives, in order, in bounded memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from loop_tasks import FACE, FORK_IF_THERE, FakeFactory, essence, expected, frames_of

from face_mirror_au.errors import UsageError
from face_mirror_au.loop import frames as frame_loop
from face_mirror_au.loop.frames import SPARE_BLOCKS, LoopCounts, chunk_length, process_frames_in_workers
from face_mirror_au.loop.pool import WorkerPool
from face_mirror_au.loop.ring import FrameRing
from face_mirror_au.loop.tasks import WorkerError
from face_mirror_au.pipeline.process import ChunkResult
from face_mirror_au.pipeline.track import TrackState
from face_mirror_au.records import Detection, Frame, Located, View
from face_mirror_hooks.records import FrameResult, ViewResult

LENGTH = 8


def pool_of(workers=2, factory=None, start_method=FORK_IF_THERE, **settings):
    return WorkerPool(factory or FakeFactory(), workers=workers, start_method=start_method, **settings)


def run(frames, pool, **settings):
    return list(process_frames_in_workers(frames, pool, detect_every=LENGTH, **settings))


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_same_for_any_number_of_workers(workers, start_method):
    frames = frames_of(203)
    counts = LoopCounts()
    with pool_of(workers, start_method=start_method) as pool:
        records = run(frames, pool, counts=counts)
    assert essence(records) == essence(expected(frames, LENGTH))
    assert counts.chunks == 26
    assert (counts.redone > 0) == (workers > 1), "this task's guesses fail every other time, where there are guesses"
    assert not pool.losses


def test_results_that_come_out_of_order_are_put_in_order(monkeypatch):
    frames = frames_of(64)
    done = []
    with pool_of(3, FakeFactory(slow_first_s=0.3)) as pool:
        wait = pool.wait
        monkeypatch.setattr(pool, "wait", lambda timeout: [done.append(each.number) or each for each in wait(timeout)])
        records = run(frames, pool)
    assert done != sorted(done), "the first chunk was to be the slow one"
    assert essence(records) == essence(expected(frames, LENGTH))


@pytest.mark.parametrize("count", [0, 1, LENGTH - 1, LENGTH, LENGTH + 1])
def test_short_videos(count):
    frames = frames_of(count)
    with pool_of(3) as pool:
        assert essence(run(frames, pool)) == essence(expected(frames, LENGTH))


def test_videos_of_different_sizes_through_the_same_workers(tmp_path):
    log = tmp_path / "log"
    sizes = [(48, 64), (5, 3), (240, 320), (1, 1), (48, 64)]
    with pool_of(2, FakeFactory(log=log)) as pool:
        pids = pool.pids
        for number, (height, width) in enumerate(sizes):
            frames = frames_of(40, height, width, seed=number)
            assert essence(run(frames, pool, video=f"video {number}")) == essence(expected(frames, LENGTH))
        assert pool.pids == pids
    told = log.read_text().splitlines()
    for pid in pids:
        assert [line for line in told if line.startswith(str(pid))] == [f"{pid} video {number}" for number in range(len(sizes))]


def test_frames_of_one_video_may_differ_in_size():
    heights = np.random.default_rng(3).integers(1, 300, 60)
    frames = [replace(frames_of(1, int(height), 40, seed=int(height))[0], index=index) for index, height in enumerate(heights)]
    with pool_of(2) as pool:
        assert essence(run(frames, pool)) == essence(expected(frames, LENGTH))


def test_pictures_that_are_none_and_damaged_ones_fail_alone():
    frames = frames_of(20)
    wrong = list(frames)
    wrong[3] = Frame(3, 0.1, np.zeros((4, 4), np.uint8))
    wrong[8] = Frame(8, 8 / 30, frames[8].image, problem="damaged")
    wrong[9] = Frame(9, 0.3, [[1]])
    with pool_of(2) as pool:
        records = run(wrong, pool)
    assert "shape" in records[3].error
    assert records[8].error == "damaged"
    assert "NumPy" in records[9].error
    told = [replace(frame, problem=records[frame.index].error) if frame.index in {3, 8, 9} else frame for frame in frames]
    assert [line[2:] for line in essence(records)] == [line[2:] for line in essence(expected(told, LENGTH))]


def test_strided_pictures():
    frames = frames_of(20)
    strided = [replace(frame, image=np.asfortranarray(frame.image)) for frame in frames]
    with pool_of(1) as pool:
        assert essence(run(strided, pool)) == essence(expected(frames, LENGTH))


def test_memory_is_bounded_by_the_ring_however_slow_the_first_chunk():
    frames, handed_out, yielded, ahead = frames_of(160), 0, 0, 0

    def source():
        nonlocal handed_out, ahead
        for frame in frames:
            handed_out += 1
            ahead = max(ahead, handed_out - yielded)
            yield frame

    counts = LoopCounts()
    with pool_of(3, FakeFactory(slow_first_s=0.5)) as pool:
        for _ in process_frames_in_workers(source(), pool, detect_every=LENGTH, counts=counts):
            yielded += 1
    blocks = 3 + SPARE_BLOCKS
    assert ahead <= blocks * LENGTH + 1
    assert counts.shared_bytes <= blocks * LENGTH * (frames[0].image.nbytes + 64)
    assert counts.waits > 0
    assert yielded == 160


def test_a_consumer_that_stops_early_leaves_the_pool_usable():
    frames = frames_of(200)
    with pool_of(2, FakeFactory(frame_s=0.002)) as pool:
        pids = pool.pids
        for _ in range(3):
            records = process_frames_in_workers(frames, pool, detect_every=LENGTH)
            assert next(records).index == 0
            records.close()
        assert essence(run(frames[:50], pool)) == essence(expected(frames[:50], LENGTH))
        assert pool.pids == pids


def test_a_source_that_raises_leaves_the_pool_usable():
    frames = frames_of(50)

    def source():
        yield from frames[:30]
        raise ValueError("no more")

    with pool_of(2) as pool:
        with pytest.raises(ValueError, match="no more"):
            run(source(), pool)
        assert essence(run(frames, pool)) == essence(expected(frames, LENGTH))


def test_one_video_at_a_time():
    with pool_of(1) as pool:
        first = process_frames_in_workers(frames_of(20), pool, detect_every=LENGTH)
        next(first)
        with pytest.raises(WorkerError, match="one video at a time"):
            run(frames_of(20), pool)
        first.close()


def test_a_guess_does_not_hold_when_the_first_frame_leaves_the_place_as_it_was():
    """The face that was chosen is refused (bad landmarks): the next frame looks where the guess was."""
    detections = (Detection(np.array([10, 10, 90, 90], np.float32), 0.9, np.zeros((0, 2), np.float32)),)
    guess = TrackState(lost=False)
    actual = TrackState(Located(np.arange(136, dtype=np.float32).reshape(68, 2), 1.0), lost=False)
    found = ViewResult(View.ORIGINAL, FACE, success=True, confidence=1.0)
    refused = ViewResult(View.ORIGINAL, None, success=False, confidence=0.0)
    for view, holds in ((found, True), (refused, False)):
        result = ChunkResult((FrameResult(0, 0.0, (view,)),), guess, actual, detections)
        assert result.holds_from(actual) is holds
        assert result.holds_from(guess)


def test_the_ring_is_given_back():
    ring = FrameRing(4)
    with pool_of(2) as pool:
        run(frames_of(40), pool, ring=ring)
    assert ring.bytes == 0


def test_a_chunk_depends_on_the_frame_size_alone(monkeypatch):
    monkeypatch.setattr(frame_loop, "MAX_CHUNK_BYTES", 10 * 300)
    frames = {side: Frame(0, 0.0, np.zeros((side, 10, 3), np.uint8)) for side in (1, 10, 20, 100)}
    assert [chunk_length(frame, 30) for frame in frames.values()] == [30, 10, 5, 4]
    assert chunk_length(frames[100], 2) == 2
    assert chunk_length(Frame(0, 0.0, np.zeros((0, 0, 3), np.uint8), "damaged"), 30) == 30


def test_a_pool_without_workers_is_refused():
    with pytest.raises(UsageError, match="1 or more"):
        pool_of(0)
