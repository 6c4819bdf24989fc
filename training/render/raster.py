"""A z-buffer in NumPy: which triangle is seen at each sample. Exact and deterministic; no Python loop over triangles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Double = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Fragments:
    """The samples that some triangle covers, one entry per sample.

    Attributes
    ----------
    pixel : (n,) int64
        Flat index, row * width + column.
    triangle : (n,) int64
        Row of the triangles given to `rasterize`.
    weights : (n, 3) float32
        Barycentric weights of the triangle's corners in the picture plane.
    """

    pixel: Int
    triangle: Int
    weights: Float


def rasterize(points: Double, nearness: Double, triangles: NDArray[np.integer], width: int, height: int, cull: bool = True) -> Fragments:
    """Find the nearest triangle at each sample.

    Parameters
    ----------
    points : (n, 2) float64
        Positions in the picture, px, x right, y down; sample (i, j) lies at (j + 0.5, i + 0.5).
    nearness : (n,) float64
        Larger is nearer, and linear in the picture (1 / depth under perspective).
    triangles : (m, 3) int
    cull
        Leave out the triangles that are clockwise on the screen of a y-up viewer, that is, seen from behind.
    """
    corners = points[triangles]
    ab, ac = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    doubled_area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    top = np.maximum(np.ceil(corners[:, :, 1].min(axis=1) - 0.5), 0).astype(np.int64)
    bottom = np.minimum(np.floor(corners[:, :, 1].max(axis=1) - 0.5), height - 1).astype(np.int64)
    seen = (doubled_area < 0 if cull else doubled_area != 0) & (bottom >= top)
    kept = np.flatnonzero(seen)
    corners, doubled_area, top = corners[kept], doubled_area[kept], top[kept]

    owner, line = _expand(bottom[kept] - top + 1)
    row = line + top[owner]
    first, last = _spans(corners, owner, row, width)
    filled = np.flatnonzero(last >= first)
    owner, row, first, last = owner[filled], row[filled], first[filled], last[filled]

    span, step = _expand(last - first + 1)
    owner, row = owner[span], row[span]
    column = first[span] + step
    # Affine functions over the picture: weight of corner 1, of corner 2, and nearness.
    weight_b, weight_c = _barycentric_planes(corners, doubled_area)
    near = nearness[triangles[kept]]
    plane = near[:, :1] * [[0.0, 0.0, 1.0]] + (near[:, 1] - near[:, 0])[:, None] * weight_b + (near[:, 2] - near[:, 0])[:, None] * weight_c
    x, y = column + 0.5, row + 0.5
    depth = plane[owner, 0] * x + plane[owner, 1] * y + plane[owner, 2]

    pixel = row * width + column
    winner = _nearest(pixel, depth, width * height)
    owner, x, y = owner[winner], x[winner], y[winner]
    b = weight_b[owner, 0] * x + weight_b[owner, 1] * y + weight_b[owner, 2]
    c = weight_c[owner, 0] * x + weight_c[owner, 1] * y + weight_c[owner, 2]
    weights = np.stack([1 - b - c, b, c], axis=1).astype(np.float32)
    return Fragments(pixel[winner], kept[owner], weights)


def interpolate(fragments: Fragments, corner_values: Float) -> Float:
    """Values at the fragments, (n, c) float32, from values at each triangle's corners, (m, 3, c) float32."""
    return np.asarray(np.einsum("nk,nkc->nc", fragments.weights, corner_values[fragments.triangle]), np.float32)


def _expand(counts: Int) -> tuple[Int, Int]:
    """For counts [2, 3]: owners [0, 0, 1, 1, 1] and positions [0, 1, 0, 1, 2]."""
    owner = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - starts[owner]


def _spans(corners: Double, owner: Int, row: Int, width: int) -> tuple[Int, Int]:
    """First and last covered column of each (triangle, row).

    The crossing of an edge is computed from its upper end, so that two triangles that share the edge get the same number and leave no gap.
    """
    left = np.full(len(owner), np.inf)
    right = np.full(len(owner), -np.inf)
    y = row + 0.5
    for start, end in ((0, 1), (1, 2), (2, 0)):
        swap = (corners[:, start, 1] > corners[:, end, 1])[:, None]
        upper = np.where(swap, corners[:, end], corners[:, start])
        lower = np.where(swap, corners[:, start], corners[:, end])
        drop = lower[:, 1] - upper[:, 1]
        slope = np.divide(lower[:, 0] - upper[:, 0], drop, out=np.zeros_like(drop), where=drop > 0)
        crosses = (upper[owner, 1] <= y) & (y <= lower[owner, 1]) & (drop[owner] > 0)
        x = upper[owner, 0] + (y - upper[owner, 1]) * slope[owner]
        left = np.where(crosses, np.minimum(left, x), left)
        right = np.where(crosses, np.maximum(right, x), right)
    first = np.ceil(np.clip(left, -1e6, 1e6) - 0.5)
    last = np.floor(np.clip(right, -1e6, 1e6) - 0.5)
    return np.maximum(first, 0).astype(np.int64), np.minimum(last, width - 1).astype(np.int64)


def _barycentric_planes(corners: Double, doubled_area: Double) -> tuple[Double, Double]:
    """Coefficients (m, 3) of x, y, 1 for the weights of corners 1 and 2."""
    a = corners[:, 0]
    ab, ac = (corners[:, 1] - a) / doubled_area[:, None], (corners[:, 2] - a) / doubled_area[:, None]
    weight_b = np.stack([ac[:, 1], -ac[:, 0], ac[:, 0] * a[:, 1] - ac[:, 1] * a[:, 0]], axis=1)
    weight_c = np.stack([-ab[:, 1], ab[:, 0], ab[:, 1] * a[:, 0] - ab[:, 0] * a[:, 1]], axis=1)
    return weight_b, weight_c


def _nearest(pixel: Int, depth: Double, size: int) -> Int:
    """Index of the nearest fragment of each covered pixel. Nearness and index share one integer, so that one maximum finds both."""
    if not len(pixel):
        return np.zeros(0, dtype=np.int64)
    low, high = depth.min(), depth.max()
    rank = ((depth - low) * ((2**30 - 2) / max(high - low, 1e-30))).astype(np.int64) + 1
    key = (rank << 32) | np.arange(len(pixel))
    buffer = np.zeros(size, dtype=np.int64)
    np.maximum.at(buffer, pixel, key)
    return buffer[buffer > 0] & 0xFFFFFFFF
