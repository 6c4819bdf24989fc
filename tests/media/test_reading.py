"""A part of a recording: begun at a time without decoding all before it, ended, thinned out; and how times are counted."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from io_clips import corners_picture, moving_pictures, write_clip

from face_mirror_au.errors import UsageError, VideoError
from face_mirror_au.media.images import taken_images
from face_mirror_au.media.source import Reading, parse_time, reading_of
from face_mirror_au.media.video import open_source


def read(path, reading=None):
    with open_source(path, reading or Reading()) as source:
        return list(source), source


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.ts", "libx264"), ("a.avi", "mpeg4"), ("a.h264", "libx264")]
)
def test_a_part_is_the_same_frames_as_of_the_whole(tmp_path, name, codec):
    path = write_clip(tmp_path / name, moving_pictures(60), codec=codec)
    whole, _ = read(path)
    part, source = read(path, Reading(start_s=1.0, end_s=1.6, every=3))
    assert [frame.time_s for frame in part] == pytest.approx([frame.time_s for frame in whole[25:40:3]])
    assert [frame.index for frame in part] == list(range(5))
    for frame, same in zip(part, whole[25:40:3], strict=True):
        assert np.array_equal(frame.image, same.image)
    assert source.problems == []


def test_what_lies_before_the_start_is_not_decoded(tmp_path, monkeypatch):
    from face_mirror_au.media.video_source import VideoSource

    path = write_clip(tmp_path / "a.mp4", moving_pictures(120), codec="libx264")
    decoded = []
    decode = VideoSource._decode

    def counting(self):
        for found in decode(self):
            decoded.append(found)
            yield found

    monkeypatch.setattr(VideoSource, "_decode", counting)
    assert len(read(path, Reading(start_s=4.0))[0]) == 20
    assert len(decoded) < 40  # two to open the file, at most twelve from the key frame on


def test_a_start_behind_the_end_is_told_before_anything_is_measured(tmp_path):
    path = write_clip(tmp_path / "a.mp4", moving_pictures(10))
    with (
        pytest.raises(UsageError, match=r"start must be before the end of the recording, which lasts 0\.4 s"),
        open_source(path, Reading(9.0)),
    ):
        pass


def test_container_times_are_the_files_own(tmp_path):
    pts = [500 + 40 * i for i in range(10)]
    path = write_clip(tmp_path / "a.mkv", moving_pictures(10), pts=pts, time_base=Fraction(1, 1000))
    frames, source = read(path, Reading(timestamps="container"))
    assert source.info.start_time == pytest.approx(0.5)
    assert [frame.time_s for frame in frames] == pytest.approx([p / 1000 for p in pts], abs=1e-3)
    frames, source = read(path)
    assert [frame.time_s for frame in frames] == pytest.approx([p / 1000 - 0.5 for p in pts], abs=1e-3)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("1.5", 1.5), ("1:30", 90), ("1:02:03.25", 3723.25), ("0:00:05", 5)])
def test_times_are_seconds_or_a_clock(text, seconds):
    assert parse_time(text, "start") == seconds


@pytest.mark.parametrize(
    "given", [{"start": "soon"}, {"start": -1}, {"start": 2, "end": 1}, {"every": 0}, {"fps": 0}, {"timestamps": "mine"}, {"end": "nan"}]
)
def test_what_cannot_be_is_refused(given):
    with pytest.raises(UsageError, match=next(iter(given)) if "end" not in given else "end"):
        reading_of(**given)


@pytest.fixture
def folder(tmp_path):
    import cv2

    def make(names):
        for i, name in enumerate(names):
            cv2.imwrite(str(tmp_path / name), np.full((20, 30, 3), i, np.uint8))
        return tmp_path

    return make


def test_a_folder_takes_its_rate_from_the_user(folder):
    path = folder(f"f{i:03d}.png" for i in range(8))
    frames, source = read(path, Reading(start_s=0.15, every=2, fps=20))
    assert [frame.time_s for frame in frames] == pytest.approx([0.15, 0.25, 0.35])
    assert source.warnings == []
    assert (source.info.timestamps, source.info.rate) == ("frames per second", 20)
    assert [image.name for image in taken_images(path, Reading(start_s=0.15, every=2, fps=20))] == ["f003.png", "f005.png", "f007.png"]


@pytest.mark.parametrize(
    ("names", "times"),
    [
        (["a_0ms.png", "a_40ms.png", "a_85ms.png"], [0, 0.04, 0.085]),
        (["IMG_20240131_101500_100.png", "IMG_20240131_101500_350.png", "IMG_20240131_101502_000.png"], [0, 0.25, 1.9]),
        (["1706692500100.png", "1706692500140.png"], [0, 0.04]),
    ],
)
def test_a_folder_takes_its_times_from_names(folder, names, times):
    frames, source = read(folder(names))
    assert [frame.time_s for frame in frames] == pytest.approx(times, abs=1e-6)
    assert (source.info.timestamps, source.warnings) == ("file names", [])


def test_a_folder_takes_its_times_from_exif(tmp_path):
    from PIL import Image

    for i in range(3):
        exif = Image.Exif()
        exif.get_ifd(0x8769).update({0x9003: "2024:01:31 10:15:00", 0x9291: f"{i * 2}00"})
        Image.new("RGB", (30, 20)).save(tmp_path / f"{i}.jpg", exif=exif)
    frames, source = read(tmp_path)
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.2, 0.4])
    assert source.info.timestamps == "exif"


def test_a_folder_without_times_is_warned_of(folder):
    _, source = read(folder(["f1.png", "f2.png"]))
    assert "--fps" in source.warnings[0]


def test_frames_per_second_are_not_for_files(tmp_path):
    path = write_clip(tmp_path / "a.mp4", moving_pictures(3))
    with pytest.raises(UsageError, match="fps is for folders"), open_source(path, Reading(fps=25)):
        pass


def test_a_video_of_one_frame_is_an_image(tmp_path):
    path = write_clip(tmp_path / "one.mp4", [corners_picture(96, 64)])
    frames, source = read(path)
    assert (len(frames), source.info.kind, source.info.codec) == (1, "image", "mpeg4")


def test_an_animation_in_a_folder_is_told(tmp_path, folder):
    from PIL import Image

    pictures = [Image.new("RGB", (30, 20), (i * 80, 0, 0)) for i in range(3)]
    folder(["1.png"])
    pictures[0].save(tmp_path / "2.webp", save_all=True, append_images=pictures[1:], duration=40)
    frames, source = read(tmp_path)
    assert [frame.problem is not None for frame in frames] == [False, True]
    assert source.problems == ["image 2 is an animation of 3 frames; measure it by itself, as a video"]


def test_an_animation_has_the_times_of_its_frames(tmp_path):
    from PIL import Image

    pictures = [Image.new("RGB", (30, 20), (i * 60, 0, 0)) for i in range(4)]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=[40, 120, 40, 40])
    frames, source = read(tmp_path / "a.gif", Reading(end_s=0.18))
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.04, 0.16])
    assert (source.info.kind, source.info.codec) == ("video", "gif")
    (tmp_path / "cut.webp").write_bytes(b"RIFF\x10\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0")
    with pytest.raises(VideoError, match="animation that cannot be read"), open_source(tmp_path / "cut.webp"):
        pass
