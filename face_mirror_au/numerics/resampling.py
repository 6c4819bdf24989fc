"""Parts of a picture at another size, as OpenCV's `resize` gives them for float pictures (bilinear, no smoothing), many at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.records import Float32Array, Image

_Index = NDArray[np.int64]


def resample(image: Image, boxes: _Index, height: int, width: int, *, rows: slice | None = None) -> Float32Array:
    """Cut boxes out of a picture and bring each to the same size.

    Only the pixels that are asked for are read: a box may be as large as it likes.

    Parameters
    ----------
    image : ndarray, (H, W, 3) uint8
    boxes : ndarray, (N, 4) int64
        x, y, width, height in px, at least 1 wide and high; what lies outside the picture is black.
    rows : slice, optional
        Only these rows of the result.

    Returns
    -------
    ndarray, (N, rows, width, 3) float32
        0 to 255.
    """
    top, bottom, down = _places(boxes[:, 1], boxes[:, 3], height)
    left, right, across = _places(boxes[:, 0], boxes[:, 2], width)
    if rows is not None:
        top, bottom, down = top[:, rows], bottom[:, rows], down[:, rows]
    across = across[:, None, :, None]
    upper = _pixels(image, top, left) * (1 - across) + _pixels(image, top, right) * across
    lower = _pixels(image, bottom, left) * (1 - across) + _pixels(image, bottom, right) * across
    down = down[:, :, None, None]
    return np.asarray(upper * (1 - down) + lower * down)


def _places(start: _Index, length: _Index, size: int) -> tuple[_Index, _Index, Float32Array]:
    """The two pixels that each of `size` places lies between, and how far it is from the first to the second: each (N, size)."""
    place = ((np.arange(size) + 0.5) * (length / size)[:, None] - 0.5).astype(np.float32)
    low = np.floor(place).astype(np.int64)
    share = place - low.astype(np.float32)
    last = (length - 1)[:, None]
    share = np.where((low < 0) | (low >= last), np.float32(0), share)
    low = np.clip(low, 0, last)
    return start[:, None] + low, start[:, None] + np.minimum(low + 1, last), share


def _pixels(image: Image, rows: _Index, columns: _Index) -> Float32Array:
    """Pixels (N, rows, columns, 3) float32 of all pairs of rows (N, h) and columns (N, w)."""
    height, width = image.shape[:2]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    found = image[np.clip(rows, 0, height - 1)[:, :, None], np.clip(columns, 0, width - 1)[:, None, :]].astype(np.float32)
    if not inside.all():
        found *= inside[..., None]
    return found
