"""Targets: pictures and videos. The decoders are OpenCV's and FFmpeg's; what is tried is that nothing of theirs comes through."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from face_mirror_au.integrations.timestamps import read_frame_times
from face_mirror_au.media.completeness import is_whole
from face_mirror_au.media.image_times import times_of_exif, times_of_names
from face_mirror_au.media.stills import read_image
from face_mirror_au.media.video import open_source
from face_mirror_au.records import check_image
from fuzz.contract import written

_FRAMES = 50  # of a video that are looked at


def image(data: bytes) -> None:
    """A picture."""
    check_image(read_image(written(data, "p.png")))


def heif(data: bytes) -> None:
    """A HEIC picture. The decoder is libheif."""
    check_image(read_image(written(data, "p.heic")))


def animation(data: bytes) -> None:
    """An animated WebP, PNG, GIF or AVIF, which Pillow decodes."""
    with open_source(written(data, "p.webp")) as source:
        times = [frame.time_s for frame in islice(source, _FRAMES) if check_image(frame.image).size]
        assert times == sorted(times)


def image_times(data: bytes) -> None:
    """When a picture of a folder was taken: from its EXIF data, and from its name."""
    path = written(data, "p.jpg")
    names = [Path(line) for line in data.decode("utf-8", "replace").split("\n")[:3]]
    assert times_of_exif([path, path]) is None
    times = times_of_names(names)
    assert times is None or times == sorted(times)


def completeness(data: bytes) -> None:
    """The outermost structure of an AVI, MP4 or Matroska file."""
    is_whole(written(data, "p.mkv"))


def video(data: bytes) -> None:
    """A video, and when its frames are shown."""
    path = written(data, "p.mp4")
    read_frame_times(path)
    with open_source(path) as source:
        times = [frame.time_s for frame in islice(source, _FRAMES) if check_image(frame.image).size]
        assert times == sorted(times)
        assert all(problem.isprintable() for problem in (*source.problems, *source.notes))
