"""Lashes, drawn over the finished picture: the mesh has none, and without them a closed eye is bare skin."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

# iBUG: the upper lids from corner to corner, the subject's right first.
UPPER_LIDS = ((36, 37, 38, 39), (45, 44, 43, 42))


def draw_lashes(image: NDArray[np.uint8], landmarks: NDArray[np.float32], strength: float) -> None:
    """A dark line along each upper lid, in place.

    Parameters
    ----------
    image : (H, W, 3) uint8 BGR
    landmarks : (68, 2) float32
        px.
    strength : float
        0 to 1.
    """
    across = float(np.linalg.norm(landmarks[36] - landmarks[45]))
    over = image.copy()
    for lid in UPPER_LIDS:
        points = landmarks[list(lid)].astype(np.float64)
        turn = np.linspace(0.0, 1.0, 13)[:, np.newaxis]
        # A cubic through the four points, at 0, 1/3, 2/3 and 1.
        powers = np.hstack([turn**power for power in range(4)])
        knots = np.vander([0.0, 1 / 3, 2 / 3, 1.0], 4, increasing=True)
        curve = powers @ np.linalg.solve(knots, points)
        cv2.polylines(over, [np.round(curve * 16).astype(np.int32)], False, (28, 26, 30), max(1, round(0.02 * across)), cv2.LINE_AA, 4)
    image[:] = cv2.addWeighted(over, strength, image, 1.0 - strength, 0.0)
