"""Cut a square out of a frame for a network, and bring the network's points back. OpenCV is loaded here, at first use."""

from __future__ import annotations

from math import cos, floor, isfinite, sin

import numpy as np

from face_mirror_au.errors import ModelRunError
from face_mirror_au.opencv import opencv
from face_mirror_au.records import Float32Array, FloatArray, Image, Region

# What a crop may shrink by sampling between neighbouring pixels; from twice that on, the frame is averaged first, down to this factor.
# PFLD knows such crops: averaging already at 2 moved its landmarks away from OpenFace's (from 0.030 to 0.031 of the eye distance).
BILINEAR_SHRINK = 2.0
# Pixels: far outside of any frame. Beyond it OpenCV's own numbers overflow.
MAX_PLACE = 1e6


def region_axes(region: Region) -> FloatArray:
    """Return the region's axes as columns of a (2, 2) matrix: what one side length along each is in frame pixels."""
    c, s = region.side * cos(region.roll), region.side * sin(region.roll)
    return np.array([[c, -s], [s, c]])


def to_frame(points: Float32Array, region: Region) -> Float32Array:
    """Bring points from a region to the frame.

    Parameters
    ----------
    points : ndarray, (N, 2) float32
        0 to 1 across the region, (0, 0) at its own upper left corner.
    region : Region

    Returns
    -------
    ndarray, (N, 2) float32
        Frame pixels.
    """
    inside = points.astype(np.float64) - 0.5
    # einsum, not matmul: BLAS may sum in another order on another machine or batch size.
    moved = np.einsum("ij,nj->ni", region_axes(region), inside) + np.array([region.x, region.y])
    return np.asarray(moved, dtype=np.float32)


def crop_square(image: Image, region: Region, size: int) -> Image:
    """Sample a region of the frame as a square picture, black where it leaves the frame.

    The region may lie anywhere, to a fraction of a pixel: whole pixels would make tracked landmarks tremble. Frame pixels have their
    middle at whole numbers, as everywhere in OpenCV.

    Parameters
    ----------
    image : ndarray, (H, W, 3) uint8
    region : Region
    size : int
        Side of the result in pixels.

    Returns
    -------
    ndarray, (size, size, 3) uint8

    Raises
    ------
    ModelRunError
        When the region is not finite, has no size, or lies or reaches beyond `MAX_PLACE`.
    """
    if not (isfinite(region.roll) and abs(region.x) <= MAX_PLACE and abs(region.y) <= MAX_PLACE and 0 < region.side <= MAX_PLACE):
        raise ModelRunError(f"there is no place to look at: {region}")
    cv2 = opencv()
    axes = region_axes(region) / size
    # The first pixel's middle lies half a pixel of the result inside the region's corner.
    first = np.array([region.x, region.y]) + axes @ np.full(2, (1 - size) / 2)
    shrink = floor(region.side / size / BILINEAR_SHRINK)
    if shrink > 1:
        image, origin = _averaged(image, first, axes, size, shrink)
        # An averaged pixel lies in the middle of the shrink x shrink pixels that it stands for.
        first = (first - origin - (shrink - 1) / 2) / shrink
        axes = axes / shrink
    if image.size == 0:
        return np.zeros((size, size, 3), dtype=np.uint8)
    crop: Image = cv2.warpAffine(
        image,
        np.column_stack([axes, first]),
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0, 0, 0),
    )
    return crop


def _averaged(image: Image, first: FloatArray, axes: FloatArray, size: int, shrink: int) -> tuple[Image, FloatArray]:
    """Return the part of the frame that a crop needs, shrink x shrink pixels averaged to one, and where in the frame (2,) it starts."""
    cv2 = opencv()
    corners = first + np.array([(0, 0), (0, size), (size, 0), (size, size)]) @ axes.T
    height, width = image.shape[:2]
    # On a grid that does not move with the region, else the same skin would be averaged differently in each frame.
    low = np.floor(np.clip(corners.min(axis=0) - shrink, 0, (width, height)) / shrink).astype(int) * shrink
    high = np.floor(np.clip(corners.max(axis=0) + 2 * shrink, 0, (width, height)) / shrink).astype(int) * shrink
    cells = (high - low) // shrink
    if (cells <= 0).any():
        return image[:0], low.astype(np.float64)
    part = image[low[1] : high[1], low[0] : high[0]]
    return cv2.resize(part, (int(cells[0]), int(cells[1])), interpolation=cv2.INTER_AREA), low.astype(np.float64)
