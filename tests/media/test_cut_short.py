"""A recording is called cut short only if it was: what a container announces is compared from the video's own start."""

from __future__ import annotations

import struct

import pytest
from io_clips import moving_pictures, write_clip

from face_mirror_au.media.completeness import Announced, is_whole
from face_mirror_au.media.video import open_source


def problems_of(path):
    with open_source(path) as source:
        frames = list(source)
        return len(frames), source.problems


def test_an_edit_list_is_no_damage(tmp_path):
    path = write_clip(tmp_path / "edited.mp4", moving_pictures(60), codec="libx264")
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4  # version and flags, count; then duration in ms, first tick, speed
    assert struct.unpack_from(">II", data, at + 4) == (1, 2400)
    struct.pack_into(">II", data, at + 8, 800, 25 * 512)
    path.write_bytes(data)
    frames, problems = problems_of(path)
    assert frames < 30
    assert problems == []


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "webm"])
def test_the_outermost_parts_of_a_whole_file_end_where_it_does(tmp_path, suffix):
    codec = "libvpx" if suffix == "webm" else "mpeg4"
    path = write_clip(
        tmp_path / f"a.{suffix}", moving_pictures(30), codec=codec, options={"movflags": "faststart"} if suffix == "mp4" else {}
    )
    assert is_whole(path)
    assert problems_of(path) == (30, [])
    path.write_bytes(path.read_bytes()[:-400])
    assert not is_whole(path)


@pytest.mark.parametrize(
    ("announced", "packets", "end_s", "missing"),
    [
        (Announced(31, 31 / 24, 0.0), 30, 31 / 24, ""),  # an empty chunk: its time is there
        (Announced(60, 2.4, 0.0), 35, 1.4, "60 frames are announced, 35 could be decoded"),
        (Announced(0, 6.674, 5.005), 40, 1.669, ""),  # counted from the file's zero
        (Announced(0, 6.674, 0.0), 40, 1.669, "6.7 s are announced, the last frame ends at 1.7 s"),
        (Announced(0, 0.0, 0.0), 40, 1.669, ""),  # nothing is said
    ],
)
def test_what_is_announced_is_compared_from_the_videos_own_start(tmp_path, announced, packets, end_s, missing):
    (tmp_path / "a.ts").write_bytes(b"G")  # no structure that tells more
    assert announced.missing(tmp_path / "a.ts", packets, packets, end_s, 1 / 24) == missing
