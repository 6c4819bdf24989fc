"""Mirrored views of a mirrored picture: left and right have changed places, and nothing else has changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_mirror_au.numerics.reflection import (
    LEFT_POINTS,
    RIGHT_POINTS,
    Midline,
    midline_of_landmarks,
    mirror_views,
    reflect_landmarks,
    reflect_points,
)
from face_mirror_au.records import View

few = settings(max_examples=40)
HEIGHT, WIDTH = 70, 90
LEFT, RIGHT = View.LEFT_MIRRORED, View.RIGHT_MIRRORED


@st.composite
def midlines(draw):
    """A midline that leans by up to 60 degrees, in the picture or beside it."""
    angle = draw(st.floats(-1.0, 1.0))
    return Midline(draw(st.floats(-20, 110)), draw(st.floats(-20, 90)), -np.sin(angle), np.cos(angle), draw(st.floats(5, 80)))


def in_mirror(midline):
    """The same midline in the mirror image of the picture."""
    return Midline(WIDTH - 1 - midline.x, midline.y, -midline.down_x, midline.down_y, midline.length)


@st.composite
def landmark_sets(draw):
    """68 landmarks anywhere, glabella and chin apart."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    points = random.uniform(0, 60, (68, 2)).astype(np.float32)
    points[[21, 22]] = (20, 10), (30, 12)
    points[8] = (draw(st.integers(-20, 70)), 60)
    return points


def swapped(points):
    """Landmarks in the mirror image of the picture, in iBUG's order."""
    found = points.copy()
    found[LEFT_POINTS], found[RIGHT_POINTS] = points[RIGHT_POINTS], points[LEFT_POINTS]
    return (found * [-1, 1] + [WIDTH - 1, 0]).astype(np.float32)


@few
@given(st.integers(0, 1000), midlines())
def test_the_left_half_of_the_mirror_image_is_the_mirror_image_of_the_right_half(seed, midline):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    phase = np.random.default_rng(seed).uniform(0, 6, 3)
    image = (127 + 100 * np.sin(x[..., None] / 20 + phase) * np.cos(y[..., None] / 15 - phase)).astype(np.uint8)
    straight = mirror_views(image, midline, (LEFT, RIGHT))
    flipped = mirror_views(np.ascontiguousarray(image[:, ::-1]), in_mirror(midline), (LEFT, RIGHT))
    for one, other in ((LEFT, RIGHT), (RIGHT, LEFT)):
        difference = np.abs(flipped[one][:, ::-1].astype(int) - straight[other])
        # OpenCV samples at 1/32 px: the two reflections round to different places; a pixel on the very midline may go to either half.
        assert np.quantile(difference, 0.99) <= 3
        assert np.median(difference) <= 1


@few
@given(landmark_sets())
def test_landmarks_of_the_mirror_image_are_reflected_alike(points):
    midline, other = midline_of_landmarks(points), midline_of_landmarks(swapped(points))
    assert (other.x, other.y, other.length) == pytest.approx((WIDTH - 1 - midline.x, midline.y, midline.length), abs=1e-4)
    assert other.roll == pytest.approx(-midline.roll, abs=1e-5)
    for keep, kept in ((LEFT, RIGHT), (RIGHT, LEFT)):
        found = reflect_landmarks(swapped(points), other, keep)
        np.testing.assert_allclose(found, swapped(reflect_landmarks(points, midline, kept)), rtol=0, atol=1e-3)


@few
@given(midlines(), st.integers(0, 2**32 - 1))
def test_a_reflection_undoes_itself_and_keeps_distances(midline, seed):
    points = np.random.default_rng(seed).uniform(-50, 150, (20, 2))
    there = reflect_points(points, midline)
    np.testing.assert_allclose(reflect_points(there, midline), points, rtol=0, atol=1e-9)
    np.testing.assert_allclose(midline.to_left(there), -midline.to_left(points), rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(there - there[::-1], axis=1), np.linalg.norm(points - points[::-1], axis=1), atol=1e-9)


@few
@given(landmark_sets(), st.sampled_from([LEFT, RIGHT]))
def test_what_is_reflected_once_is_symmetric_and_stays(points, keep):
    midline = midline_of_landmarks(points)
    once = reflect_landmarks(points, midline, keep)
    np.testing.assert_allclose(reflect_points(once[LEFT_POINTS], midline), once[RIGHT_POINTS], rtol=0, atol=1e-3)
    np.testing.assert_allclose(reflect_landmarks(once, midline, keep), once, rtol=0, atol=1e-3)
