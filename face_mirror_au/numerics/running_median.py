"""The neutral reference: running medians of a face descriptor, by histogram (OpenFace 2.2 `FaceAnalyser::UpdateRunningMedian`)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.numerics import _kernels
from face_mirror_au.records import Float32Array, FloatArray

# OpenFace 2.2: number of bins and range of the HOG and the geometry histograms.
HOG_BINS, HOG_MIN, HOG_MAX = 1000, -0.005, 1.0
GEOMETRY_BINS, GEOMETRY_MIN, GEOMETRY_MAX = 10000, -60.0, 60.0


# Counts are kept in 16 bits as long as they fit.
_SMALL = np.iinfo(np.uint16).max


class RunningQuantile:
    """A quantile of every element of a vector over the values added so far, to the width of a bin.

    Parameters
    ----------
    size : int
        Elements of the vector.
    levels : ndarray, (bins,) float64
        What is taken for the values in a bin.
    minimum, maximum : float
        Range that the bins divide; values outside it count in the first or last bin.
    rank : callable
        For a number of values, which of them, in order of size and counted from 1, is the quantile.

    Attributes
    ----------
    count : int
        Number of vectors added.
    value : ndarray, (size,) float64
        The quantile of each element, kept up to date in place; `levels[0]` while nothing was added.
    """

    def __init__(self, size: int, levels: FloatArray, minimum: float, maximum: float, rank: Callable[[int], int]) -> None:
        self._levels = levels
        self._minimum = minimum
        self._length = maximum - minimum
        self._rank = rank
        self._histogram: NDArray[np.uint16] | NDArray[np.uint32] = np.zeros((size, len(levels)), np.uint16)
        self._place = np.zeros(size, np.int32)
        self._below = np.zeros(size, np.int32)
        self.value = np.full(size, levels[0])
        self.count = 0

    def add(self, values: FloatArray | Float32Array) -> None:
        """Add one vector, (size,), contiguous."""
        if self.count == _SMALL:
            self._histogram = self._histogram.astype(np.uint32)
        self.count += 1
        rank = self._rank(self.count)
        _kernels.running_median.update(
            values, self._histogram, self._place, self._below, rank, self._minimum, self._length, self._levels, self.value
        )


class RunningMedian(RunningQuantile):
    """Median of every element of a vector; of an even number of values, the lower one of the two in the middle.

    Parameters
    ----------
    minimum, maximum : float
        See `RunningQuantile`.
    least : float
        Medians are not below this.
    """

    def __init__(self, size: int, bins: int, minimum: float, maximum: float, least: float = -np.inf) -> None:
        length = maximum - minimum
        centres = minimum + np.arange(bins) * length / bins + 0.5 * length / bins
        super().__init__(size, np.maximum(centres, least), minimum, maximum, _middle)


def _middle(count: int) -> int:
    return (count + 1) // 2


class NeutralReference:
    """The running median of HOG and geometry, as OpenFace 2.2 keeps it: from odd frames only, counted from 1, failed ones included."""

    def __init__(self, hog_size: int, geometry_size: int) -> None:
        self._hog = RunningMedian(hog_size, HOG_BINS, HOG_MIN, HOG_MAX, least=0.0)
        self._geometry = RunningMedian(geometry_size, GEOMETRY_BINS, GEOMETRY_MIN, GEOMETRY_MAX)
        self.hog: FloatArray = np.zeros(hog_size)
        self.geometry: FloatArray = np.zeros(geometry_size)
        self._frames = 0

    def update(self, hog: Float32Array | None, geometry: FloatArray | None) -> bool:
        """Take the next frame into account; call before that frame's prediction.

        Parameters
        ----------
        hog : ndarray, (hog_size,), or None
            None when the frame failed.
        geometry : ndarray, (geometry_size,), or None

        Returns
        -------
        bool
            True when the medians were taken anew (odd frames).
        """
        self._frames += 1
        if self._frames % 2 == 0:
            return False
        self.add(hog, geometry)
        return True

    def add(self, hog: Float32Array | None, geometry: FloatArray | None) -> None:
        """Add a frame, None, None for a failed one, and take the medians anew, whatever the frame's number."""
        if hog is not None and geometry is not None:
            self._hog.add(np.ascontiguousarray(hog))
            self._geometry.add(np.ascontiguousarray(geometry))
        if self._hog.count == 1:
            # OpenFace 2.2: with a single value the "median" is the current descriptor, which is all zeros when this frame failed.
            self.hog = np.zeros_like(self.hog) if hog is None else hog.astype(np.float64)
            self.geometry = np.zeros_like(self.geometry) if geometry is None else np.array(geometry, dtype=np.float64)
            np.maximum(self.hog, 0.0, out=self.hog)
        else:
            self.hog, self.geometry = self._hog.value, self._geometry.value
