"""What changed between two visits, as numbers."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.asymmetry.change import CHANGE_MEASURES, Change
from face_mirror_au.asymmetry.comparison import compare_sides

TIME = np.arange(3) / 10


def sides(left, right):
    return compare_sides(TIME, np.array([0, left, 0.0]), np.array([0, right, 0.0]))


def test_a_change_is_the_second_visit_minus_the_first():
    change = Change((sides(4.0, 1.0), sides(3.0, 2.0)))
    assert (*change.at("left"), change.step("left")) == (4.0, 3.0, -1.0)
    assert (*change.at("right"), change.step("right")) == (1.0, 2.0, 1.0)
    assert (*change.at("difference"), change.step("difference")) == pytest.approx((0.6, 0.2, -0.4))
    assert (*change.at("ratio"), change.step("ratio")) == pytest.approx((0.25, 2 / 3, 2 / 3 - 0.25))
    assert change.measured == (1, 2)
    assert not change.too_small


def test_too_little_movement_at_one_visit_leaves_the_symmetry_without_a_change_but_not_the_peaks():
    change = Change((sides(0.4, 0.1), sides(3.0, 2.0)))
    assert (*change.at("left"), change.step("left")) == pytest.approx((0.4, 3.0, 2.6))
    assert (*change.at("ratio"), change.step("ratio")) == (None, pytest.approx(2 / 3), None)
    assert not change.too_small
    assert Change((sides(0.4, 0.1), sides(0.2, 0.3))).too_small


def test_what_one_visit_did_not_measure_has_no_change_at_all():
    change = Change((None, sides(3.0, 2.0)))
    assert [change.at(measure)[0] for measure in CHANGE_MEASURES] == [None] * 4
    assert [change.step(measure) for measure in CHANGE_MEASURES] == [None] * 4
    assert change.at("left")[1] == 3.0
    assert change.measured == (2,)
    assert not change.too_small
