"""Images and folders of images as sources of frames."""

from __future__ import annotations

import struct
import sys

import cv2
import numpy as np
import pytest
from io_clips import corner_names, corners_picture, write_clip
from PIL import Image as Pillow

from face_mirror_au.errors import VideoError
from face_mirror_au.media.video import open_source
from fuzz.heif_file import heic


def save(path, image):
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
    return path


def read_all(path):
    with open_source(path) as source:
        return source.info, list(source), source.problems


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp", ".tif", ".PNG"])
def test_one_image_is_one_frame(tmp_path, suffix):
    info, frames, problems = read_all(save(tmp_path / f"Gesicht ü{suffix}", corners_picture(96, 64)))
    assert (info.kind, info.width, info.height, info.timestamps, info.expected_frames) == ("image", 96, 64, "image index", 1)
    assert corner_names(frames[0].image) == ["blue", "green", "red", "white"]
    assert (len(frames), problems) == (1, [])


def test_grey_16_bit_and_alpha_become_bgr(tmp_path):
    grey = np.full((20, 30), 77, dtype=np.uint8)
    for name, stored in {"grey": grey, "deep": grey.astype(np.uint16) * 257, "alpha": np.dstack([grey] * 3 + [grey // 2])}.items():
        image = read_all(save(tmp_path / f"{name}.png", stored))[1][0].image
        assert image.shape == (20, 30, 3)
        assert image.dtype == np.uint8
        assert (image == 77).all()


def test_exif_orientation_is_honoured(tmp_path):
    plain = save(tmp_path / "plain.jpg", corners_picture(96, 64)).read_bytes()
    # Orientation 6: turn 90 degrees clockwise for display.
    exif = b"Exif\0\0II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    path = tmp_path / "phone.jpg"
    path.write_bytes(plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:])
    info, frames, problems = read_all(path)
    assert (info.width, info.height) == (64, 96)
    assert corner_names(frames[0].image) == ["red", "blue", "white", "green"]
    assert problems == []


def test_a_folder_is_read_in_natural_order(tmp_path):
    for number in (10, 9, 1, 2):
        save(tmp_path / f"face{number}.png", np.full((20 + number, 30, 3), number, dtype=np.uint8))
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "._face3.png").write_bytes(b"what macOS leaves")
    (tmp_path / "folder.png").mkdir()
    info, frames, problems = read_all(tmp_path)
    assert (info.kind, info.expected_frames) == ("image folder", 4)
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 2, 9, 10]
    assert [frame.image.shape[0] for frame in frames] == [21, 22, 29, 30]
    assert [(frame.index, frame.time_s) for frame in frames] == [(i, float(i)) for i in range(4)]
    assert problems == []


def test_an_unreadable_image_keeps_its_row(tmp_path):
    (tmp_path / "1.png").write_bytes(b"\x89PNG broken")
    save(tmp_path / "2.png", corners_picture(96, 64))
    (tmp_path / "3.jpg").touch()
    info, frames, problems = read_all(tmp_path)
    assert (info.width, info.height) == (96, 64)
    assert [frame.problem is not None for frame in frames] == [True, False, True]
    assert [frame.image.shape for frame in frames] == [(1, 1, 3), (64, 96, 3), (1, 1, 3)]
    assert len(problems) == 2
    assert problems[0].startswith("image 1 is not a readable image"), "by its number: outputs hold no name of a file"


def test_a_jpeg_cut_short_is_no_picture(tmp_path):
    whole = save(tmp_path / "whole.jpg", np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(VideoError, match=r"'cut\.jpg' is cut short"), open_source(tmp_path / "cut.jpg"):
        pass
    _, frames, problems = read_all(tmp_path)
    assert [frame.problem is not None for frame in frames] == [True, False]
    assert problems == ["image 1 is cut short; copy it again from where it came"]


@pytest.mark.parametrize(("content", "message"), [(b"", "empty file"), (b"\x00\x01 no image", "not a readable image")])
def test_a_single_bad_image_is_refused(tmp_path, content, message):
    path = tmp_path / "face.jpg"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=message), open_source(path):
        pass


def test_folders_without_a_usable_image_are_refused(tmp_path):
    with pytest.raises(VideoError, match="holds no image"), open_source(tmp_path):
        pass
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(b"broken")
    with pytest.raises(VideoError, match="none of the 2 images"), open_source(tmp_path):
        pass


@pytest.mark.parametrize(
    ("turns", "corners"),
    [(0, ["blue", "green", "red", "white"]), (1, ["green", "white", "blue", "red"]), (3, ["red", "blue", "white", "green"])],
)
def test_a_heic_picture_is_read_and_turned_whatever_it_is_called(tmp_path, turns, corners):
    pytest.importorskip("pi_heif")
    for name in ("IMG_0001.HEIC", "renamed.jpg"):
        (tmp_path / name).write_bytes(heic(corners_picture(96, 64), turns))
        info, frames, problems = read_all(tmp_path / name)
        assert (info.kind, info.width, len(frames), problems) == ("image", 64 if turns % 2 else 96, 1, [])
        assert corner_names(frames[0].image) == corners


def test_heic_without_its_reader_is_refused_with_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "a.heic").write_bytes(heic(corners_picture(96, 64)))
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(VideoError, match="pip install pi-heif"), open_source(tmp_path / "a.heic"):
        pass


def test_a_large_heic_picture_is_refused(tmp_path, monkeypatch):
    pytest.importorskip("pi_heif")
    (tmp_path / "a.heic").write_bytes(heic(corners_picture(96, 64)))
    monkeypatch.setattr("face_mirror_au.media.stills.MAX_PIXELS", 1000)
    with pytest.raises(VideoError, match="million pixels"), open_source(tmp_path / "a.heic"):
        pass


@pytest.mark.parametrize(
    ("name", "saved"), [("a.jpg", {"dpi": (150, 300)}), ("a.png", {"dpi": (150, 300)}), ("a.tif", {"dpi": (150, 300)})]
)
def test_long_pixels_of_an_image_become_square(tmp_path, name, saved):
    Pillow.fromarray(corners_picture(96, 64)[:, :, ::-1]).save(tmp_path / name, **saved)
    info, frames, _ = read_all(tmp_path / name)
    assert (info.width, info.height) == (192, 64)
    assert corner_names(frames[0].image) == ["blue", "green", "red", "white"]


def test_a_video_with_the_name_of_an_image_is_a_video(tmp_path):
    write_clip(tmp_path / "a.mp4", [corners_picture(96, 64)] * 3).rename(tmp_path / "a.jpg")
    assert read_all(tmp_path / "a.jpg")[0].kind == "video"
