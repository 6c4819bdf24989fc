"""The preview window, with a stand-in for OpenCV's: shows what was drawn, ends by a key, and is left out where there is no display."""

from __future__ import annotations

import pickle
import subprocess
import sys

import cv2
import numpy as np
import pytest

from face_mirror_au.errors import NoDisplayError
from face_mirror_au.overlay import window
from face_mirror_au.overlay.drawing import Drawing
from face_mirror_au.overlay.window import NAME, PreviewWindow, check_display


class Screen:
    """What OpenCV's window functions were asked."""

    def __init__(self, monkeypatch):
        self.shown, self.keys, self.visible, self.closed, self.size = [], [], 1.0, 0, None
        monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "resizeWindow", lambda _name, width, height: setattr(self, "size", (width, height)))
        monkeypatch.setattr(cv2, "imshow", lambda name, picture: self.shown.append((name, picture.copy())))
        monkeypatch.setattr(cv2, "waitKey", lambda _ms: self.keys.pop(0) if self.keys else -1)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: self.visible)
        monkeypatch.setattr(cv2, "destroyAllWindows", lambda: setattr(self, "closed", self.closed + 1))


@pytest.fixture
def screen(monkeypatch):
    return Screen(monkeypatch)


def picture(width=64, height=48):
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize("key", [ord("q"), ord("Q"), 27])
def test_q_and_escape_close_the_window_for_good(screen, key):
    preview = PreviewWindow()
    screen.keys = [-1, ord("x"), key]
    for _ in range(5):
        preview.show(picture())
    assert len(screen.shown) == 3
    assert preview.closed
    assert screen.closed == 1


def test_its_own_button_closes_it(screen):
    preview = PreviewWindow()
    screen.visible = 0.0
    preview.show(picture())
    assert preview.closed


def test_it_says_provisional_in_its_title(screen):
    PreviewWindow().show(picture())
    assert screen.shown[0][0] == NAME
    assert "provisional" in NAME


def test_a_phones_picture_fits_the_screen_in_its_own_shape(screen):
    PreviewWindow().show(picture(1080, 1920))
    assert screen.size == (450, 800)


def test_nothing_is_drawn_when_the_window_was_closed_and_no_video_is_wanted(screen):
    drawing = Drawing(preview=True)
    assert drawing.wanted
    screen.keys = [27]
    drawing.window.show(picture())
    assert not drawing.wanted
    assert not Drawing().wanted


def test_a_worker_gets_a_window_plugin_that_is_not_open(screen):
    preview = PreviewWindow()
    preview.show(picture())
    assert not pickle.loads(pickle.dumps(preview))._open  # noqa: S301 - made in this line


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")


@linux
def test_without_a_display_one_line_says_so(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NoDisplayError, match="no display for the preview window"):
        check_display()


@linux
def test_a_display_that_does_not_answer_does_not_end_the_process(monkeypatch):
    """Qt aborts the process in that case, so another one asks."""
    for name in ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":987")
    with pytest.raises(NoDisplayError, match="cannot be opened"):
        check_display()


@linux
def test_a_display_that_answers_is_fine(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":986")
    monkeypatch.setattr(window.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0))
    check_display()
