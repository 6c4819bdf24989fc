"""Movements of a recording: stretches of time with an action, given by a person or proposed from the action units."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.asymmetry.actions import ACTIONS, UNNAMED, Action
from face_mirror_au.asymmetry.comparison import GATE
from face_mirror_au.records import ALL_AUS, FloatArray

# A proposal: something rises by at least this much above its own quiet level, intensity; it lasts while the rise is above `GATE`.
MIN_RISE = 1.0
QUIET_SHARE = 0.2  # of the frames: their level is an action unit's quiet one
MIN_LENGTH_S = 0.2  # a shorter pause does not end a movement, and what is shorter is none
# A shorter closure of the eyes is a blink, which nobody asked for: there are twenty of them in a minute.
MIN_CLOSURE_S = 0.5
VALLEY = 0.5  # of the lower of its two neighbours: what sinks below was two movements
BIG_SMILE = 2.5  # intensity: half of the scale

# By zone, the action units that movements are looked for in, with the action that they propose; empty: no one movement of the protocol.
_PROPOSALS: dict[str, dict[str, str]] = {
    "upper": {"AU01": "RE", "AU02": "RE", "AU04": "FR"},
    "eye": {"AU45": "ES"},
    "midface": {"AU09": "WN", "AU10": "WN"},
    "mouth": {"AU12": "SS", "AU14": "", "AU15": "", "AU20": "", "AU25": ""},
}
_EYE = list(_PROPOSALS).index("eye")
_SMILE = "SS"
_REST = -1


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
    line : int
        Of the table that it was read from, from 1, for messages; 0: of none.
    """

    start_s: float
    end_s: float
    code: str
    proposed: bool = False
    line: int = field(default=0, compare=False)

    @property
    def action(self) -> Action:
        """What the person was asked to do, or is thought to do."""
        return ACTIONS.get(self.code, UNNAMED)

    def rows(self, time_s: FloatArray) -> NDArray[np.bool_]:
        """Which of the times (N,) lie in it."""
        return (time_s >= self.start_s) & (time_s <= self.end_s)

    def overlaps(self, other: Movement) -> bool:
        """Whether both last at the same time; one that begins when the other ends does not."""
        return self.start_s < other.end_s and other.start_s < self.end_s


def propose_movements(time_s: FloatArray, left: FloatArray, right: FloatArray) -> list[Movement]:
    """Propose movements from final intensities.

    The strength of an action unit is the larger of its two sides, minus its own quiet level (what it does not exceed in a fifth of the
    frames); that of a zone is the largest of its action units. A movement is a stretch of time in which one zone is the strongest and
    its strength stays above 0.5, reaches 1, and lasts 0.2 s. Interruptions shorter than 0.2 s, and blinks, are part of it; where its
    strength sinks below half of what it reaches before and after, there were two. It is named after the action unit with the largest
    strength, summed over the stretch. A smile is called big from 2.5 on; a closure of the eyes shorter than 0.5 s is a blink and left
    out.

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
    rises = {au: _rise(*_sides(au, left, right)) for aus in _PROPOSALS.values() for au in aus}
    zones = np.stack([np.max([rises[au] for au in aus], axis=0) for aus in _PROPOSALS.values()], axis=1)
    found = []
    for label, first, last in _stretches(time_s, zones):
        actions = list(_PROPOSALS.values())[label]
        for start, end in _parts(time_s, zones[:, label], first, last):
            rows = slice(start, end + 1)
            length = time_s[end] - time_s[start]
            if zones[rows, label].max() < MIN_RISE or length < (MIN_CLOSURE_S if label == _EYE else MIN_LENGTH_S):
                continue
            au = max(actions, key=lambda one: float(np.maximum(rises[one][rows], 0).sum()))
            code = actions[au]
            if code == _SMILE and max(float(np.nanmax(side[rows])) for side in _sides(au, left, right)) >= BIG_SMILE:
                code = "BS"
            found.append(Movement(round(float(time_s[start]), 3), round(float(time_s[end]), 3), code, proposed=True))
    return found


def _sides(au: str, left: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    column = ALL_AUS.index(au)
    return left[:, column], right[:, column]


def _rise(left: FloatArray, right: FloatArray) -> FloatArray:
    """Strength above the quiet level, (N,); 0 where there is no measurement: nothing is proposed there."""
    larger = np.maximum(left, right)
    there = np.isfinite(larger)
    quiet = np.quantile(larger[there], QUIET_SHARE) if there.any() else 0.0
    return np.where(there, larger - quiet, 0.0)


def _stretches(time_s: FloatArray, zones: FloatArray) -> list[tuple[int, int, int]]:
    """Strongest zone, first and last row of every stretch; what only interrupts one is part of it."""
    labels = np.where(zones.max(axis=1) >= GATE, zones.argmax(axis=1), _REST)
    runs = runs_of(labels)
    for (before, _, _), (label, first, last), (after, _, _) in zip(runs, runs[1:], runs[2:], strict=False):
        limit = MIN_CLOSURE_S if label == _EYE else MIN_LENGTH_S
        # From the frame before it to the one after it.
        if before == after != _REST and time_s[last + 1] - time_s[first - 1] < limit:
            labels[first : last + 1] = before
    return [run for run in runs_of(labels) if run[0] != _REST]


def runs_of(labels: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Label, first and last row of every run of equal labels."""
    starts = np.flatnonzero(np.diff(labels, prepend=labels[:1] - 1))
    ends = np.append(starts[1:], len(labels)) - 1
    return [(int(labels[start]), int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def _parts(time_s: FloatArray, strength: FloatArray, first: int, last: int) -> list[tuple[int, int]]:
    """A stretch, parted at its deepest valley, and so on; what lasts less than `MIN_LENGTH_S` is no valley."""
    inside = strength[first : last + 1]
    lower = np.minimum(np.maximum.accumulate(inside), np.maximum.accumulate(inside[::-1])[::-1])
    depth = np.where(lower >= MIN_RISE, inside / np.maximum(lower, MIN_RISE), 1.0)
    valleys = [
        slice(start, end + 1)
        for low, start, end in runs_of((depth < VALLEY).astype(np.int64))
        if low and time_s[first + end + 1] - time_s[first + start - 1] >= MIN_LENGTH_S
    ]
    if not valleys:
        return [(first, last)]
    deepest = min(valleys, key=lambda rows: float(depth[rows].min()))
    valley = first + deepest.start + int(depth[deepest].argmin())
    return _parts(time_s, strength, first, valley) + _parts(time_s, strength, valley + 1, last)
