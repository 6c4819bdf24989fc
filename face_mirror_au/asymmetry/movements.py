"""Movements of a recording: stretches of time with an action, given by a person or proposed from the action units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.asymmetry.actions import ACTIONS, UNNAMED, Action
from face_mirror_au.asymmetry.measures import GATE, measured_on_both
from face_mirror_au.records import INTENSITY_AUS, FloatArray

# A proposal: something rises by at least this much above its own quiet level, intensity; it lasts while the rise is above `GATE`.
MIN_RISE = 1.0
QUIET_SHARE = 0.2  # of the frames: their level is an action unit's quiet one
MAX_GAP_S = 0.2  # a shorter pause does not end a movement
MIN_LENGTH_S = 0.2
# A shorter closure of the eyes is a blink, which nobody asked for: there are twenty of them in a minute.
MIN_CLOSURE_S = 0.5
BIG_SMILE = 2.5  # intensity: half of the scale

_ACTION_OF = {
    "AU01": "RE", "AU02": "RE", "AU04": "FR", "AU45": "ES", "AU09": "WN", "AU10": "WN", "AU12": "SS", "AU20": "SE", "AU25": "SO",
    "AU14": "", "AU15": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Movement:
    """One stretch of time.

    Attributes
    ----------
    start_s, end_s : float
        s, both included; counted as the times of the tables.
    code : str
        A key of `ACTIONS`, or empty: not named.
    proposed : bool
        Whether the program proposed it and nobody changed it.
    """

    start_s: float
    end_s: float
    code: str
    proposed: bool = False

    @property
    def action(self) -> Action:
        """What the person was asked to do, or is thought to do."""
        return ACTIONS.get(self.code, UNNAMED)

    def rows(self, time_s: FloatArray) -> NDArray[np.bool_]:
        """Which of the times (N,) lie in it."""
        return (time_s >= self.start_s) & (time_s <= self.end_s)


def propose_movements(time_s: FloatArray, left: FloatArray, right: FloatArray) -> list[Movement]:
    """Propose movements from final intensities.

    The strength of an action unit is the larger of its two sides, minus its own quiet level (what it does not exceed in a fifth of the
    frames). A movement is a stretch of time in which some strength stays above 0.5, reaches 1, and lasts 0.2 s; pauses shorter than 0.2 s
    are part of it. It is named after the action unit with the largest strength, summed over the stretch; a closure of the eyes shorter
    than 0.5 s is a blink and left out. A smile is called big from 2.5 on. Where no protocol movement is made by that action unit, it has
    no name.

    Parameters
    ----------
    time_s : ndarray, (N,) float64
        s, growing.
    left, right : ndarray, (N, 17) float64
        Final intensities, NaN where there is no measurement.

    Returns
    -------
    list of Movement
        In order of time, times rounded to ms.
    """
    aus = [au for au in _ACTION_OF if measured_on_both(*_sides(au, left, right)).any()]
    if not aus:
        return []
    rises = np.stack([_rise(*_sides(au, left, right)) for au in aus], axis=1)
    runs = _stretches(time_s, rises.max(axis=1) >= GATE)
    found = [_name(time_s, rises, left, right, aus, slice(first, last + 1)) for first, last in runs]
    return [movement for movement in found if movement is not None]


def _sides(au: str, left: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    column = INTENSITY_AUS.index(au)
    return left[:, column], right[:, column]


def _rise(left: FloatArray, right: FloatArray) -> FloatArray:
    """Strength above the quiet level, (N,); 0 where there is no measurement: nothing is proposed there."""
    larger = np.maximum(left, right)
    there = np.isfinite(larger)
    return np.where(there, larger - np.quantile(larger[there], QUIET_SHARE), 0.0)


def _stretches(time_s: FloatArray, active: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last row of every stretch; those with a short pause between them are one."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]]).astype(np.int8))).reshape(-1, 2)
    joined: list[tuple[int, int]] = []
    for first, after in edges.tolist():
        if joined and time_s[first] - time_s[joined[-1][1]] < MAX_GAP_S:
            joined[-1] = (joined[-1][0], after - 1)
        else:
            joined.append((first, after - 1))
    return joined


def _name(time_s: FloatArray, rises: FloatArray, left: FloatArray, right: FloatArray, aus: Sequence[str], rows: slice) -> Movement | None:
    """The movement of a stretch; None for noise and blinks."""
    inside, times = rises[rows], time_s[rows]
    length = times[-1] - times[0]
    au = aus[int(np.maximum(inside, 0).sum(axis=0).argmax())]
    if inside.max() < MIN_RISE or length < (MIN_CLOSURE_S if au == "AU45" else MIN_LENGTH_S):
        return None
    code = _ACTION_OF[au]
    if code == "SS" and max(float(np.nanmax(side[rows])) for side in _sides(au, left, right)) >= BIG_SMILE:
        code = "BS"
    return Movement(round(float(times[0]), 3), round(float(times[-1]), 3), code, proposed=True)
