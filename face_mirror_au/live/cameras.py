"""Where live pictures come from: a camera, or a file that is played in real time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from face_mirror_au.errors import CameraError
from face_mirror_au.files import result_stem
from face_mirror_au.media.source import FrameSource
from face_mirror_au.media.video import open_source
from face_mirror_au.opencv import opencv
from face_mirror_au.records import Frame, check_image

Clock = Callable[[], float]

# A camera may miss a picture; one that gives none for so long has gone.
GONE_AFTER_S = 2.0
_RETRY_S = 0.02


class Camera(Protocol):
    """Gives one picture after the other.

    Attributes
    ----------
    name : str
        For messages and file names.
    width, height : int
        Of its pictures, px.
    rate : Fraction or None
        Pictures per second, where it says so.
    problems : list of str
        What it could not deliver; complete after the last picture.
    """

    name: str
    width: int
    height: int
    rate: Fraction | None
    problems: list[str]

    def read(self, stop: threading.Event) -> Frame | None:
        """Wait for the next picture and return it; None after the last one, and when `stop` is set.

        Raises
        ------
        CameraError, VideoError
            When there are no more, although there should be.
        """

    def close(self) -> None:
        """Let go of it."""


class WebCamera:
    """A camera of this machine, through OpenCV. Times are the seconds since its first picture, when they arrived here.

    Parameters
    ----------
    number : int
        From 0, as the system counts.
    clock : callable
        Seconds, steady.

    Raises
    ------
    CameraError
        When it cannot be opened, or gives no picture.
    """

    def __init__(self, number: int, clock: Clock = time.monotonic) -> None:
        cv2 = opencv()
        self.name = f"camera{number}"
        self.problems: list[str] = []
        self._number = number
        self._clock = clock
        self._count = 0
        self._start = 0.0
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # our one line says it
        try:
            self._capture: Any = cv2.VideoCapture(number)
        finally:
            cv2.utils.logging.setLogLevel(level)
        if not self._capture.isOpened():
            self._capture.release()
            raise CameraError(
                f"camera {number} cannot be opened: there is none, another program has it, or access is not allowed; try another --camera"
            )
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # old pictures are of no use
        rate = float(self._capture.get(cv2.CAP_PROP_FPS) or 0.0)
        self.rate = Fraction(rate).limit_denominator(1001) if 1.0 <= rate <= 1000.0 else None
        try:
            first = self.read(threading.Event())
        except CameraError:
            self._capture.release()
            raise
        assert first is not None  # noqa: S101  (nobody stopped it)
        self.height, self.width = first.image.shape[:2]
        self._count = 0

    def read(self, stop: threading.Event) -> Frame | None:
        """See `Camera`."""
        deadline = self._clock() + GONE_AFTER_S
        while not stop.is_set():
            taken, picture = self._capture.read()
            now = self._clock()
            if taken and picture is not None:
                if self._count == 0:
                    self._start = now
                self._count += 1
                return Frame(self._count - 1, now - self._start, check_image(picture))
            if now >= deadline:
                what = "gives no picture" if self._count == 0 else "gives no more pictures"
                raise CameraError(f"camera {self._number} {what}: it was unplugged, or another program has it")
            stop.wait(_RETRY_S)
        return None

    def close(self) -> None:
        """See `Camera`."""
        self._capture.release()


class PlayedFile:
    """A video file that is played as a camera would give it: each picture at its time.

    Parameters
    ----------
    path : Path
    real_time : bool
        False: as fast as they are asked for.
    clock : callable
        Seconds, steady.

    Raises
    ------
    VideoError
    """

    def __init__(self, path: Path, *, real_time: bool = True, clock: Clock = time.monotonic) -> None:
        self._opened = ExitStack()
        source: FrameSource = self._opened.enter_context(open_source(path))
        self.name = result_stem(path)
        self.width, self.height, self.rate = source.info.width, source.info.height, source.info.rate
        self.problems = source.problems
        self._frames: Iterator[Frame] = iter(source)
        self._real_time = real_time
        self._clock = clock
        self._start: float | None = None

    def read(self, stop: threading.Event) -> Frame | None:
        """See `Camera`."""
        frame = next(self._frames, None)
        if frame is None or stop.is_set():
            return None
        if self._real_time:
            now = self._clock()
            if self._start is None:
                self._start = now - frame.time_s
            wait = self._start + frame.time_s - now
            if wait > 0.0 and stop.wait(wait):
                return None
        return frame

    def close(self) -> None:
        """See `Camera`."""
        self._opened.close()
