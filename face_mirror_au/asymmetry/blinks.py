"""Blinks: short closures of the eyes by their lids, and how far each eye closed. Left and right are the SUBJECT's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from face_mirror_au.asymmetry.movements import MIN_CLOSURE_S, runs_of
from face_mirror_au.records import FloatArray

# Share of its opening at rest by which the more closed eye closes: above the first for less than `MIN_CLOSURE_S`, once above the second.
# A smile narrows eyes by 0.2. On 26 rendered recordings of another seed than the benchmarks' 40 of 40 blinks are found, and 6 are not one.
_LOW, _HIGH = 0.20, 0.28


@dataclass(frozen=True, slots=True)
class Blink:
    """One blink: from `start_s` to `end_s`, and by which share of its opening at rest each eye closed, 0 to 1 (1: complete)."""

    start_s: float
    end_s: float
    left: float
    right: float


def find_blinks(time_s: FloatArray, closures: FloatArray | None) -> tuple[Blink, ...]:
    """Find the blinks of a recording.

    Parameters
    ----------
    time_s : ndarray, (N,) float64
        s, growing.
    closures : ndarray, (N, 2) float64, or None
        By which share of its opening at rest each eye has closed, left and right, NaN without a measurement; None where nobody knows.

    Returns
    -------
    tuple of Blink
        In order of time. A closure at the very beginning or end of the recording is none: nobody saw the whole of it. One eye is enough: an
        eye that cannot close is told by its share.
    """
    if closures is None:
        return ()
    more = np.max(np.nan_to_num(closures), axis=1)
    found = []
    for closed, first, last in runs_of((more > _LOW).astype(np.int64)):
        rows, whole = slice(first, last + 1), first > 0 and last < len(time_s) - 1
        if closed and whole and time_s[last] - time_s[first] < MIN_CLOSURE_S and more[rows].max() >= _HIGH:
            left, right = np.max(np.nan_to_num(closures[rows]), axis=0)
            found.append(Blink(float(time_s[first]), float(time_s[last]), float(left), float(right)))
    return tuple(found)


def completeness(blinks: Iterable[Blink]) -> tuple[float, float] | None:
    """Median share of left and right; None without a blink."""
    shares = [(blink.left, blink.right) for blink in blinks]
    if not shares:
        return None
    left, right = np.median(shares, axis=0)
    return float(left), float(right)
