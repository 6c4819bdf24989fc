"""The experts of one scale: for each landmark and view, a detector that says where around the landmark's place it might be."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.numerics import _kernels
from face_mirror_au.records import Float32Array, FloatArray

SUPPORT = 11
"""Side of what an expert looks at, px of the upright face."""
MAX_WINDOW = 15
"""Largest side of a response map."""

Grey = NDArray[np.uint8]


class Experts(Protocol):
    """All experts of one scale."""

    @property
    def scaling(self) -> float:
        """Pixels a mm at which they look."""

    @property
    def views(self) -> FloatArray:
        """Centres of the views, (v, 3) rad: rx, ry, rz."""

    @property
    def visible(self) -> NDArray[np.uint8]:
        """Which landmarks have an expert, (v, n)."""

    @property
    def confidence(self) -> Float32Array:
        """How much an expert is trusted, (v, n)."""

    def respond(self, image: Grey, points: Float32Array, to_image: Float32Array, view: int, window: int) -> Float32Array:
        """Response maps.

        Parameters
        ----------
        image : ndarray, (height, width) uint8
        points : ndarray, (2, n) float32
            Landmarks, px.
        to_image : ndarray, (2, 2) float32
            From the upright face at the experts' scale to the picture.
        view : int
        window : int
            Side of the maps, odd.

        Returns
        -------
        ndarray, (n, window, window) float32
            Rows are y. 0 for landmarks without an expert.
        """


def nearest_view(views: FloatArray, rotation: Float32Array) -> int:
    """The view whose centre is nearest to Euler angles (3,) rad; the first of several."""
    difference = (views - rotation.astype(np.float64)).astype(np.float32).astype(np.float64)
    return int(np.argmin((difference * difference).sum(axis=1)))


def surroundings(image: Grey, points: Float32Array, visible: NDArray[np.uint8], to_image: Float32Array, window: int) -> Float32Array:
    """What the experts look at, (n, window + 10, window + 10) float32."""
    side = window + SUPPORT - 1
    out = np.empty((points.shape[1], side, side), np.float32)
    _kernels.responses.areas(image, points, visible, to_image, out)
    return out
