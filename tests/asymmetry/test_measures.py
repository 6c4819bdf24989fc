"""Measures of two hand-made sides: what is left, what is too small, what is not there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_mirror_au.asymmetry.comparison import GATE, compare_sides, compare_units, compare_zone, compare_zones
from face_mirror_au.asymmetry.zones import OTHER_AUS, ZONES
from face_mirror_au.records import ALL_AUS, INTENSITY_AUS

NAN = float("nan")
TIME = np.arange(5) / 10
MOUTH = next(zone for zone in ZONES if zone.key == "mouth")


def sides(left, right, time_s=TIME):
    return compare_sides(np.asarray(time_s, float), np.asarray(left, float), np.asarray(right, float))


def face(**columns):
    table = np.zeros((5, len(INTENSITY_AUS)))
    for au, values in columns.items():
        table[:, INTENSITY_AUS.index(au)] = values
    return table


def test_peaks_times_and_areas_are_those_of_each_side():
    found = sides([0, 1, 3, 1, 0], [0, 0, 0, 1, 0])
    assert (found.left.peak, found.left.row, found.left.time_s) == (3, 2, 0.2)
    assert (found.right.peak, found.right.row, found.right.time_s) == (1, 3, pytest.approx(0.3))
    assert found.left.area == pytest.approx(5 * 0.1 / 0.4)
    assert found.right.area == pytest.approx(1 * 0.1 / 0.4)
    assert found.frames == 5


def test_the_sign_says_which_side():
    only_left, only_right = sides([0, 1, 2, 1, 0], np.zeros(5)), sides(np.zeros(5), [0, 1, 2, 1, 0])
    assert (only_left.difference, only_left.ratio) == (1, 0)
    assert (only_right.difference, only_right.ratio) == (-1, 0)
    more_left = sides([0, 0, 3, 0, 0], [0, 1, 0, 0, 0])
    assert more_left.difference == pytest.approx((3 - 1) / (3 + 1))
    assert more_left.ratio == pytest.approx(1 / 3)


def test_sides_that_move_alike():
    found = sides([0, 1, 2, 1, 0], [0, 1.01, 1.98, 1, 0])
    assert abs(found.difference) < 0.01
    assert found.ratio > 0.98


def test_no_ratio_below_the_gate():
    below, at = GATE - 0.001, GATE
    assert sides([0, below, 0, 0, 0], np.zeros(5)).difference is None
    assert sides([0, below, 0, 0, 0], np.zeros(5)).ratio is None
    assert sides(np.zeros(5), np.zeros(5)).ratio is None, "and no division by zero"
    assert sides([0, at, 0, 0, 0], np.zeros(5)).difference == 1
    assert sides([0, 0.1, 0, 0, 0], [0, at, 0, 0, 0]).ratio == pytest.approx(0.2), "the LARGER side opens the gate"


def test_a_frame_without_a_face_is_no_zero_and_takes_no_time():
    whole, holed = sides([2, 2, 2, 2, 2], [1, 1, 1, 1, 1]), sides([2, 2, NAN, 2, 2], [1, 1, NAN, 1, 1])
    assert holed.left.area == whole.left.area == 2
    assert holed.right.area == whole.right.area == 1
    assert holed.frames == 4


def test_a_movement_counts_only_where_both_sides_were_measured():
    found = sides([0, 1, 5, 1, 0], [0, 1, NAN, 1, 0])
    assert (found.left.peak, found.right.peak) == (1, 1)
    assert found.difference == 0


def test_unequal_steps_of_time_weigh_as_they_last():
    found = sides([1, 1, 3, 3, 3], np.zeros(5), [0, 1, 1.5, 2, 4])
    assert found.left.area == pytest.approx((1 * 1 + 2 * 0.5 + 3 * 2.5) / 4)


def test_nothing_measured_is_none():
    assert sides([NAN] * 5, np.ones(5)) is None
    assert sides([1, NAN, NAN, NAN, NAN], [NAN, 1, 1, 1, 1]) is None
    lonely = sides([NAN, 2, NAN, 1, NAN], [NAN, 1, NAN, 1, NAN])
    assert lonely.left.peak == 2
    assert lonely.left.area is None, "no two neighbouring rows: no time was measured"
    assert sides([1.0], [2.0], [0.0]).right.area is None


def test_units_and_empty_units():
    left, right = face(AU12=[0, 1, 2, 1, 0]), face()
    left[:, INTENSITY_AUS.index("AU45")] = NAN
    found = compare_units(TIME, left, right)
    assert set(found) == set(INTENSITY_AUS)
    assert found["AU45"] is None
    assert found["AU12"].difference == 1
    assert found["AU01"].ratio is None


def test_a_zone_is_its_strongest_action_unit():
    left, right = face(AU12=[0, 1, 3, 1, 0], AU25=[0, 0, 0, 2, 0]), face(AU14=[0, 0.8, 0, 0, 0])
    found = compare_zone(MOUTH, TIME, left, right)
    assert (found.left_au, found.right_au) == ("AU12", "AU14")
    assert (found.sides.left.peak, found.sides.right.peak) == (3, 0.8)
    assert found.sides.left.area == pytest.approx((0 + 1 + 3 + 2) * 0.1 / 0.4), "AU25 takes over in the fourth frame"
    others = compare_zones(TIME, left, right)
    assert others["upper"].sides.difference is None
    assert others["mouth"] == found


def test_a_zone_leaves_out_what_the_models_do_not_measure():
    left, right = face(AU12=2), face(AU12=1)
    for au in ("AU14", "AU15", "AU20", "AU25"):
        left[:, INTENSITY_AUS.index(au)] = NAN
    assert compare_zone(MOUTH, TIME, left, right).sides.difference == pytest.approx(1 / 3)
    left[:, INTENSITY_AUS.index("AU12")] = NAN
    assert compare_zone(MOUTH, TIME, left, right) is None


def test_rows_without_a_face_are_no_part_of_a_zone():
    left, right = face(AU12=[0, 1, 4, 1, 0]), face(AU12=[0, 1, 1, 1, 0])
    left[2] = NAN
    found = compare_zone(MOUTH, TIME, left, right)
    assert found.sides.difference == 0
    assert found.sides.frames == 4


def test_every_zone_unit_is_measured_and_every_other_unit_has_its_place():
    units = [au for zone in ZONES for au in zone.aus]
    assert len(units) == len(set(units))
    assert {*units, *OTHER_AUS} == set(ALL_AUS)
    assert {"AU17", "AU26"} <= set(OTHER_AUS), "the chin and the jaw have no sides"


VALUES = st.lists(st.floats(0, 5) | st.just(NAN), min_size=5, max_size=5)


@settings(max_examples=100, deadline=None)
@given(VALUES, VALUES)
def test_swapping_the_sides_swaps_the_sign_and_nothing_else(left, right):
    one, other = sides(left, right), sides(right, left)
    if one is None:
        assert other is None
        return
    assert (one.left, one.right) == (other.right, other.left)
    assert one.ratio == other.ratio
    assert one.difference == (None if other.difference is None else -other.difference)
    assert one.ratio is None or 0 <= one.ratio <= 1
    assert one.difference is None or -1 <= one.difference <= 1
