"""One row of `<stem>.asymmetry.csv`: a left and a right number of a recording, or of one movement."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AsymmetryRow:
    """One left and one right number. Its fields are the columns of the table.

    Attributes
    ----------
    sides : str
        "mirrored" (each half made into a whole face), "unmirrored", or "best": the answers.
    movement : int
        Number of the movement on the page, from 1; 0 for the whole recording.
    start_s, end_s : float or None
        s; of a movement or a blink, None for the whole recording.
    action : str
        Code of the movement; empty for the whole recording, and where it has none.
    proposed : bool
        Whether the program proposed the movement and nobody changed it.
    zone : str
        Key of a zone.
    signal : str
        An action unit, a landmark measure, or "zone": the largest of its action units in each frame.
    measure : str
        "peak", "peak_time", "area_per_second", "at_rest", "closure" (of a blink), or the key of a co-movement.
    left, right : float or None
        In the `unit`; the subject's. None where there is no such number.
    difference, ratio : float or None
        (L - R) / (L + R) and min / max; None below the gate, and for times and areas.
    unit : str
        "intensity", "eye distances", "mm", "share" (of the opening at rest) or "s".
    weaker : str
        The side that moves less: "left", "right", "alike", "unclear" or "too little"; empty but in rows of "best".
    error : float or None
        What 95 % of faces without a difference of the sides stay below; None where nobody knows it.
    why : str
        Why it is unclear.
    """

    sides: str
    movement: int
    start_s: float | None
    end_s: float | None
    action: str
    proposed: bool
    zone: str
    signal: str
    measure: str
    left: float | None
    right: float | None
    difference: float | None
    ratio: float | None
    unit: str
    weaker: str = ""
    error: float | None = None
    why: str = ""
