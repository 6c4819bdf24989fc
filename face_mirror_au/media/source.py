"""What every source of pictures gives: a description of itself, frames in order, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol

from face_mirror_au.records import Frame

# Of one picture, four times those of an 8K video: half a gigabyte as it is decoded. Files may claim any size.
MAX_PIXELS = 120_000_000


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known before the first frame.

    Attributes
    ----------
    kind : str
        "video", "image", "image folder", or "frames" that a caller gives.
    width, height : int
        Pixels of the first readable picture, in display orientation. In an image folder others may differ.
    rotation : int
        0, 90, 180 or 270: degrees clockwise by which the stored pictures were turned to display orientation.
    mirrored : bool
        Whether the file also asks for a left-right flip after that turn, which was applied (some selfie recordings).
    rate : Fraction or None
        Frames per second as the container gives it (an average); None where it has none.
    expected_frames : int or None
        How many frames the container claims to hold; a claim, not a count.
    timestamps : str
        Where `Frame.time_s` comes from: "container"; "frame rate" where the container has none; "image index" (the index itself, in s);
        "given" by the caller.
    pixel_aspect : Fraction or None
        Width to height of a pixel where the file says they are not square. The pixels are left as they are.
    time_base : Fraction or None
        The tick of the container's timestamps, s: `Frame.time_s` is a multiple of it where they are used.
    codec : str or None
        FFmpeg's name of the decoder; None for images.
    """

    kind: Literal["video", "image", "image folder", "frames"]
    width: int
    height: int
    rotation: Literal[0, 90, 180, 270] = 0
    mirrored: bool = False
    rate: Fraction | None = None
    expected_frames: int | None = None
    timestamps: Literal["container", "frame rate", "image index", "given"] = "container"
    pixel_aspect: Fraction | None = None
    time_base: Fraction | None = None
    codec: str | None = None

    @property
    def announced_s(self) -> float | None:
        """How long the video should be, s; None where the container does not say how many frames there are, and how fast."""
        return float(self.expected_frames / self.rate) if self.expected_frames and self.rate else None


class FrameSource(Protocol):
    """An open source of pictures. It can be iterated once.

    Attributes
    ----------
    info : SourceInfo
    problems : list of str
        Complete after iteration. What is damaged or missing: a run with an entry here is partial. One line each, without paths.
    notes : list of str
        Complete after iteration. What was unusual but harmless, for the metadata.
    """

    info: SourceInfo
    problems: list[str]
    notes: list[str]

    def __iter__(self) -> Iterator[Frame]:
        """Yield every decoded picture once, in display order."""
        ...
