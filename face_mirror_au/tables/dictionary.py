"""`<stem>.columns.csv`: what every column of a run's tables holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from face_mirror_au.files import name_cell
from face_mirror_au.pipeline.signal import TableColumn
from face_mirror_au.tables.columns import JUDGED_APART
from face_mirror_au.tables.table_format import Part, TableFormat

DICTIONARY = TableFormat(
    "dictionary",
    tuple(
        Part((TableColumn(name, meaning, range="text", kind="text"),))
        for name, meaning in {
            "column": "name of a column",
            "file": "the files that hold it",
            "meaning": "what it holds",
            "unit": "of its numbers; - for numbers without one",
            "range": "in which they lie",
        }.items()
    ),
)


def write_dictionary(
    path: Path,
    files: Iterable[tuple[str, TableFormat]],
    bank: str = "",
    *,
    presence_above: float | None = None,
    empty: Collection[str] = (),
) -> None:
    """Write the dictionary: column, file, meaning, unit, range.

    A column has one row, which names all files that hold it; more rows where it means something else in one of them (`frame` counts from 0
    in the short formats).

    Parameters
    ----------
    path : Path
    files : iterable of str and TableFormat
        Name and format of each file; without a name, no file is named.
    bank : str
        Name of the action unit models, put behind the meaning of the AU columns.
    presence_above : float, optional
        The intensity above which these models call an action unit present; None: they judge it apart.
    empty : collection of str
        Action units that these models leave empty.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for file, table in files:
        for column in table.columns:
            found.setdefault((column.name, column.meaning, column.unit, column.range), []).append(file)
    rows = []
    for (name, means, unit, values), names in found.items():
        meaning = means
        if presence_above is not None:
            meaning = meaning.replace(JUDGED_APART, f"1 where the intensity, before smoothing, is above {presence_above:g}")
        if bank and name.startswith("AU"):
            meaning += f"; {'left empty by the ' if name[:4] in empty else ''}models: {bank}"
        rows.append((name, "; ".join(map(name_cell, dict.fromkeys(names))), meaning, unit, values))
    DICTIONARY.write_cells(path, rows)
