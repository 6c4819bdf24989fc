"""Felzenszwalb's HOG of one picture: NumPy twin of fhog.pyx.

Method: Felzenszwalb, Girshick, McAllester, Ramanan, "Object detection with discriminatively trained part-based models", PAMI 2010,
section 6, with the 31 features of its authors. All sums are float32 and in a fixed order, so that both forms give the same bits, and
those of dlib on x86-64 (checked on aligned faces and random pictures).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.records import Float32Array

CELL = 8
# Directions of the 9 undirected orientations, 20 degrees apart: x, y.
DIRECTIONS = np.array(
    [
        (1.0, 0.0), (0.9397, 0.3420), (0.7660, 0.6428), (0.5, 0.8660), (0.1736, 0.9848),
        (-0.1736, 0.9848), (-0.5, 0.8660), (-0.7660, 0.6428), (-0.9397, 0.3420),
    ],
    np.float32,
)  # fmt: skip
# Truncation, the smallest energy of a block, and the weights of orientations and of the four texture energies.
CLIP, SMALLEST, SHARE, TEXTURE = np.float32(0.2), np.float32(1e-4), np.float32(0.1), np.float32(2 * 0.2357)
# dlib takes the pixels of a row eight at a time. Where two channels have the same gradient, these take the later channel and the rest of
# the row the earlier one; their votes are multiplied in another order, too.
GROUP = 8
# Row and column, from a cell, of the cells of its four blocks of 2 x 2: below right, above right, below left, above left.
_BLOCKS = (
    ((0, 0), (0, 1), (1, 0), (1, 1)),
    ((-1, 0), (-1, 1), (0, 0), (0, 1)),
    ((0, -1), (0, 0), (1, -1), (1, 0)),
    ((-1, -1), (-1, 0), (0, -1), (0, 0)),
)


def describe(image: NDArray[np.uint8], features: Float32Array) -> None:
    """FHOG of a picture.

    Parameters
    ----------
    image : ndarray, (8 m, 8 n, 3) uint8
        BGR, C-contiguous, m and n at least 3.
    features : ndarray, (m - 2, n - 2, 31) float32
        Filled: 18 directed orientations, 9 undirected, 4 texture energies of each cell but those at the border.
    """
    histogram = _histogram(image)
    rows, columns = histogram.shape[0] - 2, histogram.shape[1] - 2
    undirected = histogram[..., :9] + histogram[..., 9:]
    energy = np.zeros(histogram.shape[:2], np.float32)
    for orientation in range(9):
        energy += undirected[..., orientation] ** 2
    inner = histogram[1:-1, 1:-1]
    limits = np.empty((4, rows, columns, 1), np.float32)
    for place, cells in enumerate(_BLOCKS):
        a, b, c, d = (energy[1 + y : 1 + y + rows, 1 + x : 1 + x + columns] for y, x in cells)
        limits[place, ..., 0] = CLIP * np.sqrt(((a + b) + c) + d + SMALLEST)
    scales = SHARE / limits
    directed = np.minimum(inner[None], limits) * scales
    both = np.minimum(undirected[None, 1:-1, 1:-1], limits) * scales
    features[..., :18] = _sum(directed)
    features[..., 18:27] = _sum(both)
    texture = np.zeros((4, rows, columns), np.float32)
    for orientation in range(0, 18, 3):
        texture += (directed[..., orientation] + directed[..., orientation + 1]) + directed[..., orientation + 2]
    features[..., 27:] = np.moveaxis(texture * TEXTURE, 0, -1)


def _sum(values: Float32Array) -> Float32Array:
    total: Float32Array = (values[0] + values[2]) + (values[1] + values[3])
    return total


def _histogram(image: NDArray[np.uint8]) -> Float32Array:
    """Votes of all pixels but the outermost: (rows, columns, 18) float32."""
    height, width = image.shape[:2]
    picture = image[..., ::-1].astype(np.int32)  # R, G, B: the order that settles ties
    across = picture[1:-1, 2:] - picture[1:-1, :-2]
    down = picture[2:, 1:-1] - picture[:-2, 1:-1]
    strength = across**2 + down**2
    earlier = np.argmax(strength, axis=2)
    later = 2 - np.argmax(strength[..., ::-1], axis=2)
    grouped = np.arange(width - 2) < (width - 2) // GROUP * GROUP
    channel = np.where(grouped[None], later, earlier)[..., None]
    dx, dy, squared = (np.take_along_axis(each, channel, axis=2)[..., 0].astype(np.float32) for each in (across, down, strength))
    best, bins = np.zeros_like(dx), np.zeros(dx.shape, np.intp)
    for orientation, (x, y) in enumerate(DIRECTIONS):
        along = x * dx + y * dy
        better = along > best
        best, bins = np.where(better, along, best), np.where(better, orientation, bins)
        better = -along > best
        best, bins = np.where(better, -along, best), np.where(better, orientation + 9, bins)
    magnitude = np.sqrt(squared)
    row, *row_shares = _shares(height)
    column, *column_shares = _shares(width)
    votes = np.zeros((height // CELL + 2, width // CELL + 2, 18), np.float32)
    places, shares = [], []
    for y, wy in zip((row, row + 1), row_shares, strict=True):
        for x, wx in zip((column, column + 1), column_shares, strict=True):
            places.append(np.broadcast_arrays(y[:, None], x[None], bins))
            one, other = wy[:, None] * (wx[None] * magnitude), (wy[:, None] * wx[None]) * magnitude
            shares.append(np.where(grouped[None], one, other))
    # One pixel after the other, so that every sum is made in that order.
    y, x, orientations = (np.stack(each, axis=-1).ravel() for each in zip(*places, strict=True))
    np.add.at(votes, (y, x, orientations), np.stack(shares, axis=-1).ravel())
    return votes[1:-1, 1:-1]


def _shares(size: int) -> tuple[NDArray[np.intp], Float32Array, Float32Array]:
    """For each inner pixel of a row or column: the cell before its middle (from -1, counted from 0), its share and the next one's."""
    position = (np.arange(1, size - 1, dtype=np.float32) + np.float32(0.5)) / np.float32(CELL) - np.float32(0.5)
    cell = np.floor(position)
    high = position - cell
    return cell.astype(np.intp) + 1, np.float32(1.0) - high, high
