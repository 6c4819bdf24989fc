"""Offsets, clipping and smoothing, by hand on short sequences."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.numerics.final_values import (
    final_intensities,
    final_presences,
    neutral_levels,
    neutral_offsets,
)

NAN = np.nan


def column(*values):
    return np.array(values, dtype=np.float64)[:, None]


def test_offset_is_the_value_at_the_cutoff_of_the_successful_frames():
    raw = np.column_stack([[3.0, 9.0, 1.0, 2.0, 4.0], [3.0, 9.0, 1.0, 2.0, 4.0]])
    success = np.array([True, False, True, True, True])
    offsets = neutral_offsets(raw, success, np.array([0.5, 0.5]), np.array([True, False]))
    assert offsets.tolist() == [3.0, 0.0]  # sorted 1 2 3 4, [int(4 * 0.5)] = 3; static: none


def test_no_success_means_no_offset_and_zeros_when_strict():
    raw, failed = column(NAN, NAN, NAN, NAN), np.zeros(4, bool)
    offsets = neutral_offsets(raw, failed, np.array([0.5]), np.array([True]))
    assert offsets.tolist() == [0.0]
    assert final_intensities(raw, failed, offsets, strict=True).ravel().tolist() == [0.0] * 4
    assert np.isnan(final_intensities(raw, failed, offsets)).all()


def test_intensities_are_clipped_then_averaged_the_ends_stay():
    raw = column(-1.0, 2.0, 9.0, 1.0)
    found = final_intensities(raw, np.ones(4, bool), np.zeros(1))
    np.testing.assert_allclose(found.ravel(), [0.0, 7.0 / 3.0, 8.0 / 3.0, 1.0])


@pytest.mark.parametrize(
    ("strict", "expected"),
    [(True, [3.0, 2.0, 2.0, 2.0, 3.0]), (False, [3.0, 3.0, NAN, 3.0, 3.0])],
)
def test_a_failed_frame_is_a_zero_when_strict_and_nothing_otherwise(strict, expected):
    success = np.array([True, True, False, True, True])
    found = final_intensities(column(3.0, 3.0, NAN, 3.0, 3.0), success, np.zeros(1), strict=strict)
    np.testing.assert_allclose(found.ravel(), expected)


def test_presence_is_the_majority_of_seven_the_first_and_last_three_stay():
    raw = column(1, 0, 1, 0, 0, 1, 1, 1, 0, 0)
    found = final_presences(raw, np.ones(10, bool)).ravel()
    # i = 3: 1010011 -> 4/7; i = 4: 0100111 -> 4/7; i = 5: 1001110 -> 4/7; i = 6: 0011100 -> 3/7
    assert found.tolist() == [1, 0, 1, 1, 1, 1, 0, 1, 0, 0]


def test_presence_counts_failures_as_absent_only_when_strict():
    raw = column(1, 0, 1, 1, NAN, NAN, NAN, 1, 1)
    success = ~np.isnan(raw.ravel())
    ours = final_presences(raw, success).ravel()
    strict = final_presences(raw, success, strict=True).ravel()
    assert ours[:4].tolist() == [1, 0, 1, 1]  # i = 3: 3 of the 4 measured
    assert np.isnan(ours[4:7]).all()
    assert strict.tolist() == [1, 0, 1, 0, 0, 1, 0, 1, 1]  # i = 3: 3/7; i = 4: 0110001 -> 3/7; i = 5: 1100011 -> 4/7; i = 6 stays


def test_a_column_without_a_predictor_stays_empty():
    raw = np.full((9, 1), NAN)
    assert np.isnan(final_presences(raw, np.ones(9, bool))).all()
    assert np.isnan(final_intensities(raw, np.ones(9, bool), np.zeros(1))).all()


def test_short_sequences_are_not_smoothed():
    assert final_intensities(column(1.0, 3.0), np.ones(2, bool), np.zeros(1)).ravel().tolist() == [1.0, 3.0]
    assert final_presences(column(1, 0, 0), np.ones(3, bool)).ravel().tolist() == [1, 0, 0]


def test_the_level_of_named_frames_is_their_median_and_0_where_the_predictor_is_static():
    raw = np.array([[5.0, 1.0], [0.1, 2.0], [4.0, 3.0]])
    assert neutral_levels(raw, np.array([True, False])).tolist() == [4.0, 0.0]
    assert neutral_levels(raw[:0], np.array([True, False])).tolist() == [0.0, 0.0]
