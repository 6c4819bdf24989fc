"""What is measured: a file, a folder of images, or frames that the caller gives. A run asks nothing else of its input."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from face_mirror_au.files import result_stem
from face_mirror_au.media.given import GivenFrame, GivenFrames
from face_mirror_au.media.images import left_out, taken_images
from face_mirror_au.media.source import WHOLE, FrameSource, Reading
from face_mirror_au.media.video import open_source
from face_mirror_au.results.metadata import InputStamp, hash_input, stamp_input


class Recording(Protocol):
    """One recording of one person.

    Attributes
    ----------
    label : str
        What plugins hear as its name.
    path : Path or None
        None where the frames come from no file.
    """

    @property
    def label(self) -> str:
        """See above."""

    @property
    def path(self) -> Path | None:
        """See above."""

    def open(self) -> AbstractContextManager[FrameSource]:
        """Open the source of its frames. Raises VideoError."""

    def stamp(self) -> InputStamp:
        """What would be another one if the files changed meanwhile; None where there are none."""

    def sha256(self) -> str | None:
        """Its hash for the metadata; None where there are no files. Raises VideoError."""

    def image_names(self) -> list[str]:
        """Names of the images of a folder, in frame order; empty for others."""

    def left_out(self) -> str | None:
        """In one line, which files of a folder were not read; None where there are none."""


class FileRecording:
    """A video, an image, or a folder of images.

    Parameters
    ----------
    path : Path
    label : str, optional
        The file's stem when not given.
    reading : Reading, optional
        Which part of it.
    """

    def __init__(self, path: Path, label: str | None = None, reading: Reading = WHOLE) -> None:
        self.path = path
        self._reading = reading
        self.label = label or result_stem(path)

    def open(self) -> AbstractContextManager[FrameSource]:
        """See `Recording`."""
        return open_source(self.path, self._reading)

    def stamp(self) -> InputStamp:
        """See `Recording`."""
        return stamp_input(self.path)

    def sha256(self) -> str:
        """See `Recording`."""
        return hash_input(self.path)

    def image_names(self) -> list[str]:
        """See `Recording`."""
        return [image.name for image in taken_images(self.path, self._reading)] if self.path.is_dir() else []

    def left_out(self) -> str | None:
        """See `Recording`."""
        return left_out(self.path) if self.path.is_dir() else None


class GivenRecording:
    """Frames that the caller gives.

    Parameters
    ----------
    frames, rate, reading
        See `GivenFrames`.
    label : str
    """

    path = None

    def __init__(self, frames: Iterable[GivenFrame], rate: float | None, label: str, reading: Reading = WHOLE) -> None:
        self.label = label
        self._frames = frames
        self._rate = rate
        self._reading = reading

    def open(self) -> AbstractContextManager[FrameSource]:
        """See `Recording`. Raises FrameError, UsageError or VideoError when the first frame is none."""
        return nullcontext(GivenFrames(self._frames, self._rate, self._reading))

    def stamp(self) -> None:
        """Nothing to compare."""

    def sha256(self) -> None:
        """Frames that are gone cannot be hashed."""

    def image_names(self) -> list[str]:
        """None."""
        return []

    def left_out(self) -> None:
        """Nothing is."""
