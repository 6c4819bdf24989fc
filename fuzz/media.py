"""Targets: pictures and videos. The decoders are OpenCV's and FFmpeg's; what is tried is that nothing of theirs comes through."""

from __future__ import annotations

from itertools import islice

from face_mirror_au.integrations.timestamps import read_frame_times
from face_mirror_au.media.images import read_image
from face_mirror_au.media.video import open_source
from face_mirror_au.records import check_image
from fuzz.contract import written

_FRAMES = 50  # of a video that are looked at


def image(data: bytes) -> None:
    """A picture."""
    check_image(read_image(written(data, "p.png")))


def video(data: bytes) -> None:
    """A video, and when its frames are shown."""
    path = written(data, "p.mp4")
    read_frame_times(path)
    with open_source(path) as source:
        times = [frame.time_s for frame in islice(source, _FRAMES) if check_image(frame.image).size]
        assert times == sorted(times)
        assert all(problem.isprintable() for problem in (*source.problems, *source.notes))
