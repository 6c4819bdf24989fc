"""Running medians over any history: the compiled kernel, its twin and the definition agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics._kernels import running_median_numpy
from face_mirror_au.numerics.running_median import RunningMedian, RunningQuantile

few = settings(max_examples=60)
BINS, MINIMUM, MAXIMUM = 12, -2.0, 3.0
LEVELS = np.linspace(MINIMUM, MAXIMUM, BINS)
SIZE = 4


def histories(numbers):
    """Up to 40 vectors of any numbers, many of them alike, so that bins fill."""
    width = np.dtype(numbers).itemsize * 8
    anything = st.one_of(st.floats(-3.0, 4.0, width=width), st.sampled_from([-2.0, 0.0, 0.5, 3.0]), st.floats(width=width))
    return st.lists(arrays.arrays(numbers, SIZE, elements=anything), max_size=40)


def ranks(count):
    """A rank that jumps, as no quantile's does."""
    return count * count * 7 % count + 1


@pytest.mark.skipif("numpy" in _kernels.loaded.values(), reason="the package was installed without compiled kernels")
@pytest.mark.parametrize("numbers", [np.float32, np.float64])
@pytest.mark.parametrize("rank", [lambda count: (count + 1) // 2, lambda count: int(0.2 * count) + 1, ranks])
def test_the_compiled_median_is_the_twins(numbers, rank):
    @few
    @given(histories(numbers))
    def check(history):
        compiled, twin = (RunningQuantile(SIZE, LEVELS, MINIMUM, MAXIMUM, rank) for _ in range(2))
        for values in history:
            compiled.add(values)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(_kernels, "running_median", running_median_numpy)
                twin.add(values)
            np.testing.assert_array_equal(compiled.value, twin.value)

    check()


@few
@given(histories(np.float64))
def test_the_median_is_a_value_of_the_middle_bin(history):
    median = RunningMedian(SIZE, BINS, MINIMUM, MAXIMUM)
    for values in history:
        median.add(values)
    for place in range(SIZE if history else 0):
        with np.errstate(over="ignore"):
            position = (np.array(history)[:, place] - MINIMUM) * BINS / (MAXIMUM - MINIMUM)
        position[np.isnan(position)] = 0.0
        middle = np.sort(np.clip(position, 0, BINS - 1).astype(int))[(len(history) - 1) // 2]
        assert median.value[place] == pytest.approx(MINIMUM + (middle + 0.5) * (MAXIMUM - MINIMUM) / BINS)


@few
@given(histories(np.float64), st.randoms(use_true_random=False))
def test_the_order_of_the_values_plays_no_part(history, random):
    medians = []
    for _ in range(2):
        median = RunningMedian(SIZE, BINS, MINIMUM, MAXIMUM)
        for values in history:
            median.add(values)
        medians.append(median.value)
        random.shuffle(history)
    np.testing.assert_array_equal(*medians)
