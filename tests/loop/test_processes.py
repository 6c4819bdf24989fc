"""The processes themselves: what they hold, what they leave behind, how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest
from loop_tasks import FakeFactory, essence, expected, frames_of, names_in, shared_memory_names

from face_mirror_au.loop import launch
from face_mirror_au.loop.frames import process_frames_in_workers
from face_mirror_au.loop.launch import assert_clean_to_fork, choose_start_method
from face_mirror_au.loop.nursery import Nursery
from face_mirror_au.loop.pool import WorkerPool
from face_mirror_au.loop.tasks import WorkerError

HERE = Path(__file__).parent
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # an orphan whose new parent has not yet looked


def wait_until_gone(pids, seconds=5.0):
    deadline = time.monotonic() + seconds
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, f"still there: {[pid for pid in pids if alive(pid)]}"
        time.sleep(0.02)


def start_parent(start_method, kind):
    process = subprocess.Popen(
        [sys.executable, HERE / "loop_parent.py", start_method, kind],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) >= 2, process.stderr.read()
    assert all(alive(pid) for pid in pids)
    return process, pids


@linux
@pytest.mark.parametrize("kind", ["busy", "hang"])
@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_a_parent_that_is_killed_leaves_nothing(start_method, kind):
    before = shared_memory_names()
    process, pids = start_parent(start_method, kind)
    if kind == "hang":
        time.sleep(0.3)  # until the worker is at its frame
    assert shared_memory_names() <= before
    process.kill()
    process.communicate()
    wait_until_gone(pids)
    assert shared_memory_names() <= before


@linux
@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_ctrl_c_ends_all_and_says_it_once(start_method):
    process, pids = start_parent(start_method, "busy")
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert errors.count("\nKeyboardInterrupt") == 1, errors
    wait_until_gone(pids)


@linux
def test_the_nursery_has_no_threads_and_nothing_heavy():
    """In a fresh interpreter, for the tests' own has loaded everything."""
    program = """
import sys, threading, time
from pathlib import Path
import numpy as np
from light_task import ModulesTask
from face_mirror_au.loop.frames import process_frames_in_workers
from face_mirror_au.loop.launch import assert_clean_to_fork
from face_mirror_au.loop.pool import WorkerPool
from face_mirror_au.loop.ring import FrameRing
from face_mirror_au.records import Frame
assert_clean_to_fork()
with WorkerPool(ModulesTask, workers=1, start_method=None) as pool:
    assert pool.start_method == "fork"
    assert_clean_to_fork()
    threading.Thread(target=time.sleep, args=(1.0,), daemon=True).start()
    import cv2, onnxruntime, av
    status = Path(f"/proc/{pool._launcher.pid}/status").read_text()
    maps = Path(f"/proc/{pool._launcher.pid}/maps").read_text()
    assert "Threads:\\t1\\n" in status, status
    assert not any(word in maps for word in ("onnxruntime", "cv2", "libavcodec"))
    block = FrameRing(1).take(100)
    pool.submit(None, block, [block.append(Frame(0, 0.0, np.zeros((2, 2, 3), np.uint8)), 1)])
    (completed,) = pool.wait(10.0)
    assert completed.result == [], completed.result
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_too_late_to_fork(monkeypatch):
    monkeypatch.setattr(launch, "UNSAFE_TO_FORK_AFTER", ("no_such_library",))
    monkeypatch.setattr(launch, "THREADED_LIBRARIES", ("no_such_library",))
    monkeypatch.setattr(launch.threading, "active_count", lambda: 1)  # whatever other tests left
    assert_clean_to_fork()
    assert choose_start_method(None, strict=True) == "fork"
    monkeypatch.setattr(launch, "UNSAFE_TO_FORK_AFTER", ("pytest",))
    with pytest.raises(WorkerError, match="after pytest was loaded"):
        assert_clean_to_fork()
    with pytest.raises(WorkerError, match="after pytest was loaded"):
        choose_start_method("fork", strict=True)
    assert choose_start_method(None, strict=True) == "spawn"
    assert choose_start_method("fork", strict=False) == "fork"
    monkeypatch.setattr(launch, "THREADED_LIBRARIES", ("pytest",))
    assert choose_start_method(None, strict=False) == "spawn"


def test_no_fork_beside_threads():
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        assert choose_start_method(None) == "spawn"
    finally:
        end.set()
        thread.join()


def test_a_system_without_fork(monkeypatch):
    monkeypatch.delattr(os, "fork", raising=False)
    assert choose_start_method(None) == "spawn"
    with pytest.raises(WorkerError, match="cannot fork"):
        choose_start_method("fork")


@linux
def test_a_nursery_that_was_started_earlier_serves_several_pools():
    frames = frames_of(30)
    nursery = Nursery.start()
    try:
        for _ in range(2):
            with WorkerPool(FakeFactory(), workers=2, nursery=nursery) as pool:
                pids = pool.pids
                assert essence(process_frames_in_workers(frames, pool, detect_every=8)) == essence(expected(frames, 8))
            wait_until_gone(pids)
        assert alive(nursery.pid)
    finally:
        nursery.close()
    assert not alive(nursery.pid)


@linux
@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_closing_ends_all_at_once_however_busy(start_method):
    with WorkerPool(FakeFactory(frame_s=5.0), workers=2, start_method=start_method) as pool:
        pids = pool.pids
        records = process_frames_in_workers(frames_of(40), pool, detect_every=8)
        with pytest.raises(TimeoutError):
            _run_for(records, pool)
        begun = time.monotonic()
    assert time.monotonic() - begun < 2.0
    assert not any(alive(pid) for pid in pids)
    pool.close()


def _run_for(records, pool):
    """Until every worker is in its first frame."""

    def stop(_number, _frame):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 1.5)
    try:
        next(records)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@linux
@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_descriptors_and_maps_do_not_grow_over_thirty_videos(start_method):
    def count(pid):
        maps = Path(f"/proc/{pid}/maps").read_text()
        return len(names_in(f"/proc/{pid}/fd")), maps.count("face-mirror-au-frames")

    with WorkerPool(FakeFactory(), workers=2, start_method=start_method) as pool:
        counts = []
        for number in range(32):
            frames = frames_of(20, 10 + number, 20)
            assert len(list(process_frames_in_workers(frames, pool, detect_every=4))) == 20
            if number in {1, 31}:
                time.sleep(0.2)  # the workers have yet to hear that the video is over
                counts.append([count(pid) for pid in ("self", *pool.pids)])
    assert counts[0] == counts[1]
    assert {maps for _, maps in counts[1]} == {0}
    before = len(names_in("/proc/self/fd"))
    for _ in range(3):
        with WorkerPool(FakeFactory(), workers=1, start_method=start_method) as pool:
            list(process_frames_in_workers(frames_of(5), pool, detect_every=4))
    assert len(names_in("/proc/self/fd")) == before


def test_a_fork_beside_blas_threads_does_not_warn(monkeypatch):
    fork = os.fork

    def warning_fork():
        warnings.warn("This process is multi-threaded", DeprecationWarning, stacklevel=1)
        return fork()

    monkeypatch.setattr(os, "fork", warning_fork)
    Nursery.start().close()
