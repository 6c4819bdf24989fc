"""Zones that move although another one was meant: eye with mouth, mouth with eye, nose with mouth. Synkinesis in numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.asymmetry.comparison import TwoValues
from face_mirror_au.records import FloatArray

# Of the strongest moment of the meant movement: where it is above, the movement is held.
HELD_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Pair:
    """Two zones: `meant` moves because it was asked to, `other` should not.

    Attributes
    ----------
    key, name : str
        E.g. "eye_with_mouth", "eye with mouth".
    meant, other : str
        Keys of zones.
    aus : tuple of str
        Action units in which the other zone's movement is looked for.
    landmark : str or None
        Key of the landmark measure for the same.
    """

    key: str
    name: str
    meant: str
    other: str
    aus: tuple[str, ...]
    landmark: str | None


PAIRS = (
    Pair("eye_with_mouth", "eye with mouth", "mouth", "eye", ("AU45",), "eye_closing"),
    Pair("nose_with_mouth", "nose with mouth", "mouth", "midface", ("AU09", "AU10"), None),
    Pair("mouth_with_eye", "mouth with eye", "eye", "mouth", ("AU12",), "mouth_corner"),
)
# The action units that take part: their raw values are looked at, too.
RAW_AUS = tuple(dict.fromkeys(au for pair in PAIRS for au in pair.aus))


def held_rows(left: FloatArray, right: FloatArray, inside: NDArray[np.bool_], gate: float) -> NDArray[np.bool_]:
    """In which rows of a movement it is held: the larger side is at least half as strong as at its strongest.

    The larger side, because a weak side may not move at all, and what was meant is seen on the other one.

    Parameters
    ----------
    left, right : ndarray, (N,) float64
        The meant zone's two sides; NaN where there is no measurement.
    inside : ndarray, (N,) bool
        The rows of the movement.
    gate : float
        A movement that stays below is none: no row is held.
    """
    larger = np.where(inside, np.maximum(left, right), np.nan)
    top = np.max(larger, where=np.isfinite(larger), initial=-np.inf)
    with np.errstate(invalid="ignore"):
        return np.asarray((larger >= HELD_SHARE * top) & (top >= gate))


def co_movement(left: FloatArray, right: FloatArray, held: NDArray[np.bool_], at_rest: NDArray[np.bool_], gate: float) -> TwoValues | None:
    """How far a signal of the other zone is from rest while the meant movement is held.

    For each side: median over the held rows - median over the rows at rest, of those in which both sides were measured. Medians, because
    a blink that happens to fall into a smile is no synkinesis: what lasts less than half of the held time does not count.

    Parameters
    ----------
    left, right : ndarray, (N,) float64
        The signal of the other zone, final or raw intensity or a landmark measure; NaN where there is no measurement.
    held, at_rest : ndarray, (N,) bool
    gate : float
        In the unit of the signal.

    Returns
    -------
    TwoValues or None
        Shift of each side from rest, in the unit of the signal; negative where it moved the other way. None where no row is held, or none
        at rest was measured.
    """
    both = np.isfinite(left) & np.isfinite(right)
    held, at_rest = held & both, at_rest & both
    if not held.any() or not at_rest.any():
        return None
    shifts = [float(np.median(side[held]) - np.median(side[at_rest])) for side in (left, right)]
    return TwoValues(shifts[0], shifts[1], gate)
