"""Blinks by the lids: found, told apart from slow closures, and each eye with its own share."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.asymmetry.blinks import completeness, find_blinks

TIME = np.arange(60) / 15.0


def closures(*stretches):
    found = np.zeros((60, 2))
    for first, shares in stretches:
        for step, share in enumerate(shares):
            found[first + step] = share
    return found


def test_a_blink_of_both_eyes_and_one_of_the_right_eye_only():
    found = find_blinks(TIME, closures((10, [(0.4, 0.5), (0.9, 1.0), (0.3, 0.3)]), (30, [(0.05, 0.6), (0.1, 0.9)])))
    assert [(blink.start_s, blink.end_s) for blink in found] == [(TIME[10], TIME[12]), (TIME[30], TIME[31])]
    assert [(blink.left, blink.right) for blink in found] == [(0.9, 1.0), (0.1, 0.9)]
    assert completeness(found) == pytest.approx((0.5, 0.95))


@pytest.mark.parametrize(
    "stretch",
    [
        (10, [(0.9, 0.9)] * 12),  # a closure that was asked for
        (10, [(0.24, 0.24)] * 3),  # a smile that narrows the eyes
        (0, [(0.9, 0.9)] * 2),  # its beginning was not seen
        (58, [(0.9, 0.9)] * 2),  # nor its end
    ],
)
def test_what_is_no_blink(stretch):
    assert find_blinks(TIME, closures(stretch)) == ()


def test_frames_without_a_measurement_are_none_and_nothing_known_gives_none():
    gap = closures((10, [(np.nan, np.nan)] * 3))
    assert find_blinks(TIME, gap) == ()
    assert find_blinks(TIME, None) == ()
    assert completeness(()) is None
