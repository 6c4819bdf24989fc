"""A face made of 68 landmarks, for tests of the rest, the lids and the regions."""

from __future__ import annotations

import numpy as np

from face_mirror_au.records import FloatArray


def _face() -> FloatArray:
    """Rough iBUG landmarks of a frontal face, (68, 2) px: outer-eye distance 100."""
    points = np.zeros((68, 2))
    angles = np.linspace(np.pi, 0.0, 17)
    points[:17] = np.stack([80 * np.cos(angles), 100 * np.sin(angles)], axis=1)
    for first, sign in ((17, -1), (22, 1)):
        points[first : first + 5] = np.stack([sign * np.linspace(15, 55, 5)[:: -sign or 1], np.full(5, -25.0)], axis=1)
    points[27:31] = np.stack([np.zeros(4), np.linspace(0, 30, 4)], axis=1)
    points[31:36] = np.stack([np.linspace(-12, 12, 5), np.full(5, 36.0)], axis=1)
    for first, middle in ((36, -35.0), (42, 35.0)):
        points[first : first + 6] = np.array([[-15, 0], [-6, -5], [6, -5], [15, 0], [6, 5], [-6, 5]]) + np.array([middle, 0.0])
    turn = np.linspace(np.pi, 3 * np.pi, 12, endpoint=False)
    points[48:60] = np.stack([28 * np.cos(turn), 9 * np.sin(turn) + 62], axis=1)
    turn = np.linspace(np.pi, 3 * np.pi, 8, endpoint=False)
    points[60:68] = np.stack([20 * np.cos(turn), 0.4 * np.sin(turn) + 62], axis=1)
    return points


FACE = _face()
