"""A window that shows the drawn pictures as they come, where there is a display."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import lru_cache

from face_mirror_au.errors import NoDisplayError
from face_mirror_au.opencv import opencv
from face_mirror_au.records import Image
from face_mirror_hooks import hookimpl

NAME = "face-mirror-au: provisional values (q or Esc ends)"
_MAX_SIZE = (1280, 800)  # a phone's picture is higher than most screens
_CLOSING_KEYS = frozenset({27, ord("q"), ord("Q")})
_PROBE = "face_mirror_au.overlay.window_probe"
_PROBE_S = 30.0


class PreviewWindow:
    """Shows each picture when all others have drawn on it. Registered as "preview".

    Attributes
    ----------
    closed : bool
        The user closed it, by q, Esc or its own button. It does not come back.
    """

    def __init__(self) -> None:
        self.closed = False
        self._open = False

    def __reduce__(self) -> tuple[type[PreviewWindow], tuple[()]]:
        return type(self), ()  # a worker shows nothing

    @hookimpl(trylast=True)
    def draw_overlay(self, canvas: Image) -> None:
        """Show the picture."""
        self.show(canvas)

    @hookimpl
    def after_session(self) -> None:
        """Close the window."""
        self.close()

    def show(self, picture: Image) -> None:
        """Show a picture (H, W, 3) uint8 BGR, and listen for keys."""
        if self.closed:
            return
        cv2 = opencv()
        if not self._open:
            self._open_for(picture)
        cv2.imshow(NAME, picture)
        key = cv2.waitKey(1)
        shown = cv2.getWindowProperty(NAME, cv2.WND_PROP_VISIBLE)
        if (key != -1 and key & 0xFF in _CLOSING_KEYS) or shown < 1:
            self.closed = True
            self.close()

    def close(self) -> None:
        """Take the window away."""
        if self._open:
            self._open = False
            cv2 = opencv()
            cv2.destroyAllWindows()
            cv2.waitKey(1)

    def _open_for(self, picture: Image) -> None:
        cv2 = opencv()
        height, width = picture.shape[:2]
        shrink = min(1.0, _MAX_SIZE[0] / width, _MAX_SIZE[1] / height)
        cv2.namedWindow(NAME, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        cv2.resizeWindow(NAME, max(1, round(width * shrink)), max(1, round(height * shrink)))
        self._open = True


def check_display() -> None:
    """Check that a window can be opened.

    Raises
    ------
    NoDisplayError
        When it cannot: no display, or an OpenCV without windows.
    """
    if sys.platform.startswith("linux"):
        if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
            raise NoDisplayError("there is no display for the preview window (DISPLAY is not set)")
        if not _window_opens(tuple(os.environ.get(name, "") for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))):
            raise NoDisplayError("the preview window cannot be opened: the display does not answer, or this OpenCV has no windows")


@lru_cache(maxsize=1)
def _window_opens(_display: tuple[str, ...]) -> bool:
    """Try it in another process: a display that does not answer ends the process that asks, without an exception."""
    try:
        done = subprocess.run([sys.executable, "-m", _PROBE], capture_output=True, check=False, timeout=_PROBE_S)  # noqa: S603 - our own module
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
