"""Which pictures of a camera are measured: the newest one, or every one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from face_mirror_au.live.cameras import Camera
from face_mirror_au.records import Frame

_END_S = 2.0  # what a camera that was told to end is given


class Pictures(Protocol):
    """The pictures that are measured, and a count of those that are not.

    Attributes
    ----------
    seen : int
        Pictures that the camera gave.
    dropped : int
        Those of them that nobody took. Complete after `close`.
    ended : bool
        There will be no more.
    """

    @property
    def seen(self) -> int:
        """See above."""

    @property
    def dropped(self) -> int:
        """See above."""

    @property
    def ended(self) -> bool:
        """See above."""

    def take(self, timeout_s: float) -> Frame | None:
        """Return the next picture to measure; None when there is none yet, or no more.

        Raises
        ------
        CameraError, VideoError
            What ended the camera, when all its pictures were taken.
        """

    def close(self) -> None:
        """Let go of the camera."""


class Slot:
    """Room for one picture: a new one takes the place of one that was not taken. Any thread may put, another one take.

    Attributes
    ----------
    seen, dropped : int
    """

    def __init__(self) -> None:
        self.seen = 0
        self.dropped = 0
        self._frame: Frame | None = None
        self._changed = threading.Condition()

    def put(self, frame: Frame) -> None:
        """Put the newest picture."""
        with self._changed:
            self.seen += 1
            self.dropped += self._frame is not None
            self._frame = frame
            self._changed.notify()

    def take(self, timeout_s: float, over: Callable[[], bool] = lambda: False) -> Frame | None:
        """Take the picture, and wait for one where there is none, until `over` says that none will come, or `timeout_s` has passed."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or over(), timeout_s)
            frame, self._frame = self._frame, None
            return frame

    def wake(self) -> None:
        """Let whoever waits look again."""
        with self._changed:
            self._changed.notify()

    def drop(self) -> None:
        """A picture that nobody will take any more was dropped."""
        with self._changed:
            self.dropped += self._frame is not None
            self._frame = None

    @property
    def empty(self) -> bool:
        """Whether there is no picture."""
        return self._frame is None


class NewestPictures:
    """The newest picture wins: a thread reads the camera, and what is not taken in time is dropped.

    Parameters
    ----------
    camera : Camera
        Read, and closed, by the thread alone.
    """

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._slot = Slot()
        self._stop = threading.Event()
        self._error: Exception | None = None
        self._over = False
        self._thread = threading.Thread(target=self._read, name="camera", daemon=True)
        self._thread.start()

    @property
    def seen(self) -> int:
        """See `Pictures`."""
        return self._slot.seen

    @property
    def dropped(self) -> int:
        """See `Pictures`."""
        return self._slot.dropped

    @property
    def ended(self) -> bool:
        """See `Pictures`."""
        return self._over and self._slot.empty

    def take(self, timeout_s: float) -> Frame | None:
        """See `Pictures`."""
        frame = self._slot.take(timeout_s, lambda: self._over)
        if frame is None and self._over and self._error is not None:
            raise self._error
        return frame

    def close(self) -> None:
        """See `Pictures`. A camera that hangs is left to the end of the process."""
        self._stop.set()
        self._thread.join(_END_S)
        self._slot.drop()

    def _read(self) -> None:
        try:
            while (frame := self._camera.read(self._stop)) is not None:
                self._slot.put(frame)
        except Exception as error:  # noqa: BLE001  (it is raised by `take`)
            self._error = error
        finally:
            self._camera.close()
            self._over = True
            self._slot.wake()


class EveryPicture:
    """Every picture is measured, however long it takes. For files.

    Parameters
    ----------
    camera : Camera
    """

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._never = threading.Event()
        self.seen = 0
        self.dropped = 0
        self.ended = False

    def take(self, timeout_s: float) -> Frame | None:  # noqa: ARG002
        """See `Pictures`."""
        frame = self._camera.read(self._never)
        self.ended = frame is None
        self.seen += frame is not None
        return frame

    def close(self) -> None:
        """See `Pictures`."""
        self._camera.close()
