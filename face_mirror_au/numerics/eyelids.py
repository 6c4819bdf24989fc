"""How far the eyelids are apart, and how far they have closed: from points on the lids' edges, never from what the eyeball shows.

An eye that rolls up behind lids that cannot close (Bell's phenomenon) looks closed to a predictor of action units. The lids tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.records import FloatArray

EYE_WIDTH_MM = 30.0
"""Of an adult; only makes the two scales of an opening alike."""

LEAST_OPENING = 0.08
"""An eye that is less open at rest has no opening of its own to be compared with."""
# Up to this closure an eye counts as open; beyond it AU45 may rise by so much for a closure of 1. An eye that rolls up behind open lids
# seems to close by 0.20 to 0.27 (composites), a smile narrows eyes by 0.2; the lids of a real blink seem to close by 0.4 to 1.
OPEN_UP_TO, BLINK_OF_CLOSURE = 0.26, 16.0


@dataclass(frozen=True, slots=True)
class EyePoints:
    """Which points of a set lie on one eye's lids.

    Attributes
    ----------
    corners : (int, int)
    upper, lower : tuple of int
        Opposite points of the two edges, in pairs.
    """

    corners: tuple[int, int]
    upper: tuple[int, ...]
    lower: tuple[int, ...]


LANDMARK_EYES = (EyePoints((42, 45), (43, 44), (47, 46)), EyePoints((36, 39), (37, 38), (41, 40)))
"""Of iBUG's 68 landmarks, the subject's left eye first."""


def eye_openings(points: NDArray[np.floating], scale: FloatArray, eyes: Sequence[EyePoints] = LANDMARK_EYES) -> FloatArray:
    """How far the lids of each eye are apart, as a share of the eye's width.

    The distance of the lids across the line between the eye's corners is divided by the geometric mean of two widths: the eye's own, and
    `EYE_WIDTH_MM` at the face's scale. The first errs when the head turns, the second when it comes nearer: frozen eyes of composites stay
    within 0.91 to 1.07 of their rest (the first alone 0.91 to 1.11, the second alone 0.90 to 1.08).

    Parameters
    ----------
    points : ndarray, (..., n, 2 or 3)
        px.
    scale : ndarray, (...)
        px per mm, of the face's pose.
    eyes : sequence of EyePoints
        The subject's left, then right.

    Returns
    -------
    ndarray, (..., 2) float64
        About 0.3 at rest, 0 closed; below 0 where the edges cross.
    """
    flat = np.asarray(points, np.float64)[..., :2]
    openings = []
    for eye in eyes:
        across = flat[..., eye.corners[1], :] - flat[..., eye.corners[0], :]
        width = np.maximum(np.linalg.norm(across, axis=-1), 1e-6)
        # Downwards in the picture: both eyes name the corner at the picture's left first.
        apart = (flat[..., list(eye.lower), :] - flat[..., list(eye.upper), :]).mean(axis=-2)
        height = (apart[..., 1] * across[..., 0] - apart[..., 0] * across[..., 1]) / width
        openings.append(height / np.sqrt(width * EYE_WIDTH_MM * np.maximum(scale, 1e-6)))
    return np.stack(openings, axis=-1)


def eye_closures(openings: FloatArray, at_rest: FloatArray) -> FloatArray:
    """By which share of its opening at rest each eye has closed.

    Parameters
    ----------
    openings : ndarray, (N, 2) float64
        From `eye_openings`.
    at_rest : ndarray, (2,) float64

    Returns
    -------
    ndarray, (N, 2) float64
        0 as open as at rest or wider, 1 closed. NaN where an opening is unknown, or an eye is closed at rest (`LEAST_OPENING`).
    """
    known = np.where(at_rest >= LEAST_OPENING, at_rest, np.nan)
    return np.asarray(np.clip(1.0 - openings / known, 0.0, 1.0))


def lids_allow(closures: FloatArray) -> FloatArray:
    """The largest AU45 that goes with a closure by the lids; any where the closure is unknown."""
    most = BLINK_OF_CLOSURE * np.maximum(closures - OPEN_UP_TO, 0.0)
    return np.where(np.isnan(closures), np.inf, most)
