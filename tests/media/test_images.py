"""Images and folders of images as sources of frames."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from io_clips import corner_names, corners_picture

from face_mirror_au.errors import VideoError
from face_mirror_au.media.video import open_source


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
