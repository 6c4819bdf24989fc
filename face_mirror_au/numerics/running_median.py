"""The neutral reference: running medians of a face descriptor, by histogram (OpenFace 2.2 `FaceAnalyser::UpdateRunningMedian`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.numerics import _kernels
from face_mirror_au.records import Float32Array, FloatArray

# OpenFace 2.2: number of bins and range of the HOG and the geometry histograms.
HOG_BINS, HOG_MIN, HOG_MAX = 1000, -0.005, 1.0
GEOMETRY_BINS, GEOMETRY_MIN, GEOMETRY_MAX = 10000, -60.0, 60.0


def clamped_bins(values: FloatArray, bins: int, minimum: float, length: float) -> NDArray[np.int64]:
    """Histogram bin of each value: truncated, and the first or last bin for values outside the range."""
    # Clipped before the cast: what the cast of a huge float gives is undefined.
    return np.clip((values - minimum) * bins / length, 0, bins - 1).astype(np.int64)


class RunningMedian:
    """Median of every element of a vector over the values added so far, to the width of a bin.

    Parameters
    ----------
    size : int
        Elements of the vector.
    bins : int
    minimum, maximum : float
        Range that the bins divide; values outside it count in the first or last bin.
    """

    def __init__(self, size: int, bins: int, minimum: float, maximum: float) -> None:
        self._minimum = minimum
        self._length = maximum - minimum
        self._bins = bins
        self._histogram = np.zeros((size, bins), np.uint32)
        self._median_bin = np.zeros(size, np.int32)
        self._below = np.zeros(size, np.int64)
        self.count = 0

    def add(self, values: FloatArray) -> None:
        """Add one vector, (size,) float64."""
        self.count += 1
        _kernels.running_median.update(values, self._histogram, self._median_bin, self._below, self.count, self._minimum, self._length)

    def value(self) -> FloatArray:
        """Centre of the median's bin, (size,) float64; the centre of the first bin while nothing was added."""
        return self._minimum + self._median_bin * self._length / self._bins + 0.5 * self._length / self._bins


class NeutralReference:
    """The running median of HOG and geometry, as OpenFace 2.2 keeps it: from odd frames only, counted from 1, failed ones included.

    Parameters
    ----------
    hog_size, geometry_size : int
    """

    def __init__(self, hog_size: int, geometry_size: int) -> None:
        self._hog = RunningMedian(hog_size, HOG_BINS, HOG_MIN, HOG_MAX)
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
            self._hog.add(hog.astype(np.float64))
            self._geometry.add(np.ascontiguousarray(geometry, dtype=np.float64))
        if self._hog.count == 1:
            # OpenFace 2.2: with a single value the "median" is the current descriptor, which is all zeros when this frame failed.
            self.hog = np.zeros_like(self.hog) if hog is None else hog.astype(np.float64)
            self.geometry = np.zeros_like(self.geometry) if geometry is None else np.array(geometry, dtype=np.float64)
        else:
            self.hog = self._hog.value()
            self.geometry = self._geometry.value()
        np.maximum(self.hog, 0.0, out=self.hog)
