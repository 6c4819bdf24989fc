"""Single images and folders of images as sources of frames."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np

from face_mirror_au.errors import UsageError, VideoError
from face_mirror_au.files import display_name
from face_mirror_au.media.formats import IMAGE_SUFFIXES, VIDEO_SUFFIXES, is_image
from face_mirror_au.media.image_times import times_of_exif, times_of_names
from face_mirror_au.media.source import WHOLE, Reading, SourceInfo
from face_mirror_au.media.stills import read_image
from face_mirror_au.records import Frame, Image
from face_mirror_au.wording import counted

NO_TIMES = (
    "the images have no times, and each was taken to stand for one second: seconds of movements mean nothing; give their number in a "
    "second with --fps, or measure unrelated images one by one"
)
_Times = Literal["image index", "frames per second", "file names", "exif"]


def list_images(folder: Path) -> list[Path]:
    """Return the folder's images in natural order: `2.png` before `10.png`. Other files and sub-folders are left out."""
    return sorted((path for path in folder.iterdir() if is_image(path) and path.is_file()), key=_natural)


def taken_images(folder: Path, reading: Reading) -> list[Path]:
    """The folder's images of a part of the recording: those that have rows, in order."""
    paths = list_images(folder)
    if reading.is_whole:
        return paths
    times, _ = _times(paths, reading)
    return [paths[place] for place in _places(times, reading)]


def left_out(folder: Path) -> str | None:
    """Say in one line which files of a folder of images are no images; None when all are."""
    others = [path for path in folder.iterdir() if path.is_file() and not is_image(path) and not path.name.startswith(".")]
    if not others:
        return None
    videos = sum(path.suffix.lower() in VIDEO_SUFFIXES for path in others)
    verb = "was" if len(others) == 1 else "were"
    what = f"{counted(len(others), 'other file')} {verb} left out, {videos} of them {'a video' if videos == 1 else 'videos'}"
    taken = f"the images of the folder were taken, as one recording; {what}"
    return f"{taken}: measure videos by their names, or all in the folder with `face-mirror-au batch`" if videos else taken


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.findall(r"[0-9]+|[^0-9]+", path.name.casefold())
    return [(int(part), "") if part[0] in "0123456789" else (-1, part) for part in parts], path.name


def _times(paths: list[Path], reading: Reading) -> tuple[list[float], _Times]:
    """Seconds of each image, and where they come from."""
    if reading.fps is not None:
        return [index / reading.fps for index in range(len(paths))], "frames per second"
    named = times_of_names(paths)
    if named is not None:
        return named, "file names"
    taken = times_of_exif(paths)
    if taken is not None:
        return taken, "exif"
    return [float(index) for index in range(len(paths))], "image index"


def _places(times: list[float], reading: Reading) -> list[int]:
    inside = [place for place, time in enumerate(times) if reading.begins_by(time) and not reading.is_over(time)]
    return inside[:: reading.every]


class ImageSource:
    """One image, or the images of a folder, one frame each; see `FrameSource`.

    An image that cannot be read still has its row: a frame with `problem` set and a black picture of 1 x 1 pixel as a placeholder.

    Raises
    ------
    VideoError
        When a folder holds no image, or none of the images can be read.
    UsageError
        When there is no image in the part that is to be read.
    """

    def __init__(self, path: Path, reading: Reading = WHOLE) -> None:
        folder = path.is_dir()
        try:
            paths = list_images(path) if folder else [path]
        except OSError as error:
            raise VideoError(f"'{display_name(path)}' cannot be read: {error.strerror or type(error).__name__}") from error
        if not paths:
            videos = sum(each.suffix.lower() in VIDEO_SUFFIXES for each in path.iterdir()) if folder else 0
            if videos:
                many = counted(videos, "video")
                raise VideoError(f"the folder '{display_name(path)}' holds no image, but {many}; measure them with: face-mirror-au batch")
            kinds = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
            raise VideoError(f"the folder '{display_name(path)}' holds no image ({kinds}); give a video, an image or a folder of images")
        times, known_by = _times(paths, reading)
        places = _places(times, reading)
        if not places:
            raise UsageError(f"there is no image at or after {reading.start_s:g} s: the last is at {times[-1]:g} s", "start")
        self._paths, self._times = [paths[place] for place in places], [times[place] for place in places]
        first = self._first_readable(path)
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.warnings: list[str] = [NO_TIMES] if known_by == "image index" and len(paths) > 1 else []
        self.info = SourceInfo(
            kind="image folder" if folder else "image",
            width=first.shape[1],
            height=first.shape[0],
            rate=Fraction(reading.fps).limit_denominator(100_000) if reading.fps is not None else None,
            expected_frames=len(self._paths),
            timestamps=known_by,
        )

    def _first_readable(self, folder: Path) -> Image:
        if len(self._paths) == 1:
            return read_image(self._paths[0])
        for path in self._paths:
            with suppress(VideoError):
                return read_image(path)
        raise VideoError(f"none of the {len(self._paths)} images in the folder '{display_name(folder)}' can be read; check a few of them")

    def __iter__(self) -> Iterator[Frame]:
        """Yield the images in natural order of their names."""
        for index, path in enumerate(self._paths):
            problem = None
            try:
                # By its number: what is told of it goes into the outputs, which --subject keeps free of names.
                image = read_image(path, f"image {index + 1}" if self.info.kind == "image folder" else "")
            except VideoError as error:
                image, problem = np.zeros((1, 1, 3), dtype=np.uint8), str(error)
                self.problems.append(problem)
            yield Frame(index, self._times[index], image, problem)
