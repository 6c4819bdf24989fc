"""Squares placed on a face: what the landmark models share in choosing where to look."""

from __future__ import annotations

from collections.abc import Mapping
from math import atan2, cos, sin

import numpy as np

from face_mirror_au.errors import ModelRunError
from face_mirror_au.records import BoxSpan, Detection, Float32Array, FloatArray, Region

# iBUG's 68 points: the subject's right eye, then the left.
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)


def roll_between(right: Float32Array, left: Float32Array) -> float:
    """Return the angle in radians of the line from a point of the subject's right side to the same of the left; 0 for an upright face."""
    across = np.asarray(left, dtype=np.float64) - np.asarray(right, dtype=np.float64)
    return atan2(float(across[1]), float(across[0]))


def roll_of_detection(detection: Detection) -> float:
    """Return the roll of the line between the eyes, the first two keypoints; 0 when the detector gave none."""
    return roll_between(detection.keypoints[0], detection.keypoints[1]) if len(detection.keypoints) >= 2 else 0.0


def roll_of_landmarks(landmarks: Float32Array) -> float:
    """Return the roll of the line between the middles of the eyes of 68 landmarks (68, 2)."""
    return roll_between(landmarks[RIGHT_EYE].mean(axis=0), landmarks[LEFT_EYE].mean(axis=0))


def square_on_detection(detection: Detection, squares: Mapping[BoxSpan, tuple[float, float]]) -> Region:
    """Return a square on a detector's box, turned with the eyes.

    Parameters
    ----------
    detection : Detection
    squares : mapping of BoxSpan to (float, float)
        For each kind of box, the side of the square, and how far below the box's centre (in the face's own direction) its own lies; in
        units of the box's long side.
    """
    side, down = squares[detection.span]
    x1, y1, x2, y2 = (float(edge) for edge in detection.box)
    size = max(x2 - x1, y2 - y1)
    return square_below((x1 + x2) / 2, (y1 + y2) / 2, roll_of_detection(detection), side=side * size, down=down * size)


def square_below(x: float, y: float, roll: float, *, side: float, down: float) -> Region:
    """Return a square whose centre lies `down` pixels below (x, y), in the direction of a face rolled by `roll`."""
    return Region(x - down * sin(roll), y + down * cos(roll), side, roll)


def rolled_box(points: Float32Array, roll: float) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and highest x, y (2,) of points (N, 2) along axes turned by `roll`."""
    c, s = cos(roll), sin(roll)
    turned = points.astype(np.float64) @ np.array([[c, -s], [s, c]])
    return turned.min(axis=0), turned.max(axis=0)


# Landmarks farther from the square than this many of its sides are no answer, and their squares would grow without end.
MAX_REACH = 100.0


def check_finite(values: Float32Array, name: str, region: Region) -> None:
    """Raise ModelRunError when a network's output is not finite, so that the frame fails and not the whole video.

    Parameters
    ----------
    values : ndarray, float32
        Landmarks, 0 to 1 across the region; beyond `MAX_REACH` they count as not finite.
    name : str
        Of the network.
    region : Region
    """
    if not (np.abs(values) <= MAX_REACH).all():
        raise ModelRunError(f"{name}: the landmarks of {region} are not finite")
