"""What every source of pictures gives: a description of itself, frames in order, and what went wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, Protocol, cast

from face_mirror_au.errors import UsageError
from face_mirror_au.records import Frame

# Of one picture, four times those of an 8K video: half a gigabyte as it is decoded. Files may claim any size.
MAX_PIXELS = 120_000_000
# A frame's time may lie so far beside what was typed, s: half of the shortest tick in use.
_SAME_TIME_S = 1e-6
_CLOCK_TIME = re.compile(r"(?:(\d+):)?(\d+):(\d{1,2}(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Reading:
    """Which part of a recording is read, and how its times are counted.

    Attributes
    ----------
    start_s : float
        The first frame is the first one at or after this time, in seconds of the recording.
    end_s : float or None
        Frames at or after this time are left out.
    every : int
        Of the frames in between, the first and every so many after it.
    fps : float or None
        Of a folder of images: how many there are in a second.
    timestamps : "zero" or "container"
        Whether times count from the recording's first frame, or are the container's own.

    Raises
    ------
    UsageError
    """

    start_s: float = 0.0
    end_s: float | None = None
    every: int = 1
    fps: float | None = None
    timestamps: Literal["zero", "container"] = "zero"

    def __post_init__(self) -> None:
        if not 0.0 <= self.start_s < float("inf"):
            raise UsageError(f"must be 0 or more, not {self.start_s}", "start")
        if self.end_s is not None and not self.start_s < self.end_s < float("inf"):
            raise UsageError(f"must be after the start ({self.start_s:g} s), not at {self.end_s:g} s", "end")
        if self.every < 1:
            raise UsageError(f"must be 1 or more, not {self.every}", "every")
        if self.fps is not None and not 0.0 < self.fps < float("inf"):
            raise UsageError(f"must be a number of frames per second above 0, not {self.fps}", "fps")
        if self.timestamps not in {"zero", "container"}:
            raise UsageError(f"must be zero or container, not {self.timestamps!r}", "timestamps")

    @property
    def is_whole(self) -> bool:
        """Whether every frame is read."""
        return self.start_s == 0.0 and self.end_s is None and self.every == 1

    def begins_by(self, time_s: float) -> bool:
        """Whether the part has begun at a time, in seconds from the first frame."""
        return time_s >= self.start_s - _SAME_TIME_S

    def is_over(self, time_s: float) -> bool:
        """Whether the part is over at a time, in seconds from the first frame."""
        return self.end_s is not None and time_s >= self.end_s - _SAME_TIME_S

    def select(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The frames that are read, with new indices."""
        index = seen = 0
        for frame in frames:
            if self.is_over(frame.time_s):
                return
            if self.begins_by(frame.time_s):
                if seen % self.every == 0:
                    yield replace(frame, index=index)
                    index += 1
                seen += 1


WHOLE = Reading()


def parse_time(text: str, option: str) -> float:
    """Seconds of ``90``, ``90.5``, ``1:30`` or ``0:01:30.5``. Raises UsageError."""
    found = _CLOCK_TIME.fullmatch(text.strip())
    try:
        if found is None:
            return float(text)
        hours, minutes, seconds = found.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError as error:
        raise UsageError(f"must be seconds or hours:minutes:seconds, not {text!r}", option) from error


def reading_of(
    start: str | float | None = None,
    end: str | float | None = None,
    every: int = 1,
    fps: float | None = None,
    timestamps: str = "zero",
) -> Reading:
    """The part of a recording that a user asks for, with times as `parse_time` reads them. Raises UsageError."""
    start_s = 0.0 if start is None else parse_time(str(start), "start")
    end_s = None if end is None else parse_time(str(end), "end")
    return Reading(start_s, end_s, every, fps, cast("Literal['zero', 'container']", timestamps))


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known before the first frame.

    Attributes
    ----------
    kind : str
        "video", "image" (also a video of one frame), "image folder", or "frames" that a caller gives.
    width, height : int
        Pixels of the first readable picture, in display geometry. In an image folder, and in a video that changes its size, others differ.
    rotation : int
        0, 90, 180 or 270: degrees clockwise by which the stored pictures were turned to display orientation.
    mirrored : bool
        Whether the file also asks for a left-right flip after that turn, which was applied (some selfie recordings).
    rate : Fraction or None
        Frames per second as the container gives it (an average); None where it has none.
    expected_frames : int or None
        How many frames the container claims to hold; a claim, not a count.
    timestamps : str
        Where `Frame.time_s` comes from: "container"; "frame rate" where the container has none; of images "image index" (the index itself,
        in s), "frames per second" (given by the user), "file names" or "exif"; "given" by the caller.
    pixel_aspect : Fraction or None
        Width to height of a stored pixel where the file says they are not square. It was applied: the pictures have square pixels.
    time_base : Fraction or None
        The tick of the container's timestamps, s: `Frame.time_s` is a multiple of it where they are used.
    codec : str or None
        FFmpeg's name of the decoder; None for images.
    start_time : float or None
        The container's time of the recording's first frame, s: what lies beside sound and annotations. None where it has no times.
    duration_s : float or None
        How long the recording is, as the container says.
    """

    kind: Literal["video", "image", "image folder", "frames"]
    width: int
    height: int
    rotation: Literal[0, 90, 180, 270] = 0
    mirrored: bool = False
    rate: Fraction | None = None
    expected_frames: int | None = None
    timestamps: Literal["container", "frame rate", "image index", "frames per second", "file names", "exif", "given"] = "container"
    pixel_aspect: Fraction | None = None
    time_base: Fraction | None = None
    codec: str | None = None
    start_time: float | None = None
    duration_s: float | None = None

    @property
    def announced_s(self) -> float | None:
        """How long the video should be, s; None where the container does not say."""
        if self.duration_s is not None:
            return self.duration_s
        return float(self.expected_frames / self.rate) if self.expected_frames and self.rate else None

    def frames_in(self, reading: Reading) -> int | None:
        """About how many frames there are in a part of the recording; None where nobody knows."""
        if reading.is_whole or self.expected_frames is None:
            return self.expected_frames
        seconds = self.announced_s
        if not seconds:
            return None
        end = seconds if reading.end_s is None else min(reading.end_s, seconds)
        return max(1, round(self.expected_frames * max(0.0, end - reading.start_s) / seconds / reading.every))


class FrameSource(Protocol):
    """An open source of pictures. It can be iterated once.

    Attributes
    ----------
    info : SourceInfo
    problems : list of str
        Complete after iteration. What is damaged or missing: a run with an entry here is partial. One line each, without paths.
    notes : list of str
        Complete after iteration. What was unusual but harmless, for the metadata.
    warnings : list of str
        Known before iteration. What the user should decide otherwise.
    """

    info: SourceInfo
    problems: list[str]
    notes: list[str]
    warnings: list[str]

    def __iter__(self) -> Iterator[Frame]:
        """Yield every decoded picture once, in display order."""
        ...
