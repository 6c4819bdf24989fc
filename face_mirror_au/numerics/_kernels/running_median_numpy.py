"""NumPy twin of the running-median kernel: same signature, same result."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.records import FloatArray


def update(
    values: FloatArray,
    histogram: NDArray[np.uint32],
    median_bin: NDArray[np.int32],
    below: NDArray[np.int64],
    count: int,
    minimum: float,
    length: float,
) -> None:
    """Add one value to each histogram and move each median's bin to its new place.

    The median's bin is the first whose cumulative count reaches (count + 1) // 2. It is followed, not searched: `below` holds the count in
    all bins before it, so that a step to the neighbour needs one bin only, and a new sample moves it by few steps.

    Parameters
    ----------
    values : ndarray, (n,) float64
    histogram : ndarray, (n, bins) uint32
        Updated in place.
    median_bin : ndarray, (n,) int32
        Updated in place; 0 before the first value.
    below : ndarray, (n,) int64
        Updated in place; 0 before the first value.
    count : int
        Number of values in each histogram, this one included.
    minimum, length : float
        The range that the bins divide. Values outside it go to the first or last bin.
    """
    bins = histogram.shape[1]
    rows = np.arange(values.size)
    # Clip before the cast: what int() of a huge float gives is undefined.
    index = np.clip((values - minimum) * bins / length, 0, bins - 1).astype(np.int32)
    histogram[rows, index] += 1
    below += index < median_bin
    target = (count + 1) // 2
    while True:
        moving = np.flatnonzero(below >= target)
        if moving.size == 0:
            break
        median_bin[moving] -= 1
        below[moving] -= histogram[moving, median_bin[moving]]
    while True:
        here = histogram[rows, median_bin]
        moving = np.flatnonzero(below + here < target)
        if moving.size == 0:
            break
        below[moving] += here[moving]
        median_bin[moving] += 1
