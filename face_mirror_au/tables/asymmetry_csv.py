"""The numbers of the report page as a table: one row for each pair of a left and a right number."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from face_mirror_au.files import atomic_text

ENDING = ".asymmetry.csv"
ASYMMETRY_COLUMNS = (
    "sides", "movement", "start_s", "end_s", "action", "proposed", "zone", "signal", "measure", "left", "right", "difference", "ratio",
    "unit",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AsymmetryRow:
    """One left and one right number.

    Attributes
    ----------
    sides : str
        "mirrored" (each half made into a whole face) or "unmirrored".
    movement : int
        Number of the movement on the page, from 1; 0 for the whole recording.
    start_s, end_s : float or None
        s; None for the whole recording.
    action : str
        Code of the movement; empty for the whole recording, and where it has none.
    proposed : bool
        Whether the program proposed the movement and nobody changed it.
    zone : str
        Key of a zone.
    signal : str
        An action unit, a landmark measure, or "zone": the largest of its action units in each frame.
    measure : str
        "peak", "peak_time", "area_per_second", "at_rest", or the key of a co-movement.
    left, right : float or None
        In the `unit`; the subject's. None where there is no such number.
    difference, ratio : float or None
        (L - R) / (L + R) and min / max; None below the gate, and for times and areas.
    unit : str
        "intensity", "eye distances" or "s".
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


def write_asymmetry_csv(path: Path, rows: Iterable[AsymmetryRow]) -> None:
    """Write the rows; numbers in full precision (the shortest decimals that read back as the same float64), None as an empty cell.

    Raises
    ------
    OutputError
    """
    with atomic_text(path) as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(ASYMMETRY_COLUMNS)
        for row in rows:
            writer.writerow([_cell(getattr(row, column)) for column in ASYMMETRY_COLUMNS])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return repr(value + 0.0) if isinstance(value, float) else str(value)  # + 0.0: no "-0.0"
