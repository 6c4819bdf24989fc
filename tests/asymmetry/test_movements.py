"""Movements proposed from intensities made by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_mirror_au.asymmetry.actions import ACTIONS, zone_of
from face_mirror_au.asymmetry.movements import Movement, propose_movements
from face_mirror_au.asymmetry.zones import ZONES
from face_mirror_au.records import INTENSITY_AUS, MORE_AUS

N = 150
TIME = np.arange(N) / 30


def face(level=0.0, **stretches):
    """(150, 17): zeros, and (first, after, value) for the action units given."""
    table = np.full((N, len(INTENSITY_AUS)), level)
    for au, found in stretches.items():
        for first, after, value in found:
            table[first:after, INTENSITY_AUS.index(au)] = level + value
    return table


def proposed(left, right=None):
    return [(one.start_s, one.end_s, one.code) for one in propose_movements(TIME, left, face() if right is None else right)]


def test_each_movement_has_its_time_and_the_name_of_its_strongest_action_unit():
    left = face(AU12=[(30, 60, 2)], AU06=[(30, 60, 4)], AU01=[(80, 101, 1.5)])
    right = face(AU45=[(110, 141, 3)])
    assert proposed(left, right) == [(1.0, 1.967, "SS"), (2.667, 3.333, "RE"), (3.667, 4.667, "ES")]


def test_a_movement_of_one_side_alone_is_one():
    assert proposed(face(), face(AU12=[(30, 60, 2)])) == proposed(face(AU12=[(30, 60, 2)])) == [(1.0, 1.967, "SS")]


def test_a_big_smile_is_called_big():
    assert [code for _, _, code in proposed(face(AU12=[(30, 60, 2.5)]))] == ["BS"]


def test_blinks_and_flickers_are_left_out():
    assert proposed(face(AU45=[(30, 40, 4)], AU12=[(60, 64, 3)])) == []
    assert proposed(face(AU12=[(30, 60, 0.9)])) == [], "too weak"


def test_a_short_pause_does_not_end_a_movement():
    assert proposed(face(AU12=[(30, 50, 2), (54, 80, 2)])) == [(1.0, 2.633, "SS")]
    assert len(proposed(face(AU12=[(30, 50, 2), (60, 80, 2)]))) == 2


def test_a_blink_in_a_smile_is_part_of_it():
    assert proposed(face(AU12=[(30, 90, 2)], AU45=[(50, 60, 4)])) == [(1.0, 2.967, "SS")]


def test_one_zone_after_the_other_without_rest_are_two_movements():
    assert proposed(face(AU12=[(30, 60, 2)], AU01=[(60, 90, 2)])) == [(1.0, 1.967, "SS"), (2.0, 2.967, "RE")]


def test_a_deep_valley_parts_two_movements_and_a_shallow_one_does_not():
    deep = face(AU12=[(30, 50, 2), (50, 60, 0.8), (60, 80, 3)])
    assert [code for _, _, code in proposed(deep)] == ["SS", "BS"]
    assert len(proposed(face(AU12=[(30, 50, 2), (50, 60, 1.2), (60, 80, 3)]))) == 1


def test_a_level_that_is_always_there_is_no_movement():
    assert proposed(face(1.5)) == []
    assert proposed(face(1.5, AU12=[(30, 60, 2)]), face(1.5)) == [(1.0, 1.967, "BS")]


def test_what_has_no_protocol_movement_has_no_name():
    assert [code for _, _, code in proposed(face(AU15=[(30, 60, 2)]))] == [""]
    assert [code for _, _, code in proposed(face(AU25=[(30, 60, 2)]))] == [""], "lips part in many movements"


def test_frames_without_a_face_are_in_no_movement():
    left = face(AU12=[(30, 60, 2)])
    left[30:40] = np.nan
    assert proposed(left) == [(1.333, 1.967, "SS")]
    assert proposed(np.full_like(left, np.nan)) == []


def test_what_is_proposed_is_marked_and_its_ends_belong_to_it():
    (found,) = propose_movements(TIME, face(AU12=[(30, 61, 2)]), face())
    assert found.proposed
    assert found.action.name == "soft smile"
    assert not Movement(1, 2, "BS").proposed
    assert Movement(1, 2, "BS", line=2) == Movement(1, 2, "BS", line=5), "where it is written makes no other movement of it"
    assert np.flatnonzero(Movement(1.0, 2.0, "BS").rows(TIME)).tolist() == list(range(30, 61))


def test_every_action_moves_a_zone_of_the_face_or_none():
    assert set(ACTIONS) == {"RE", "ES", "ET", "SS", "BS", "SO", "SE", "BL", "FR", "BK", "WN", "PL", "BC", "LT"}
    zones = {zone.key: set(zone.aus) for zone in ZONES}
    for code, action in ACTIONS.items():
        if code == "BL":
            assert zone_of(action) is None
        else:
            assert set(action.aus) <= zones[action.zone] | set(MORE_AUS)
            assert zone_of(action).aus == action.aus


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 5) | st.just(float("nan")), min_size=1, max_size=60))
def test_proposals_are_in_order_and_inside_the_recording(values):
    table = np.zeros((len(values), len(INTENSITY_AUS)))
    table[:, INTENSITY_AUS.index("AU12")] = values
    time_s = np.arange(len(values)) / 10
    found = propose_movements(time_s, table, table)
    assert all(0 <= one.start_s < one.end_s <= time_s[-1] + 0.001 for one in found)
    assert all(one.end_s < other.start_s for one, other in pairwise(found))
    assert all(one.rows(time_s).any() for one in found)


@pytest.mark.parametrize("code", ["XX", ""])
def test_an_unknown_code_is_a_movement_without_a_name(code):
    assert Movement(0, 1, code).action.name == "not named"


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, 1, False), (2, 3, False), (1.9, 3, True), (0, 1.1, True), (0, 3, True), (1.4, 1.6, True)]
)
def test_what_only_touches_does_not_overlap(start, end, expected):
    one, other = Movement(1, 2, "BS"), Movement(start, end, "BL")
    assert one.overlaps(other) == other.overlaps(one) == expected
