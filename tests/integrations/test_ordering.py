"""Frames from many threads, put in order."""

from __future__ import annotations

import random
import threading
import time

import numpy as np
import pytest

from face_mirror_au.errors import VideoError
from face_mirror_au.integrations.ordering import NEVER_CAME, HostFrame, OrderedFrames

PICTURE = np.zeros((4, 6, 3), np.uint8)


def give(frames, indices, threads=6, before_put=lambda index: None):
    """Hand frames in as the application would: the indices dealt in turn to threads."""
    waiting = list(indices)[::-1]
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                if not waiting:
                    return
                index = waiting.pop()
            if frames.begin(index, PICTURE):
                before_put(index)
                frames.put(HostFrame(index, PICTURE))

    started = [threading.Thread(target=work) for _ in range(threads)]
    for thread in started:
        thread.start()
    return started


def take_all(frames, threads, pause=0.0):
    """Take everything; closes when all threads are done."""
    closer = threading.Thread(target=lambda: ([thread.join() for thread in threads], frames.close()))
    closer.start()
    taken = []
    for frame in frames:
        taken.append(frame)
        time.sleep(pause)
    closer.join()
    return taken


def test_any_order_becomes_frame_order():
    frames = OrderedFrames(5.0)
    taken = take_all(frames, give(frames, random.sample(range(20), 20), before_put=lambda index: time.sleep(index % 3 * 0.01)))
    assert [frame.index for frame in taken] == list(range(20))
    assert all(frame.problem is None for frame in taken)
    assert frames.wait_for_size() == (6, 4)


def test_the_first_of_two_counts():
    frames = OrderedFrames(5.0)
    assert frames.begin(0, PICTURE)
    assert not frames.begin(0, PICTURE)
    frames.put(HostFrame(0, PICTURE))
    assert not frames.begin(0, PICTURE)
    frames.close()
    assert len(list(frames)) == 1
    assert frames.counts.twice == 2


def test_indices_that_never_come_become_empty_rows_at_the_end():
    frames = OrderedFrames(5.0)
    taken = take_all(frames, give(frames, [1, 2, 5]))
    assert [(frame.index, frame.problem) for frame in taken] == [
        (0, NEVER_CAME),
        (1, None),
        (2, None),
        (3, NEVER_CAME),
        (4, NEVER_CAME),
        (5, None),
    ]
    assert frames.counts.never_came == 3


def test_a_frame_that_never_comes_does_not_hold_up_a_full_house():
    frames = OrderedFrames(1.0, places=3)
    taken = take_all(frames, give(frames, [0, 1, *range(3, 30)]))
    assert [frame.index for frame in taken] == list(range(30))
    assert [frame.index for frame in taken if frame.problem] == [2]
    assert frames.counts.timed_out == 0


def test_a_thread_waits_for_a_slow_taker():
    frames = OrderedFrames(5.0, places=2)
    taken = take_all(frames, give(frames, range(12)), pause=0.02)
    assert all(frame.image is not None for frame in taken)
    assert frames.counts.waits > 0
    assert frames.counts.waited_s > 0.05
    assert frames.counts.timed_out == 0


def test_who_waits_too_long_goes_on_with_an_empty_row():
    frames = OrderedFrames(0.3, places=2)
    threads = give(frames, range(6))
    start = time.monotonic()
    for thread in threads:
        thread.join()
    # Nobody took anything: two have places, the first one in line always has one, the others gave up.
    assert 0.25 < time.monotonic() - start < 3.0
    frames.close()
    taken = list(frames)
    assert [frame.index for frame in taken] == list(range(6))
    lost = [frame for frame in taken if frame.problem]
    assert len(lost) == frames.counts.timed_out == pytest.approx(3.5, abs=0.5)
    assert all(frame.image is None and "could not keep up" in str(frame.problem) for frame in lost)


def test_a_frame_that_is_late_but_under_way_is_waited_for():
    frames = OrderedFrames(10.0, places=2)

    def before_put(index):
        if index == 0:
            time.sleep(0.5)

    taken = take_all(frames, give(frames, range(12), before_put=before_put))
    assert all(frame.problem is None for frame in taken)


def test_giving_up_frees_everybody():
    frames = OrderedFrames(30.0, places=1)
    threads = give(frames, range(6))
    time.sleep(0.1)
    frames.give_up("the end")
    for thread in threads:
        thread.join(5.0)
        assert not thread.is_alive()
    assert not frames.begin(7, PICTURE)
    with pytest.raises(VideoError, match="the end"):
        next(iter(frames))


def test_no_frame_at_all():
    frames = OrderedFrames(1.0)
    frames.close()
    assert frames.wait_for_size() is None
    assert list(frames) == []
