"""Live offsets of the intensities, for a camera that has no last frame (OpenFace 2.2 `UpdatePredictionTrack`)."""

from __future__ import annotations

import numpy as np

from face_mirror_au.numerics.running_median import clamped_bins
from face_mirror_au.records import FloatArray

# OpenFace 2.2: histogram of each intensity, share of frames below the neutral level, and how many frames it waits.
BINS, MINIMUM, MAXIMUM = 200, -3.0, 5.0
RATIO = 0.10
MIN_FRAMES = 10
MAX_INTENSITY = 5.0


class OnlineCorrection:
    """Subtracts from every intensity its own running 10 % quantile.

    Parameters
    ----------
    size : int
        Number of intensities.
    """

    def __init__(self, size: int) -> None:
        self._histogram = np.zeros((size, BINS), np.int64)
        self._rows = np.arange(size)
        self._count = 0

    def correct(self, raw: FloatArray) -> FloatArray:
        """Take a successful frame's raw intensities (size,) into account; return them corrected, clipped to [0, 5]."""
        # NaN, an intensity without a predictor, stays NaN below; its histogram is never looked at.
        index = clamped_bins(np.nan_to_num(raw), BINS, MINIMUM, MAXIMUM - MINIMUM)
        self._histogram[self._rows, index] += 1
        self._count += 1
        corrected = raw
        if self._count >= MIN_FRAMES:
            above = np.cumsum(self._histogram, axis=1) > int(RATIO * self._count)
            corrected = raw - (MINIMUM + (MAXIMUM - MINIMUM) / BINS * above.argmax(axis=1))
        return np.clip(corrected, 0.0, MAX_INTENSITY)
