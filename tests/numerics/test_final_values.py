"""Offsets, clipping and smoothing, by hand on short sequences."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.numerics.final_values import (
    final_intensities,
    final_presences,
    movement,
    neutral_levels,
    neutral_offsets,
    quiet_frames,
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


def levels(raw, share=0.2, success=None, dynamic=None, n_whole=None, loudness=None):
    raw = np.asarray(raw, float)
    count, width = raw.shape
    loudness = np.ones(width if n_whole is None else n_whole) if loudness is None else np.asarray(loudness)
    chosen = quiet_frames(movement(raw, loudness), np.ones(count, bool) if success is None else np.asarray(success), share)
    return neutral_levels(raw[chosen], np.ones(width, bool) if dynamic is None else np.asarray(dynamic))


def test_the_level_is_the_median_of_the_quietest_frames():
    raw = np.column_stack([[5.0, 0.1, 4.0, 0.3, 6.0, 0.2, 7.0, 8.0, 9.0, 3.0], np.zeros(10)])
    assert levels(raw, share=0.3)[0] == 0.2
    assert levels(raw, share=0.5)[0] == 0.3
    assert levels(raw, share=0.4)[0] == pytest.approx(0.25)


def test_a_movement_that_lasts_longer_than_the_rest_still_rises():
    """60 % of the frames: their own median, or a quantile above 0.4, would take the movement for the neutral face."""
    raw = np.zeros((50, 3))
    raw[20:, 1] = 3.0
    np.testing.assert_array_equal(levels(raw), [0.0, 0.0, 0.0])
    assert final_intensities(raw, np.ones(50, bool), levels(raw))[35, 1] == 3.0


def test_what_another_movement_pulls_down_does_not_rise_at_rest():
    raw = np.full((40, 2), 0.2)
    raw[25:] = (4.0, -1.5)
    found = levels(raw)
    assert found.tolist() == [0.2, 0.2]
    assert neutral_offsets(raw, np.ones(40, bool), np.full(2, 0.2), np.ones(2, bool))[1] == -1.5, "as its own low values would do"
    assert final_intensities(raw, np.ones(40, bool), found)[:20].max() == 0.0


def test_columns_without_a_predictor_stay_empty_and_count_for_nothing():
    raw = np.array([[2.0, NAN, 2.0], [0.5, NAN, 0.25], [3.0, NAN, 4.0]])
    np.testing.assert_array_equal(levels(raw, share=0.3), [0.5, NAN, 0.25])


def test_only_the_whole_face_says_which_frames_are_quiet():
    raw = np.array([[0.0, 9.0], [1.0, 0.0], [2.0, 0.0]])
    assert levels(raw, share=0.3, n_whole=1).tolist() == [0.0, 9.0]
    assert levels(raw, share=0.3, n_whole=2).tolist() == [1.0, 0.0]


def test_a_smile_is_loud_although_it_makes_other_intensities_negative():
    """Intensities that count only what goes beyond a smile add up to less than nothing while it lasts."""
    rest, smile = [0.1, 0.0, 0.0], [4.0, -3.5, -2.0]
    raw = np.array([rest] * 6 + [smile] * 4)
    assert levels(raw, share=0.2).tolist() == smile, "as if all counted alike"
    assert levels(raw, share=0.2, loudness=[3.1, 1.0, 1.0]).tolist() == rest


def test_one_frame_is_taken_however_few_there_are():
    raw = np.array([[3.0], [1.0], [2.0]])
    assert levels(raw, share=0.01).tolist() == [1.0]
    assert levels(raw[:1], share=0.2).tolist() == [3.0]
    assert levels(raw, share=1.0).tolist() == [2.0]


def test_failed_frames_are_not_quiet_and_static_intensities_have_no_level():
    raw = np.array([[NAN, NAN], [2.0, 2.0], [-9.0, -9.0], [3.0, 3.0]])
    assert levels(raw, success=[False, True, False, True], dynamic=[True, False]).tolist() == [2.0, 0.0]
    assert levels(raw, success=[False] * 4).tolist() == [0.0, 0.0]
