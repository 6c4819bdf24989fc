"""NumPy twin of the running-median kernel: same signature, same result."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.records import Float32Array, FloatArray


def update(
    values: FloatArray | Float32Array,
    histogram: NDArray[np.uint16] | NDArray[np.uint32],
    place: NDArray[np.int32],
    below: NDArray[np.int32],
    rank: int,
    minimum: float,
    length: float,
    levels: FloatArray,
    quantile: FloatArray,
) -> None:
    """Add one value to each histogram and move each quantile's bin to its new place.

    The quantile's bin is the first whose cumulative count reaches `rank`. It is followed, not searched: `below` holds the count in all bins
    before it, so that a step to the neighbour needs one bin only, and a new sample moves it by few steps.

    Parameters
    ----------
    values : ndarray, (n,) float32 or float64
    histogram : ndarray, (n, bins) uint16 or uint32
        Updated in place.
    place : ndarray, (n,) int32
        The quantile's bin. Updated in place; 0 before the first value.
    below : ndarray, (n,) int32
        Updated in place; 0 before the first value.
    rank : int
        1 or more, and no more than there are values in each histogram, this one included. (count + 1) // 2 gives the median.
    minimum, length : float
        The range that the bins divide. Values outside it go to the first or last bin, NaN to the first.
    levels : ndarray, (bins,) float64
        What is taken for the values in a bin.
    quantile : ndarray, (n,) float64
        The level of the quantile's bin. Updated in place; `levels[0]` before the first value.
    """
    bins = histogram.shape[1]
    rows = np.arange(values.size)
    with np.errstate(over="ignore"):  # infinite is beyond the last bin all the same
        position = (values.astype(np.float64) - minimum) * bins / length
    # Clip before the cast: what int() of a huge float or of NaN gives is undefined.
    index = np.clip(np.where(np.isnan(position), 0.0, position), 0, bins - 1).astype(np.int32)
    histogram[rows, index] += 1
    below += index < place
    while True:
        moving = np.flatnonzero(below >= rank)
        if moving.size == 0:
            break
        place[moving] -= 1
        below[moving] -= histogram[moving, place[moving]].astype(np.int32)
    while True:
        here = histogram[rows, place].astype(np.int32)
        moving = np.flatnonzero(below + here < rank)
        if moving.size == 0:
            break
        below[moving] += here[moving]
        place[moving] += 1
    quantile[:] = levels[place]
