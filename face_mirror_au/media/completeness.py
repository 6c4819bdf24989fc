"""Whether a file was cut short: its outermost structure, and what its container announces against what came out."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# What may be missing at the end of what a container without a frame count announces: it need not be exact.
_END_MISSING_S, _END_MISSING_SHARE = 0.5, 0.05
# Where frames are counted, dropped and empty ones are among them: their time tells whether the end is there.
_END_MISSING_FRAMES = 1.5
_MAX_PARTS = 10_000  # of a file that are walked over; a sound one has a few, a fragmented one some thousands


@dataclass(frozen=True, slots=True)
class Announced:
    """What a container says about its video, and what came out of it.

    Attributes
    ----------
    frames : int
        Claimed; 0: nothing is said.
    seconds : float
        How long the video should be, or when it should end; 0: nothing is said.
    start_s : float
        The container's time of the first frame.
    """

    frames: int
    seconds: float
    start_s: float

    def missing(self, path: Path, packets: int, frames: int, end_s: float, step_s: float) -> str:
        """Say what is missing at the end; empty when nothing is, or nobody knows.

        Parameters
        ----------
        path : Path
        packets, frames : int
            How many came.
        end_s : float
            When the last frame ends, s from the first frame.
        step_s : float
            Seconds between frames.
        """
        # Some containers count from their own zero, others from the first frame: it is whole when it is by one of them.
        end = max(end_s, end_s + self.start_s)
        if self.frames and packets < self.frames:
            # Fewer packets than announced: dropped (empty) and edited-out frames are among the claimed ones, and their time is there.
            if self.seconds and end >= self.seconds - _END_MISSING_FRAMES * step_s:
                return ""
            return "" if is_whole(path) else f"{self.frames} frames are announced, {frames} could be decoded"
        shortest = self.seconds - max(_END_MISSING_S, _END_MISSING_SHARE * self.seconds)
        if self.frames or end >= shortest or is_whole(path):
            return ""
        return f"{self.seconds:.1f} s are announced, the last frame ends at {end_s:.1f} s"


def is_whole(path: Path) -> bool:
    """Whether the outermost parts of an AVI, MP4 or Matroska file end where the file does. False where that cannot be told."""
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            start = handle.read(12)
            handle.seek(0)
            step: Callable[[BinaryIO], int] | None = None
            if start[:4] == b"RIFF":
                step = _riff_part
            elif start[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}:
                step = _box
            elif start[:4] == b"\x1aE\xdf\xa3":
                step = _element
            return step is not None and _fills(handle, size, step)
    except (OSError, ValueError):
        return False


def _fills(handle: BinaryIO, size: int, length_of_part: Callable[[BinaryIO], int]) -> bool:
    position = 0
    for _ in range(_MAX_PARTS):
        handle.seek(position)
        length = length_of_part(handle)  # 0: to the end of the file, whatever that is
        if length <= 0:
            return False
        position += length
        if position >= size:
            return position <= size + 1  # the last padding byte of an odd length is often left out
    return False


def _riff_part(handle: BinaryIO) -> int:
    head = handle.read(8)
    if head[:4] != b"RIFF":
        return os.fstat(handle.fileno()).st_size - handle.tell() + len(head)  # what follows the last RIFF is nobody's
    length = int.from_bytes(head[4:8], "little")
    return 8 + length + length % 2 if length else 0


def _box(handle: BinaryIO) -> int:
    head = handle.read(16)
    length = int.from_bytes(head[:4], "big")
    return int.from_bytes(head[8:16], "big") if length == 1 else length


def _element(handle: BinaryIO) -> int:
    """Length of an EBML element with its head; 0 for one of unknown length, as streams have."""
    head = handle.read(12)
    if not head or not head[0]:
        return 0
    name = 9 - head[0].bit_length()
    if len(head) <= name or not head[name]:
        return 0
    width = 9 - head[name].bit_length()
    value = int.from_bytes(head[name : name + width], "big") & ((1 << 7 * width) - 1)
    return 0 if value == (1 << 7 * width) - 1 else name + width + value
