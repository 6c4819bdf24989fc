"""The times of a video's frames."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

DEFAULT_RATE = Fraction(25)  # FFmpeg's own assumption for raw streams


class Clock:
    """Seconds from the first frame: the container's timestamps, and the frame rate where one is missing or does not grow.

    Parameters
    ----------
    stream : VideoStream
    rate : Fraction or None
        Frames per second.
    """

    def __init__(self, stream: VideoStream, rate: Fraction | None) -> None:
        self._base = stream.time_base
        self.step = float(1 / (rate or DEFAULT_RATE))
        self._origin: int | None = None
        self._last: float | None = None
        self._missing = self._backwards = 0

    def time(self, picture: VideoFrame) -> float:
        """Return the frame's time in seconds; every call gives more than the one before."""
        base = picture.time_base or self._base
        guess = 0.0 if self._last is None else self._last + self.step
        seconds = guess
        if picture.pts is None or base is None:
            self._missing += 1
        else:
            if self._origin is None:
                # Where the first frames had no timestamp, the first that has one goes on from the guess.
                self._origin = picture.pts - round(guess / float(base))
            seconds = float((picture.pts - self._origin) * base)
            if self._last is not None and seconds <= self._last:
                self._backwards += 1
                seconds = guess
        self._last = seconds
        return seconds

    def jump(self) -> None:
        """The next frame is another one than the next: the file was wound to another place."""
        self._last = None

    @property
    def end(self) -> float:
        """When the last frame ends, s."""
        return 0.0 if self._last is None else self._last + self.step

    def notes(self) -> list[str]:
        """Return what had to be made up, one line each."""
        notes = []
        if self._missing:
            notes.append(f"{self._missing} frames had no timestamp; theirs is the frame before plus one over the frame rate")
        if self._backwards:
            notes.append(f"{self._backwards} timestamps did not grow; theirs is the frame before plus one over the frame rate")
        return notes
