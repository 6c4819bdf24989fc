"""NumPy twin of the kernel of the experts' responses: same signatures, same results to rounding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.records import Float32Array, FloatArray

SUPPORT = 11
"""Side of what an expert looks at, px."""
# OpenCV 4 `warpAffine`: coordinates in 1/1024 px, rounded to 1/32 px for the bilinear weights.
_UNITS = 1024
_ROUNDING = 16


def areas(image: NDArray[np.uint8], points: Float32Array, visible: NDArray[np.uint8], to_image: Float32Array, out: Float32Array) -> None:
    """Cut out the upright surroundings of each landmark, as OpenCV 4's `warpAffine` samples them.

    Parameters
    ----------
    image : ndarray, (height, width) uint8
        Grey. What lies outside counts as 0.
    points : ndarray, (2, n) float32
        Landmarks, px, at most 1e6.
    visible : ndarray, (n,) uint8
    to_image : ndarray, (2, 2) float32
        From the upright face to the picture: [[a, -b], [b, a]].
    out : ndarray, (n, side, side) float32
        Grey levels, multiples of 1/1024; 0 for landmarks that are not visible.
    """
    side = out.shape[1]
    height, width = image.shape
    centre = np.float32((side - 1) / 2.0)
    a, b = to_image[0, 0], -to_image[0, 1]
    minus_b, b64, a64 = float(-b), float(b), float(a)
    start_x = points[0] - a * centre + b * centre
    start_y = points[1] - a * centre - b * centre
    steps = np.arange(side)
    across_x, across_y = np.rint(a64 * steps * _UNITS), np.rint(b64 * steps * _UNITS)
    down_x = np.rint((minus_b * steps + start_x[:, None].astype(np.float64)) * _UNITS) + _ROUNDING
    down_y = np.rint((a64 * steps + start_y[:, None].astype(np.float64)) * _UNITS) + _ROUNDING
    x = (down_x[:, :, None] + across_x).astype(np.int64) >> 5
    y = (down_y[:, :, None] + across_y).astype(np.int64) >> 5
    fx, fy = (x & 31).astype(np.int32), (y & 31).astype(np.int32)
    x >>= 5
    y >>= 5
    # One pixel of nothing around the picture; what is farther away is put there, too.
    padded = np.zeros((height + 2, width + 2), np.int32)
    padded[1:-1, 1:-1] = image
    left, right = np.clip(x, -1, width) + 1, np.clip(x + 1, -1, width) + 1
    top, bottom = (np.clip(y, -1, height) + 1) * (width + 2), (np.clip(y + 1, -1, height) + 1) * (width + 2)
    flat = padded.ravel()
    upper = flat[top + left] * (32 - fx) + flat[top + right] * fx
    lower = flat[bottom + left] * (32 - fx) + flat[bottom + right] * fx
    out[:] = (upper * (32 - fy) + lower * fy).astype(np.float32) / np.float32(_UNITS)
    out[visible == 0] = 0.0


def ccnf(
    surroundings: Float32Array,
    visible: NDArray[np.uint8],
    weights: Float32Array,
    biases: FloatArray,
    amounts: FloatArray,
    smoothing: Float32Array,
    out: Float32Array,
) -> None:
    """Responses of CCNF experts.

    A neuron gives `amount / (1 + exp(-(W . patch + bias)))` of the patch minus its mean, divided by its norm; their sum is smoothed.

    Parameters
    ----------
    surroundings : ndarray, (n, side, side) float32
        From `areas`.
    visible : ndarray, (n,) uint8
    weights : ndarray, (n, k, 121) float32
        Of k neurons, each minus its own mean: so the patch's mean need not be taken away.
    biases, amounts : ndarray, (n, k) float64
    smoothing : ndarray, (n, window ** 2, window ** 2) float32, or (n, 1, 1) where it is a number
        Symmetric.
    out : ndarray, (n, window, window) float32
        window = side - 10. 0 for landmarks that are not visible.
    """
    n, window = out.shape[:2]
    patches = np.lib.stride_tricks.sliding_window_view(surroundings, (SUPPORT, SUPPORT), axis=(1, 2))
    # In 1/1024 grey levels all sums are whole numbers that float64 holds: only a patch without any contrast has the norm 0.
    whole = surroundings.astype(np.float64) * _UNITS
    sums, squares = _box_sums(whole), _box_sums(whole * whole)
    norms = np.sqrt((squares - sums * sums / SUPPORT**2).clip(0.0)) / _UNITS
    norms[SUPPORT**2 * squares == sums * sums] = 1.0
    # Float32 products are more exact around 0.
    offsets = np.rint(surroundings.mean(axis=(1, 2), dtype=np.float64)).astype(np.float32)
    flat = (patches - offsets[:, None, None, None, None]).reshape(n, window * window, SUPPORT * SUPPORT)
    excitations = (weights @ flat.transpose(0, 2, 1)).astype(np.float64) / norms.reshape(n, 1, -1) + biases[:, :, None]
    with np.errstate(over="ignore"):
        contributions = amounts[:, :, None] / (1.0 + np.exp(-excitations))
    raw = contributions.sum(axis=1).astype(np.float32)
    smoothed = raw * smoothing[:, 0] if smoothing.shape[1] == 1 else (smoothing @ raw[:, :, None])[:, :, 0]
    smoothed -= np.minimum(smoothed.min(axis=1, keepdims=True), np.float32(0.0))
    out[:] = smoothed.reshape(out.shape)
    out[visible == 0] = 0.0


def invert(matrices: Float32Array) -> None:
    """Invert symmetric matrices in place whose diagonal is dominant.

    Parameters
    ----------
    matrices : ndarray, (n, size, size) float32
    """
    matrices[:] = np.linalg.inv(matrices)


def _box_sums(values: FloatArray) -> FloatArray:
    """Sums over all squares of `SUPPORT` pixels."""
    n, side = values.shape[:2]
    integral = np.zeros((n, side + 1, side + 1))
    np.cumsum(values.cumsum(axis=1), axis=2, out=integral[:, 1:, 1:])
    k = SUPPORT
    return np.asarray(integral[:, k:, k:] - integral[:, :-k, k:] - integral[:, k:, :-k] + integral[:, :-k, :-k])
