"""Lengths from landmarks, against faces whose one-sided expressions are known. Left and right are the subject's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from face_mirror_au.asymmetry.comparison import compare_sides
from face_mirror_au.asymmetry.landmarks import (
    BROW_RAISE,
    EYE_CLOSING,
    LANDMARK_MEASURES,
    MOUTH_CORNER,
    POSITIONS,
    excursions,
    eye_distance,
    mirrored_positions,
    rest_positions,
    side_positions,
)
from face_mirror_au.numerics.reflection import midline_of_landmarks, reflect_landmarks
from face_mirror_au.records import View

CLIPS = Path(__file__).resolve().parents[1] / "clips"
# The clips of one expression: 12 frames rest, 12 rising, 8 held, 12 falling, 12 rest.
REST, RISING, HELD = slice(0, 12), slice(11, 25), slice(24, 32)


def true_points(clip):
    return np.load(CLIPS / f"{clip}.npz")["landmarks"][:, 0].astype(float)


def moved(points, rest=REST):
    """Excursions of left and right, (N, 3) each."""
    distance, at_rest = eye_distance(points), np.zeros(len(points), bool)
    at_rest[rest] = True
    sides = [side_positions(points, distance, left=left) for left in (True, False)]
    return [excursions(side, rest_positions(side, at_rest)) for side in sides]


def compared(points, measure):
    left, right = (side[:, LANDMARK_MEASURES.index(measure)] for side in moved(points))
    return compare_sides(np.arange(len(points)) / 30, left, right, measure.gate)


def turned(points, degrees, scale=1.0, shift=(0.0, 0.0)):
    angle = np.radians(degrees)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return scale * points @ rotation.T + np.array(shift)


@pytest.mark.parametrize(
    ("clip", "measure", "sign"),
    [("smile_left", MOUTH_CORNER, 1), ("smile_right", MOUTH_CORNER, -1), ("blink_left", EYE_CLOSING, 1)],
)
def test_the_sign_is_that_of_the_side_that_moved(clip, measure, sign):
    found = compared(true_points(clip), measure)
    assert found.difference * sign > 0.9
    assert found.ratio < 0.05
    assert abs(found.left.time_s - 28 / 30 if sign > 0 else found.right.time_s - 28 / 30) < 0.2


def test_a_smile_of_both_sides_shows_no_difference():
    found = compared(true_points("smile_both"), MOUTH_CORNER)
    assert min(found.left.peak, found.right.peak) > 0.1
    assert abs(found.difference) < 0.02


@pytest.mark.parametrize(
    ("clip", "measure", "side"), [("smile_left", MOUTH_CORNER, 0), ("smile_right", MOUTH_CORNER, 1), ("blink_left", EYE_CLOSING, 0)]
)
def test_the_excursion_grows_with_the_expression(clip, measure, side):
    curve = moved(true_points(clip))[side][:, LANDMARK_MEASURES.index(measure)]
    # The head sways by a degree meanwhile: no step back that is larger than that.
    assert np.diff(curve[RISING]).min() > -0.003
    assert curve[RISING][-1] > curve[RISING][6] + 0.01 > curve[RISING][0] + 0.02
    assert curve[REST].max() < 0.25 * measure.gate + 0.003


def test_a_closed_eye_closes_by_its_opening():
    points = true_points("blink_left")
    opening = side_positions(points, eye_distance(points), left=True)[:, list(POSITIONS).index("eye_opening")]
    left, _ = moved(points)
    assert left[HELD, LANDMARK_MEASURES.index(EYE_CLOSING)].max() == pytest.approx(opening[REST].mean() - opening[HELD].min(), abs=0.003)
    assert opening[HELD].min() < 0.3 * opening[REST].mean()


@pytest.mark.parametrize("degrees", [-40, 10, 90])
def test_roll_scale_and_place_of_the_head_change_nothing(degrees):
    points = true_points("smile_left")
    for one, other in zip(moved(points), moved(turned(points, degrees, 2.5, (300, -40))), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_a_head_that_rolls_during_the_movement_adds_nothing():
    points = true_points("smile_both")
    rolling = np.stack([turned(frame, degrees) for frame, degrees in zip(points, np.linspace(-15, 15, len(points)), strict=True)])
    for one, other in zip(moved(points), moved(rolling), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_a_mirrored_picture_gives_the_side_that_it_shows_twice():
    points = true_points("smile_left")
    distance = eye_distance(points)
    for view, left in ((View.LEFT_MIRRORED, True), (View.RIGHT_MIRRORED, False)):
        mirrored = np.stack([reflect_landmarks(frame, midline_of_landmarks(frame), view) for frame in points.astype(np.float32)])
        found = mirrored_positions(mirrored.astype(float), distance)
        at_rest = np.arange(len(points)) < 12
        curve = excursions(found, rest_positions(found, at_rest))[:, LANDMARK_MEASURES.index(MOUTH_CORNER)]
        assert (curve[HELD].min() > 0.1) == left
        assert (curve.max() < 0.01) == (not left)


def test_the_opposite_movement_is_none():
    rest = np.array([0.3, 0.09, 0.2, 0.8])
    lowered = np.array([[0.25, 0.12, 0.15, 0.85]])
    np.testing.assert_array_equal(excursions(lowered, rest), [[0, 0, 0]])
    raised = excursions(np.array([[0.36, 0.05, 0.24, 0.72]]), rest)
    np.testing.assert_allclose(raised, [[0.06, 0.04, (0.04 + 0.08) / np.sqrt(2)]])


def test_a_frame_without_landmarks_stays_empty():
    points = true_points("smile_left")
    points[5] = np.nan
    points[20:30] = np.nan
    for side in moved(points):
        assert np.isnan(side[5]).all()
        assert np.isnan(side[20:30]).all()
        assert np.isfinite(side[6:20]).all()
    assert np.isnan(rest_positions(np.full((3, 4), np.nan), np.ones(3, bool))).all()


def test_landmarks_that_coincide_are_no_measurement():
    points = np.zeros((2, 68, 2))
    assert np.isnan(eye_distance(points)).all()
    with np.errstate(invalid="raise"):
        assert np.isnan(side_positions(points, eye_distance(points), left=True)).all()


def test_every_measure_has_a_gate_and_a_zone():
    assert {measure.zone for measure in LANDMARK_MEASURES} == {"upper", "eye", "mouth"}
    assert all(measure.gate > 0 for measure in LANDMARK_MEASURES)
    assert LANDMARK_MEASURES[0] is BROW_RAISE
