"""Workers that die or hang: nothing is lost, nothing doubled, and it is told."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from light_task import LargeResultTask
from loop_tasks import FORK_IF_THERE, FakeFactory, Trouble, essence, expected, frames_of

from face_mirror_au.errors import ModelRunError
from face_mirror_au.loop.frames import process_frames_in_workers
from face_mirror_au.loop.pool import WorkerPool
from face_mirror_au.loop.ring import Block
from face_mirror_au.loop.tasks import WorkerError

LENGTH = 8


def run(frames, pool):
    return list(process_frames_in_workers(frames, pool, detect_every=LENGTH))


def pool_of(trouble=None, *, workers=2, frame_s=0.0, start_method=FORK_IF_THERE, **settings):
    return WorkerPool(FakeFactory(trouble, frame_s=frame_s), workers=workers, start_method=start_method, **settings)


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_ten_kills_of_random_workers(start_method):
    frames, killed, heard = frames_of(600), set(), []
    random = np.random.default_rng(11)
    when = {int(index) for index in random.choice(np.arange(5, 560, 40), 10, replace=False)}
    records = []
    with pool_of(frame_s=0.002, start_method=start_method, on_lost=heard.append) as pool:
        for record in process_frames_in_workers(frames, pool, detect_every=LENGTH):
            records.append(record)
            if record.index in when:
                pid = int(random.choice([pid for pid in pool.pids if pid not in killed]))
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)
    assert essence(records) == essence(expected(frames, LENGTH))
    assert len(killed) == 10
    assert {loss.worker.pid for loss in heard} == killed
    assert {(loss.reason, loss.exit_code, loss.next_step) for loss in heard} == {("died", -9, "replaced")}
    assert tuple(heard) == pool.losses


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
@pytest.mark.parametrize("kind", ["hang", "stop"])
def test_a_worker_that_hangs_is_replaced(tmp_path, kind, start_method):
    frames = frames_of(100)
    with pool_of(Trouble((44,), kind, once=tmp_path / "once"), hang_after_s=1.0, start_method=start_method) as pool:
        records = run(frames, pool)
    assert essence(records) == essence(expected(frames, LENGTH))
    (loss,) = pool.losses
    assert (loss.reason, loss.exit_code, loss.frames, loss.next_step) == ("hung", None, (40, 47), "replaced")


def test_a_worker_that_stops_in_the_middle_of_a_message():
    block = Block(1000, named=False)
    frame = block.append(frames_of(1, 2, 2)[0], 1)
    with WorkerPool(LargeResultTask, workers=1, start_method=FORK_IF_THERE, hang_after_s=1.0) as pool:
        pool.submit(None, block, [frame])
        while pool._workers[0].job is None:
            assert not pool.wait(0.01)
        time.sleep(0.5)  # until it waits for us to read on
        os.kill(pool.pids[0], signal.SIGSTOP)
        (completed,) = pool.wait(20.0)
        assert completed.result[0] == [0]
        assert [loss.reason for loss in pool.losses] == ["hung"]
    block.close()


def test_a_long_job_whose_frames_go_on_is_no_hang():
    frames = frames_of(16)
    with pool_of(frame_s=0.2, hang_after_s=0.8) as pool:
        assert essence(run(frames, pool)) == essence(expected(frames, LENGTH))
    assert not pool.losses


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("after", [1, 100])
def test_a_device_that_crashes_is_given_up_after_the_second_loss(after, workers):
    frames = frames_of(300)
    with pool_of(Trouble(after=after, device="coreml"), workers=workers, device="coreml") as pool:
        records = run(frames, pool)
    assert essence(records) == essence(expected(frames, LENGTH))
    assert {loss.exit_code for loss in pool.losses} == {-11}
    assert {loss.worker.device for loss in pool.losses} == {"coreml"}
    steps = [loss.next_step for loss in pool.losses]
    assert steps[:2] == ["replaced", "replaced on CPU"]
    # With two workers, one may still have been on the device when it was given up.
    assert len(steps) in {2, workers + 1}


def test_a_device_that_crashes_at_the_start():
    frames = frames_of(40)
    with pool_of(Trouble((-1,), device="coreml"), workers=1, device="coreml") as pool:
        assert essence(run(frames, pool)) == essence(expected(frames, LENGTH))
    assert [(loss.frames, loss.next_step) for loss in pool.losses] == [(None, "replaced"), (None, "replaced on CPU")]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("segfault", "the worker died on this frame (signal 11)"),
        ("exit", "the worker died on this frame (exit code 3)"),
        ("memory", "the worker died on this frame (exit code 1)"),
        ("hang", "the worker hung on this frame (more than 1 s)"),
    ],
)
@pytest.mark.parametrize("frame", [0, 20, 37])
def test_a_frame_that_kills_every_worker_fails_alone(kind, reason, frame):
    frames = frames_of(60)
    with pool_of(Trouble((frame,), kind), hang_after_s=1.0) as pool:
        records = run(frames, pool)
    told = [replace(each, problem=reason) if each.index == frame else each for each in frames]
    assert essence(records) == essence(expected(told, LENGTH))
    assert [loss.next_step for loss in pool.losses] == ["replaced", "replaced", "frame failed"]


def test_two_frames_that_kill_in_two_videos():
    frames = frames_of(60)
    reason = "the worker died on this frame (signal 11)"
    told = [replace(each, problem=reason) if each.index in {11, 12} else each for each in frames]
    with pool_of(Trouble((11, 12))) as pool:
        for _ in range(2):
            assert essence(run(frames, pool)) == essence(expected(told, LENGTH))
    assert [loss.next_step for loss in pool.losses].count("frame failed") == 4


def test_device_and_frame():
    """A frame that kills on any device: two losses there, three on the CPU."""
    frames = frames_of(40)
    with pool_of(Trouble((20,)), workers=1, device="coreml") as pool:
        records = run(frames, pool)
    assert records[20].error == "the worker died on this frame (signal 11)"
    assert [loss.next_step for loss in pool.losses] == ["replaced", "replaced on CPU", "replaced", "replaced", "frame failed"]


def test_workers_that_cannot_start():
    with pool_of(Trouble((-1,), "exit")) as pool, pytest.raises(WorkerError, match=r"before they are ready \(exit code 3\)"):
        run(frames_of(40), pool)
    assert not pool.pids


@pytest.mark.parametrize("frame", [-1, 12])
def test_an_error_of_ours_comes_back_as_it_is(frame):
    with pool_of(Trouble((frame,), "raise")) as pool, pytest.raises(ModelRunError, match="this model is no model"):
        run(frames_of(40), pool)
    assert not pool.pids
    with pytest.raises(WorkerError, match="have ended"):
        pool.wait(0.0)


def test_any_other_exception_tells_what_was_done(caplog):
    frames = frames_of(20)
    with pool_of(workers=1) as pool:
        pool.open_video(None)
        block = Block(1000, named=False)
        pool.submit("not a state", block, [block.append(replace(frames[0], image=frames[0].image[:1]), 1)])
        with pytest.raises(WorkerError, match=r"failed to process frames 0 to 0: AttributeError"):
            pool.wait(10.0)
        block.close()
    assert "Traceback" in caplog.text


def test_a_nursery_that_is_killed_is_done_without():
    frames, records = frames_of(200), []
    with pool_of(frame_s=0.002) as pool:
        for record in process_frames_in_workers(frames, pool, detect_every=LENGTH):
            records.append(record)
            if record.index == 20:
                os.kill(pool._launcher.pid, signal.SIGKILL)
            if record.index == 40:
                os.kill(pool.pids[0], signal.SIGKILL)
    assert essence(records) == essence(expected(frames, LENGTH))
    (loss,) = pool.losses
    assert loss.exit_code is None, "only the nursery could have known"
