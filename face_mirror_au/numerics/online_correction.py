"""Live offsets of the intensities, for a camera that has no last frame (OpenFace 2.2 `UpdatePredictionTrack`)."""

from __future__ import annotations

import numpy as np

from face_mirror_au.numerics.running_median import RunningQuantile
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
        lower_edges = MINIMUM + (MAXIMUM - MINIMUM) / BINS * np.arange(BINS, dtype=np.float64)
        self._quantile = RunningQuantile(size, lower_edges, MINIMUM, MAXIMUM, _rank)

    def correct(self, raw: FloatArray) -> FloatArray:
        """Take a successful frame's raw intensities (size,) into account; return them corrected, clipped to [0, 5]."""
        # NaN, an intensity without a predictor, stays NaN below; its quantile is never looked at.
        self._quantile.add(np.nan_to_num(raw))
        corrected = raw
        if self._quantile.count >= MIN_FRAMES:
            corrected = raw - self._quantile.value
        return np.clip(corrected, 0.0, MAX_INTENSITY)


def _rank(count: int) -> int:
    return int(RATIO * count) + 1
