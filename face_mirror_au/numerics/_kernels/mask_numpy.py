"""NumPy twin of the face-mask kernel: same signature, same result."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.records import FloatArray, Image


def fill_triangles(points: FloatArray, triangles: NDArray[np.int32], mask: Image) -> None:
    """Set to 1 every pixel of `mask` whose integer (x, y) lies in any triangle, edges included.

    A triangle meets the line of pixel row y in one interval: between the smallest and the largest crossing of its edges with that line.

    Parameters
    ----------
    points : ndarray, (n, 2) float64
        x, y in pixels.
    triangles : ndarray, (t, 3) int32
        Indices of points.
    mask : ndarray, (H, W) uint8
        Changed in place.
    """
    height, width = mask.shape
    start = points[triangles]
    end = np.roll(start, -1, axis=1)
    x0, y0, x1, y1 = (values[..., None] for values in (start[..., 0], start[..., 1], end[..., 0], end[..., 1]))
    y = np.arange(height, dtype=np.float64)
    crosses = (np.minimum(y0, y1) <= y) & (y <= np.maximum(y0, y1))
    level = y0 == y1
    x = x0 + (y - y0) * (x1 - x0) / np.where(level, 1.0, y1 - y0)
    low = np.where(crosses, np.where(level, np.minimum(x0, x1), x), np.inf).min(axis=1)
    high = np.where(crosses, np.where(level, np.maximum(x0, x1), x), -np.inf).max(axis=1)
    first = np.ceil(np.clip(low, 0, width)).astype(np.int64)
    last = np.floor(np.clip(high, -1, width - 1)).astype(np.int64)
    filled = first <= last
    _, rows = np.nonzero(filled)
    # Where intervals begin and end, row after row: their running sum is how many lie over a pixel. A row has a place more than pixels.
    begins, ends = rows * (width + 1) + first[filled], rows * (width + 1) + last[filled] + 1
    size = height * (width + 1)
    changes = np.bincount(begins, minlength=size) - np.bincount(ends, minlength=size)
    mask[np.cumsum(changes).reshape(height, width + 1)[:, :width] > 0] = 1
