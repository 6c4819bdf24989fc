"""`batch.csv`: what came of every input."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from face_mirror_au.files import atomic_text, name_cell

TABLE_FILE = "batch.csv"
Status = Literal["pending", "done", "skipped", "failed"]


@dataclass
class Row:
    """One input.

    Attributes
    ----------
    input : str
        As given.
    status : str
        "pending": not reached yet; "done": measured now; "skipped": had been measured before; "failed".
    reason : str
        Why it failed, or why its result is not whole; empty when all is well.
    frames : int or None
        Decoded frames.
    success_rate : float or None
        Share of the frames in which the original view was measured, 0 to 1.
    seconds : float or None
        What measuring took, s; None when nothing was measured now.
    output : str
        The result's folder in the output folder.
    """

    input: str
    status: Status = "pending"
    reason: str = ""
    frames: int | None = None
    success_rate: float | None = None
    seconds: float | None = None
    output: str = ""

    @property
    def partial(self) -> bool:
        """Whether there is a result that is not whole."""
        return self.status in {"done", "skipped"} and bool(self.reason)


COLUMNS = tuple(each.name for each in fields(Row))


def success_rate(frames: Mapping[str, object]) -> float | None:
    """Share of frames with a measurement of the original view, from the metadata's "frames"; None where there are none."""
    original = frames.get("original")
    if not isinstance(original, Mapping) or not original.get("rows"):
        return None
    return 1.0 - float(original["failed"]) / float(original["rows"])


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write the table, whole or not at all. Raises OutputError."""
    with atomic_text(path) as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow([_cell(value) for value in vars(row).values()])


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else name_cell(str(value))
