"""The numbers of the report page as a table: one row for each pair of a left and a right number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple
from pathlib import Path

from face_mirror_au.asymmetry.rows import AsymmetryRow
from face_mirror_au.pipeline.signal import TableColumn
from face_mirror_au.tables.table_format import Part, TableFormat

_NO_NAME = "code of the movement; empty for the whole recording, and where it has no name"
# In the order of `AsymmetryRow`.
_COLUMNS = (
    TableColumn(
        "sides",
        "mirrored (each half made into a whole face) or unmirrored; best: the answers",
        "-",
        "three words",
        kind="text",
    ),
    TableColumn("movement", "number of the movement on the report page; 0: the whole recording", "-", "0 upwards", kind="whole"),
    TableColumn("start_s", "beginning of the movement or blink; empty for the whole recording", "s", "0 upwards"),
    TableColumn("end_s", "end of the movement or blink; empty for the whole recording", "s", "above 0"),
    TableColumn("action", _NO_NAME, "-", "two letters", kind="text"),
    TableColumn("proposed", "whether the program proposed the movement and nobody changed it", "-", "0 or 1", kind="flag"),
    TableColumn("zone", "part of the face: upper, eye, midface, mouth, or none", "-", "text", kind="text"),
    TableColumn(
        "signal", "action unit, landmark measure, or zone: the largest of its action units in each frame", "-", "text", kind="text"
    ),
    TableColumn(
        "measure",
        "peak, peak_time, area_per_second, at_rest, closure (of a blink), or the pair of zones that moved together",
        "-",
        "text",
        kind="text",
    ),
    TableColumn("left", "number of the subject's left side", "see unit"),
    TableColumn("right", "number of the subject's right side", "see unit"),
    TableColumn("difference", "(left - right) / (left + right); empty below the gate", "-", "-1 to 1"),
    TableColumn("ratio", "smaller / larger of left and right; empty below the gate", "-", "0 to 1"),
    TableColumn(
        "unit",
        "of left and right: intensity, eye distances (of the outer corners), mm, share (of the opening at rest), or s",
        "-",
        "text",
        kind="text",
    ),
    TableColumn("weaker", "the side that moves less: left, right, alike, unclear or too little; in rows of best", "-", "text", kind="text"),
    TableColumn(
        "error", "95 % of faces without a difference of the sides differ by less; empty where nobody knows it", "see unit", "0 upwards"
    ),
    TableColumn("why", "why the answer is unclear", "-", "text", kind="text"),
)
ASYMMETRY = TableFormat("asymmetry", (Part(_COLUMNS),))


def write_asymmetry_csv(path: Path, rows: Iterable[AsymmetryRow]) -> None:
    """Write the rows; numbers in full precision (the shortest decimals that read back as the same float64), None as an empty cell.

    Raises
    ------
    OutputError
    """
    ASYMMETRY.write_cells(path, map(astuple, rows))
