"""Running medians against their definition, and the order of things that OpenFace keeps."""

from __future__ import annotations

import numpy as np

from face_mirror_au.numerics.running_median import (
    GEOMETRY_BINS,
    GEOMETRY_MIN,
    HOG_BINS,
    HOG_MIN,
    NeutralReference,
    RunningMedian,
)


def _by_definition(values, bins, minimum, maximum):
    """First bin whose cumulative count reaches (n + 1) // 2, from scratch."""
    length = maximum - minimum
    index = np.clip(((np.array(values) - minimum) * bins / length).astype(int), 0, bins - 1)
    counts = np.bincount(index, minlength=bins)
    first = int(np.argmax(np.cumsum(counts) >= (len(values) + 1) // 2))
    return minimum + first * length / bins + 0.5 * length / bins


def test_median_is_the_definition_after_every_value():
    random = np.random.default_rng(5)
    median = RunningMedian(3, 50, -1.0, 1.0)
    seen = []
    for _ in range(200):
        values = np.concatenate([random.normal(scale=0.8, size=2), [random.choice([-5.0, 5.0])]])
        seen.append(values)
        median.add(values)
        expected = [_by_definition([row[k] for row in seen], 50, -1.0, 1.0) for k in range(3)]
        np.testing.assert_allclose(median.value, expected, rtol=0, atol=1e-15)


def test_more_values_in_a_bin_than_16_bits_can_count():
    median = RunningMedian(2, 4, 0.0, 1.0)
    for _ in range(65_536):
        median.add(np.array([0.1, 0.9]))
    for _ in range(65_537):
        median.add(np.array([0.6, 0.9]))
    assert median.value.tolist() == [0.625, 0.875]
    assert median.count == 131_073


def _face(value):
    return np.full(2, value, np.float32), np.full(2, value * 10.0)


def test_only_odd_frames_count_and_failures_are_counted():
    neutral = NeutralReference(2, 2)
    assert neutral.update(None, None) is True  # frame 1 failed: nothing added, taken anew
    np.testing.assert_allclose(neutral.geometry, GEOMETRY_MIN + 0.5 * 120.0 / GEOMETRY_BINS)  # -59.994, the first bin
    np.testing.assert_allclose(neutral.hog, 0.0)  # the first HOG bin is below 0
    assert neutral.update(*_face(0.5)) is False  # frame 2
    np.testing.assert_allclose(neutral.geometry, -59.994)
    neutral.update(*_face(0.25))  # frame 3: the only value, taken as it is
    np.testing.assert_allclose(neutral.hog, 0.25, rtol=0, atol=0)
    np.testing.assert_allclose(neutral.geometry, 2.5, rtol=0, atol=0)
    neutral.update(*_face(0.9))  # frame 4
    np.testing.assert_allclose(neutral.hog, 0.25, rtol=0, atol=0)
    neutral.update(*_face(0.75))  # frame 5: two values, the lower one is the median, to the bin's centre
    width = 1.005 / HOG_BINS
    bin_of_quarter = int((0.25 - HOG_MIN) / width)
    np.testing.assert_allclose(neutral.hog, HOG_MIN + (bin_of_quarter + 0.5) * width)


def test_a_failed_odd_frame_after_a_single_value_gives_zeros():
    neutral = NeutralReference(2, 2)
    neutral.update(*_face(0.3))
    neutral.update(*_face(0.3))
    assert neutral.update(None, None) is True
    assert (neutral.hog == 0.0).all()
    assert (neutral.geometry == 0.0).all()


def test_hog_medians_are_not_negative_geometry_medians_may_be():
    neutral = NeutralReference(1, 1)
    for _ in range(5):
        neutral.update(np.array([-0.004], np.float32), np.array([-7.0]))
    assert neutral.hog[0] == 0.0
    np.testing.assert_allclose(neutral.geometry, -60.0 + int(53.0 * 10000 / 120) * 0.012 + 0.006)
