"""The numbers of the report page as a table: one row for each pair of a left and a right number."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path

from face_mirror_au.asymmetry.rows import AsymmetryRow
from face_mirror_au.files import atomic_text

ENDING = ".asymmetry.csv"
ASYMMETRY_COLUMNS = tuple(column.name for column in fields(AsymmetryRow))


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
            writer.writerow(map(_cell, astuple(row)))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return repr(value + 0.0) if isinstance(value, float) else str(value)  # + 0.0: no "-0.0"
