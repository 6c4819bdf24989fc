"""Parts of the face by their landmarks, and how far each part was seen. Left and right are the SUBJECT's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.records import ALL_AUS, PRESENCE_AUS, Float32Array, FloatArray

PARTS = ("brow", "eye", "nose", "mouth", "chin")
SIDES = ("left", "right")
REGIONS = tuple(f"{part}_{side}" for part in PARTS for side in SIDES)
"""In the order of every array of regions."""

# iBUG points of the right half; the left half has their partners.
_RIGHT_POINTS = {
    "brow": (17, 18, 19, 20, 21),
    "eye": (36, 37, 38, 39, 40, 41),
    "nose": (27, 28, 29, 30, 31, 32),
    "mouth": (48, 49, 50, 58, 59, 60, 61, 67),
    "chin": (4, 5, 6, 7, 8),
}
_LEFT_POINTS = {
    "brow": (22, 23, 24, 25, 26),
    "eye": (42, 43, 44, 45, 46, 47),
    "nose": (27, 28, 29, 30, 34, 35),
    "mouth": (52, 53, 54, 55, 56, 63, 64, 65),
    "chin": (8, 9, 10, 11, 12),
}
POINTS = tuple(np.array(points[part]) for part in PARTS for points in (_LEFT_POINTS, _RIGHT_POINTS))
# Which part makes an action unit visible; those of the jaw and the lower lip need the chin.
_PART_OF_AU = {
    **dict.fromkeys(("AU01", "AU02", "AU04"), "brow"),
    **dict.fromkeys(("AU05", "AU06", "AU07", "AU45"), "eye"),
    **dict.fromkeys(("AU09",), "nose"),
    **dict.fromkeys(("AU17", "AU26"), "chin"),
}
_MOUTH = "mouth"

# With this share of its points outside the picture a region is not seen at all.
NOT_SEEN = 0.25
MIN_SEEN = 0.15
"""A region is measured when its confidence is above this, as a face is."""


def region_confidences(landmarks: NDArray[np.floating] | Float32Array, size: tuple[int, int], confidence: float) -> FloatArray:
    """Confidence of each region: that of the face, less what lies outside the picture.

    Parameters
    ----------
    landmarks : ndarray, (68, 2)
        px, pixel centres at integers.
    size : (int, int)
        Width and height of the picture, px.
    confidence : float
        Of the face, 0 to 1.

    Returns
    -------
    ndarray, (10,) float64
        In the order of `REGIONS`, 0 to 1.
    """
    inside: NDArray[np.bool_] = np.all((landmarks >= -0.5) & (landmarks < np.array(size) - 0.5), axis=1)
    outside = np.array([1.0 - np.mean(inside[points]) for points in POINTS])
    return np.asarray(confidence * np.maximum(1.0 - outside / NOT_SEEN, 0.0))


def of_kept_half(confidences: FloatArray, *, left: bool) -> FloatArray:
    """Of a picture that shows one half of the face twice: both sides are as well seen as that half. (..., 10) float64."""
    by_part = confidences.reshape((*confidences.shape[:-1], len(PARTS), len(SIDES)))
    kept = by_part[..., [0 if left else 1]]
    return np.repeat(kept, len(SIDES), axis=-1).reshape(confidences.shape)


def unseen_units(confidences: FloatArray) -> NDArray[np.bool_]:
    """Which intensities of one side are not seen: (..., 2, 22) bool, the subject's left, then right; in the order of `ALL_AUS`.

    Parameters
    ----------
    confidences : ndarray, (..., 10) float64
        NaN counts as seen: of such a frame nobody knows.
    """
    return np.asarray(_unseen(confidences)[..., _REGION_OF_INTENSITY])


def unseen_presences(confidences: FloatArray) -> NDArray[np.bool_]:
    """Which presences of the whole face are not seen, since one side at least is not: (..., 18) bool."""
    return np.asarray(_unseen(confidences)[..., _REGION_OF_PRESENCE].any(axis=-2))


def _unseen(confidences: FloatArray) -> NDArray[np.bool_]:
    return np.array(confidences <= MIN_SEEN, dtype=np.bool_)


def _region_of(aus: tuple[str, ...]) -> NDArray[np.int64]:
    return np.array([[REGIONS.index(f"{_PART_OF_AU.get(au, _MOUTH)}_{side}") for au in aus] for side in SIDES])


_REGION_OF_INTENSITY, _REGION_OF_PRESENCE = _region_of(ALL_AUS), _region_of(PRESENCE_AUS)
