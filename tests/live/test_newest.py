"""The newest picture wins, and every picture is accounted for."""

from __future__ import annotations

import threading

import pytest
from live_doubles import ScriptedCamera, picture

from face_mirror_au.errors import CameraError
from face_mirror_au.live.newest import EveryPicture, NewestPictures, Slot


def test_a_new_picture_takes_the_place_of_one_that_was_not_taken():
    slot = Slot()
    for index in range(4):
        slot.put(picture(index))
    assert slot.take(0.0).index == 3
    assert (slot.seen, slot.dropped) == (4, 3)
    assert slot.take(0.0) is None, "a picture is taken once"
    slot.put(picture(4))
    assert slot.take(0.0).index == 4
    assert (slot.seen, slot.dropped) == (5, 3)


def test_whoever_waits_gets_the_next_picture():
    slot = Slot()
    found = []
    waiting = threading.Thread(target=lambda: found.append(slot.take(10.0)))
    waiting.start()
    slot.put(picture(7))
    waiting.join(10)
    assert found[0].index == 7


def test_what_came_while_one_was_measured_is_dropped_but_for_the_newest():
    busy, idle = threading.Event(), threading.Event()
    camera = ScriptedCamera(picture(0), busy, *(picture(i) for i in range(1, 6)), idle, picture(6))
    pictures = NewestPictures(camera)
    assert pictures.take(10).index == 0
    busy.set()
    while pictures.seen < 6:  # frame 0 is being measured meanwhile
        pass
    assert pictures.take(10).index == 5
    idle.set()
    assert pictures.take(10).index == 6
    assert pictures.take(10) is None
    assert pictures.ended
    assert (pictures.seen, pictures.dropped) == (7, 4)


def test_the_last_picture_is_measured_although_the_camera_has_ended():
    camera = ScriptedCamera(picture(0), picture(1))
    pictures = NewestPictures(camera)
    assert camera.closed.wait(10)
    assert not pictures.ended
    assert pictures.take(10).index == 1
    assert pictures.ended


def test_a_camera_that_goes_is_told_after_its_last_picture():
    camera = ScriptedCamera(picture(0), CameraError("camera 0 gives no more pictures"))
    pictures = NewestPictures(camera)
    assert camera.closed.wait(10)
    assert pictures.take(10).index == 0
    with pytest.raises(CameraError, match="no more pictures"):
        pictures.take(10)


def test_a_picture_that_nobody_takes_at_the_end_counts_as_dropped():
    camera = ScriptedCamera(picture(0), picture(1), picture(2))
    pictures = NewestPictures(camera)
    assert camera.closed.wait(10)
    pictures.close()
    assert (pictures.seen, pictures.dropped) == (3, 3)
    assert pictures.take(0.0) is None


def test_waiting_ends_after_its_time_so_that_ctrl_c_is_heard():
    hold = threading.Event()
    pictures = NewestPictures(ScriptedCamera(hold))
    assert pictures.take(0.01) is None
    assert not pictures.ended
    hold.set()
    pictures.close()


def test_every_picture_drops_none():
    camera = ScriptedCamera(*(picture(i) for i in range(5)))
    pictures = EveryPicture(camera)
    assert [pictures.take(0.0).index for _ in range(5)] == [0, 1, 2, 3, 4]
    assert pictures.take(0.0) is None
    assert pictures.ended
    assert (pictures.seen, pictures.dropped) == (5, 0)
    pictures.close()
    assert camera.closed.is_set()
