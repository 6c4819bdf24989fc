"""Crops: the geometry of regions, against pictures whose every pixel is known."""

from __future__ import annotations

import sys
from itertools import pairwise
from math import inf, nan, pi

import cv2
import numpy as np
import pytest

from face_mirror_au.errors import ModelRunError, OpenCVMissingError
from face_mirror_au.models.pixels import crop_square, to_frame
from face_mirror_au.records import Image, Region


@pytest.fixture
def ramp() -> Image:
    """Blue is x / 2, green is y / 2."""
    ys, xs = np.mgrid[:300, :400]
    return np.stack([xs // 2, ys // 2, np.full_like(xs, 77)], axis=-1).astype(np.uint8)


def test_an_upright_square_of_whole_pixels_is_a_slice(ramp: Image) -> None:
    crop = crop_square(ramp, Region(x=119.5, y=99.5, side=40), 40)  # from pixel 100 to 139, and from 80 to 119
    np.testing.assert_array_equal(crop, ramp[80:120, 100:140])


def test_outside_the_frame_is_black(ramp: Image) -> None:
    crop = crop_square(ramp, Region(x=-0.5, y=149.5, side=40), 40)
    assert not crop[:, :20].any()
    np.testing.assert_array_equal(crop[:, 20:], ramp[130:170, :20])


@pytest.mark.parametrize("size", [20, 70])
def test_a_region_far_outside_the_frame_is_all_black(ramp: Image, size: int) -> None:
    assert not crop_square(ramp, Region(x=-5000, y=90, side=300), size).any()


@pytest.mark.parametrize("roll", [0.0, 0.3, -pi / 2])
@pytest.mark.parametrize(("side", "size"), [(64.0, 64), (90.0, 64), (130.0, 32), (201.7, 20)])
def test_points_come_back_to_the_place_that_the_crop_showed(ramp: Image, roll: float, side: float, size: int) -> None:
    region = Region(x=190.3, y=151.8, side=side, roll=roll)
    crop = crop_square(ramp, region, size)
    ys, xs = (axis.ravel() for axis in np.mgrid[:size, :size])
    places = to_frame((np.stack([xs, ys], axis=-1) + np.float32(0.5)).astype(np.float32) / size, region)
    shown = crop[ys, xs, :2].astype(float) * 2 + 0.5  # the ramp steps every second pixel
    assert np.abs(shown - places).max() < 2.5
    assert np.abs((shown - places).mean(axis=0)).max() < 0.6


def test_strong_shrinking_averages() -> None:
    board = np.indices((800, 800)).sum(axis=0) % 2 * 255
    crop = crop_square(np.repeat(board[..., np.newaxis], 3, axis=2).astype(np.uint8), Region(x=399.5, y=399.5, side=640), 64)
    assert np.abs(crop.astype(int) - 128).max() <= 2


@pytest.mark.parametrize(("side", "brightest"), [(0.4, 200), (112.0, 50), (1e5, 0)])
def test_a_frame_of_one_pixel(side: float, brightest: int) -> None:
    image = np.full((1, 1, 3), 200, dtype=np.uint8)
    crop = crop_square(image, Region(x=0, y=0, side=side), 112)
    assert crop.shape == (112, 112, 3)
    assert crop.max() == pytest.approx(brightest, abs=2)  # of 112 pixels a side, four share the only one there is


@pytest.mark.parametrize(
    "region",
    [Region(nan, 0, 10), Region(0, inf, 10), Region(0, 0, nan), Region(0, 0, 0), Region(0, 0, -3), Region(0, 0, 9, nan)],
)
def test_a_region_that_is_none(region: Region, ramp: Image) -> None:
    with pytest.raises(ModelRunError, match="no place to look at"):
        crop_square(ramp, region, 112)


def test_a_missing_opencv_names_both_remedies(ramp: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(OpenCVMissingError, match=r"libgl1.*opencv-python-headless"):
        crop_square(ramp, Region(50, 50, 20), 20)


def test_the_crop_moves_smoothly_with_its_region() -> None:
    noise = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 255, (200, 200, 3), dtype=np.uint8), (0, 0), 4)
    crops = [crop_square(noise, Region(100 + step / 8, 100, 100), 112).astype(float) for step in range(9)]
    steps = [np.abs(after - before).mean() for before, after in pairwise(crops)]
    assert max(steps) < 2 * min(steps)  # whole-pixel regions would stand still for seven steps and jump in one
