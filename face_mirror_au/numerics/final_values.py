"""From a finished video's raw predictions to its final values (OpenFace 2.2 `ExtractAllPredictionsOfflineReg` / `...Class`).

Two readings of a failed frame. Strict, as OpenFace: it is a measurement of 0, goes into its neighbours' means, and gets a mean itself.
Ours: it is no measurement, stays empty (NaN), and means and majorities run over the successful frames of the window.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from face_mirror_au.records import FloatArray

MAX_INTENSITY = 5.0
INTENSITY_WINDOW = 3
PRESENCE_WINDOW = 7


def neutral_offsets(raw: FloatArray, success: NDArray[np.bool_], cutoffs: FloatArray, dynamic: NDArray[np.bool_]) -> FloatArray:
    """The neutral level of each intensity: the value at its cutoff among the sorted values of the successful frames.

    Parameters
    ----------
    raw : ndarray, (N, k) float64
    success : ndarray, (N,) bool
    cutoffs : ndarray, (k,) float64
    dynamic : ndarray, (k,) bool
        Static predictors need no offset: theirs is 0.

    Returns
    -------
    ndarray, (k,) float64
        All 0 when no frame was successful.
    """
    values = np.sort(raw[success], axis=0)
    n = len(values)
    if n == 0:
        return np.zeros(raw.shape[1])
    level = values[(n * cutoffs).astype(np.int64), np.arange(raw.shape[1])]
    return np.where(dynamic, level, 0.0)


def neutral_levels(raw: FloatArray, dynamic: NDArray[np.bool_]) -> FloatArray:
    """The neutral level of each intensity, given those of frames without movement: their median.

    Parameters
    ----------
    raw : ndarray, (N, m) float64
    dynamic : ndarray, (m,) bool
        Static predictors need no offset: theirs is 0.

    Returns
    -------
    ndarray, (m,) float64
        All 0 when there is no frame.
    """
    return np.where(dynamic, np.median(raw, axis=0), 0.0) if len(raw) else np.zeros(raw.shape[1])


def final_intensities(
    raw: FloatArray, success: NDArray[np.bool_], offsets: FloatArray, *, smooth: bool = True, strict: bool = False
) -> FloatArray:
    """Offset, clip to [0, 5], mean of 3; the first and the last frame are not smoothed.

    Parameters
    ----------
    raw : ndarray, (N, k) float64
    success : ndarray, (N,) bool
    offsets : ndarray, (k,) float64
    smooth : bool
        False for single images.
    strict : bool
        OpenFace's reading of failed frames; see the module.

    Returns
    -------
    ndarray, (N, k) float64
        NaN in failed frames unless strict.
    """
    values: FloatArray = np.clip(raw - offsets, 0.0, MAX_INTENSITY)
    values[~success] = 0.0 if strict else np.nan
    return _smooth(values, success, INTENSITY_WINDOW, strict) if smooth else values


def final_presences(raw: FloatArray, success: NDArray[np.bool_], *, smooth: bool = True, strict: bool = False) -> FloatArray:
    """Majority of 7; the first and the last 3 frames are not smoothed.

    Parameters
    ----------
    raw : ndarray, (N, k) float64
        0 or 1; NaN in a column that the bank cannot predict.
    success, smooth, strict
        As for `final_intensities`.

    Returns
    -------
    ndarray, (N, k) float64
    """
    values: FloatArray = raw.copy()
    values[~success] = 0.0 if strict else np.nan
    if not smooth:
        return values
    half = PRESENCE_WINDOW // 2
    smoothed = _smooth(values, success, PRESENCE_WINDOW, strict)
    inner = smoothed[half : len(smoothed) - half]
    inner[:] = np.where(np.isnan(inner), np.nan, (inner >= 0.5).astype(np.float64))
    return smoothed


def _smooth(values: FloatArray, success: NDArray[np.bool_], window: int, strict: bool) -> FloatArray:
    """Centred mean over `window` frames where it fits; over the successful ones among them unless strict."""
    smoothed: FloatArray = values.copy()
    if len(values) < window:
        return smoothed
    weights = np.ones(len(values)) if strict else success.astype(np.float64)
    counted = np.where(weights[:, None] > 0.0, values, 0.0)
    sums = sliding_window_view(counted, window, axis=0).sum(axis=-1)
    counts = sliding_window_view(weights, window).sum(axis=-1)
    measured = np.flatnonzero(weights[window // 2 : len(values) - window // 2] > 0.0)
    smoothed[measured + window // 2] = sums[measured] / counts[measured, None]
    return smoothed
