"""Frames that the caller gives, from a camera of its own or from memory, as a source like any other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from fractions import Fraction
from itertools import chain

from face_mirror_au.errors import FrameError, UsageError, VideoError
from face_mirror_au.media.source import WHOLE, Reading, SourceInfo
from face_mirror_au.records import NO_PICTURE, Frame, Image, check_image

GivenFrame = Image | tuple[float, Image]
"""A picture, or a pair of its time in seconds and the picture."""
# As for cameras: of NTSC's 30000/1001 a number of Python keeps so much.
_MAX_DENOMINATOR = 1001


class GivenFrames:
    """The frames as a `FrameSource`. Each picture is copied: a camera may use its memory again.

    Parameters
    ----------
    frames : iterable of ndarray, (H, W, 3) uint8, or of (float, ndarray)
        BGR, in order; an array (N, H, W, 3) will do. Pairs give the time of each frame in seconds, which must grow.
    rate : float, optional
        Frames per second; needed where the frames have no times.
    reading : Reading, optional
        Which part of them.

    Raises
    ------
    VideoError
        When there is no frame.
    FrameError
        When the first one is no (H, W, 3) uint8 picture.
    UsageError
        When nothing says when the frames were taken.
    """

    def __init__(self, frames: Iterable[GivenFrame], rate: float | None = None, reading: Reading = WHOLE) -> None:
        if rate is not None and not (0.0 < rate < float("inf")):
            raise UsageError(f"must be a number of frames per second above 0, not {rate}", "fps")
        given = iter(frames)
        first = next(given, None)
        if first is None:
            raise VideoError("no frame was given: the recording is empty")
        timed = isinstance(first, tuple)
        if rate is None and not timed:
            raise UsageError("must be given, or the frames as pairs (time_s, picture)", "fps")
        height, width = check_image(first[1] if isinstance(first, tuple) else first).shape[:2]
        self.info = SourceInfo(
            "frames",
            width,
            height,
            rate=Fraction(rate).limit_denominator(_MAX_DENOMINATOR) if rate is not None else None,
            expected_frames=len(frames) if isinstance(frames, Sized) else None,
            timestamps="given" if timed else "frame rate",
        )
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self._reading = reading
        self._frames = chain([first], given)

    def __iter__(self) -> Iterator[Frame]:
        """Yield each frame once.

        Raises
        ------
        FrameError
            When a time does not grow, or times are there for some frames only.
        """
        yield from self._reading.select(self._all())

    def _all(self) -> Iterator[Frame]:
        timed, last = self.info.timestamps == "given", -float("inf")
        for index, given in enumerate(self._frames):
            if isinstance(given, tuple) is not timed:
                raise FrameError(f"frame {index} has {'no' if timed else 'a'} time, unlike those before; give all as pairs, or none")
            time_s, picture = given if isinstance(given, tuple) else (float(index / (self.info.rate or 1)), given)
            if not time_s > last:
                raise FrameError(f"frame {index} is of {time_s} s, and the one before of {last} s; times must grow")
            last = time_s
            yield _frame(index, float(time_s), picture)


def _frame(index: int, time_s: float, picture: Image) -> Frame:
    try:
        return Frame(index, time_s, check_image(picture).copy())
    except FrameError as error:  # costs this frame alone
        return Frame(index, time_s, NO_PICTURE, str(error))
