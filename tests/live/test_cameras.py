"""Cameras that are not there, that go, and files that are played at their own pace."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from live_doubles import FakeClock

from face_mirror_au.errors import CameraError, VideoError
from face_mirror_au.live.cameras import GONE_AFTER_S, PlayedFile, WebCamera
from face_mirror_au.media.video import open_source

CLIP = Path(__file__).resolve().parents[1] / "clips" / "smile_left.mp4"


class Capture:
    """What cv2.VideoCapture would be, with a list of what it gives."""

    opened = True
    pictures: tuple[np.ndarray | None, ...] = ()
    released = 0

    def __init__(self, number):
        self.left = list(type(self).pictures)

    def isOpened(self):  # noqa: N802 - OpenCV's name
        return type(self).opened

    def get(self, _property):
        return 30.0

    def set(self, *_):
        return True

    def read(self):
        found = self.left.pop(0) if self.left else None
        return found is not None, found

    def release(self):
        type(self).released += 1


@pytest.fixture
def capture(monkeypatch):
    made = type("Made", (Capture,), {"released": 0})
    monkeypatch.setattr(cv2, "VideoCapture", made)
    return made


def image(value):
    return np.full((6, 8, 3), value, np.uint8)


def test_a_camera_that_is_not_there_is_one_clear_error(capture):
    capture.opened = False
    with pytest.raises(CameraError, match="camera 3 cannot be opened"):
        WebCamera(3)
    assert capture.released == 1


def test_a_camera_that_opens_but_gives_nothing_is_told_after_a_moment(capture, monkeypatch):
    clock = FakeClock()
    monkeypatch.setattr(threading, "Event", lambda: clock)
    with pytest.raises(CameraError, match="camera 0 gives no picture"):
        WebCamera(0, clock)
    assert clock.now - 1000.0 == pytest.approx(GONE_AFTER_S, abs=0.1)
    assert capture.released == 1


def test_pictures_are_counted_and_timed_from_the_first_one(capture):
    capture.pictures = (image(9), image(1), image(2))
    clock = FakeClock()
    camera = WebCamera(0, clock)
    assert (camera.width, camera.height, camera.rate) == (8, 6, 30)
    clock.now += 5.0
    first = camera.read(clock)
    clock.now += 0.25
    second = camera.read(clock)
    assert [(frame.index, frame.time_s, int(frame.image[0, 0, 0])) for frame in (first, second)] == [(0, 0.0, 1), (1, 0.25, 2)]


def test_a_picture_missed_now_and_then_is_no_reason_to_end(capture):
    capture.pictures = (image(9), image(1), None, None, image(2))
    clock = FakeClock()
    camera = WebCamera(0, clock)
    assert camera.read(clock).index == 0
    assert camera.read(clock).index == 1


def test_a_camera_that_vanishes_is_told(capture):
    capture.pictures = (image(9), image(1))
    clock = FakeClock()
    camera = WebCamera(0, clock)
    camera.read(clock)
    with pytest.raises(CameraError, match="camera 0 gives no more pictures: it was unplugged"):
        camera.read(clock)


def test_reading_ends_when_it_is_told_to(capture):
    capture.pictures = (image(9),)
    camera = WebCamera(0, FakeClock())
    stop = threading.Event()
    stop.set()
    assert camera.read(stop) is None


def test_a_file_is_played_at_its_own_pace():
    with open_source(CLIP) as source:
        times = [frame.time_s for frame in source]
    clock = FakeClock()
    camera = PlayedFile(CLIP, clock=clock)
    given = []
    while (frame := camera.read(clock)) is not None:
        given.append((frame.index, clock.now - 1000.0))
        clock.now += 0.01  # what decoding takes
    camera.close()
    assert [index for index, _ in given] == list(range(len(times)))
    assert [when for _, when in given] == pytest.approx(times, abs=1e-6)


def test_a_file_that_is_late_does_not_wait():
    clock = FakeClock()
    camera = PlayedFile(CLIP, clock=clock)
    camera.read(clock)
    clock.now += 1.0
    for _ in range(20):
        camera.read(clock)
    assert not clock.waits
    camera.close()


def test_played_without_pace_nothing_waits():
    clock = FakeClock()
    camera = PlayedFile(CLIP, real_time=False, clock=clock)
    while camera.read(clock) is not None:
        pass
    camera.close()
    assert not clock.waits


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(VideoError, match="does not exist"):
        PlayedFile(tmp_path / "none.mp4")
