"""Which frames show the face at rest: what landmark measures and co-movement are counted from."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.asymmetry.movements import Movement
from face_mirror_au.records import FloatArray

BASELINE_CODE = "BL"
_NAMED = "neutral:"
# Fewer frames outside of all movements say little about rest.
_MIN_FRAMES = 5


def rows_at_rest(
    time_s: FloatArray, movements: Collection[Movement], baseline: str, rest: Collection[tuple[float, float]] = ()
) -> tuple[NDArray[np.bool_], str]:
    """Choose the frames at rest, the best that is known.

    Movements called baseline (BL); else the seconds that the run was told are neutral (`baseline` is ``neutral:START-END``); else the
    stretches that the run found; else the frames that are in no movement, if there are five; else all frames.

    Returns
    -------
    ndarray, (N,) bool
    str
        The choice in words: "the frames that are in no movement".
    """
    named = [movement for movement in movements if movement.code == BASELINE_CODE]
    if named:
        return _inside(time_s, named), "the frames of the movements called baseline (BL)"
    seconds = _seconds(baseline)
    if seconds is not None and _inside(time_s, [seconds]).any():
        return _inside(time_s, [seconds]), f"the face in seconds {baseline.removeprefix(_NAMED)}, named as rest"
    found = _inside(time_s, [Movement(start, end, BASELINE_CODE) for start, end in rest])
    if found.any():
        return found, "the frames at rest that were found in the recording"
    outside = ~_inside(time_s, movements)
    if movements and outside.sum() >= _MIN_FRAMES:
        return outside, "the frames that are in no movement"
    return np.ones(len(time_s), dtype=np.bool_), "all frames: in most of them, the face must be at rest"


def _inside(time_s: FloatArray, movements: Collection[Movement]) -> NDArray[np.bool_]:
    found = np.zeros(len(time_s), dtype=np.bool_)
    for movement in movements:
        found |= movement.rows(time_s)
    return found


def _seconds(baseline: str) -> Movement | None:
    start, dash, end = baseline.removeprefix(_NAMED).partition("-")
    try:
        return Movement(float(start), float(end), BASELINE_CODE) if baseline.startswith(_NAMED) and dash else None
    except ValueError:
        return None
