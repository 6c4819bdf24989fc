"""A whole run as one Excel workbook: a sheet for each of its tables, numbers as numbers, all text as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np

from face_mirror_au.errors import ExcelMissingError, TableError
from face_mirror_au.files import atomic_binary, display_name, make_output_folder
from face_mirror_au.pipeline.signal import TableColumn
from face_mirror_au.pipeline.signals import SIGNALS
from face_mirror_au.records import View
from face_mirror_au.results.names import ASYMMETRY, view_table
from face_mirror_au.results.result import find_result
from face_mirror_au.tables.formats import open_table
from face_mirror_au.tables.table_files import Piece

# Excel's own limit, with the line of names.
MAX_ROWS = 1_048_576
AU_SHEETS = {View.ORIGINAL: "AUs original", View.LEFT_MIRRORED: "AUs left", View.RIGHT_MIRRORED: "AUs right"}
_SIDES, _COLUMNS = ".sides.csv", ".columns.csv"
# What a row of `<stem>.asymmetry.csv` says of its movement.
_OF_MOVEMENT = ("movement", "start_s", "end_s", "action", "proposed")


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Name of a sheet, its columns, its rows, and the file that it comes from."""

    name: str
    columns: Sequence[TableColumn]
    pieces: Iterable[Piece]
    file: str


def is_workbook(path: Path) -> bool:
    """Whether a file is an Excel workbook by its name."""
    return path.suffix.lower() == ".xlsx"


def write_workbook(result: Path | str, path: Path | str) -> Path:
    """Write the tables of a run into one Excel workbook.

    Sheets, each where the run has it: "AUs original", "AUs left" and "AUs right" (the final tables of the three views, without head pose,
    landmarks and shape), "sides", "asymmetry", "movements" (those that the asymmetry was measured in), and "dictionary" (what the columns
    hold). An empty cell is a missing value. No cell is a formula or a link, whatever its text begins with.

    Parameters
    ----------
    result : path
        The folder of a run's files, or one that holds the folder of exactly one run.
    path : path
        Where to; it ends in .xlsx. A file of that name is replaced.

    Raises
    ------
    ResultError
        When there is no such run.
    TableError
        When `path` is no workbook by its name, a table is damaged, or a table has more rows than a sheet can hold.
    OutputError
        When the file cannot be written.
    ExcelMissingError
        When XlsxWriter is not installed.
    """
    folder, stem = find_result(Path(result))
    target = Path(path)
    if not is_workbook(target):
        raise TableError(f"the output '{target.name}' must end in .xlsx")
    xlsxwriter = _xlsxwriter()
    sheets = [*_of_views(folder, stem), *_of_asymmetry(folder, stem)]
    if not sheets:
        raise TableError(f"'{display_name(folder)}' holds no tables of '{stem}'; run the recording again")
    sheets += _dictionary(folder, stem, sheets)
    make_output_folder(target.parent)
    # Rows go to files of the library's own until the workbook is closed: beside the output, not where others may read.
    with atomic_binary(target) as handle, TemporaryDirectory(dir=target.parent, prefix=".writing-") as rows:
        options = {"constant_memory": True, "tmpdir": rows, "use_zip64": True}
        with xlsxwriter.Workbook(handle, options) as book:
            bold = book.add_format({"bold": True})
            for sheet in sheets:
                _write(book.add_worksheet(sheet.name), sheet, bold)
    return target


def _xlsxwriter() -> ModuleType:
    try:
        import xlsxwriter  # an extra
    except ImportError as error:
        raise ExcelMissingError("Excel workbooks need XlsxWriter; install it with: pip install xlsxwriter") from error
    module: ModuleType = xlsxwriter
    return module


def _of_views(folder: Path, stem: str) -> Iterator[_Sheet]:
    left_out = {column.name for signal in SIGNALS if not signal.tidy for column in signal.columns}
    for view, name in AU_SHEETS.items():
        if (path := view_table(folder, stem, view)).exists():
            table = open_table(path)
            yield _Sheet(name, [column for column in table.format.columns if column.name not in left_out], table.pieces(), path.name)
    if (path := folder / (stem + _SIDES)).exists():
        table = open_table(path)
        yield _Sheet("sides", table.format.columns, table.pieces(), path.name)


def _of_asymmetry(folder: Path, stem: str) -> Iterator[_Sheet]:
    if not (path := folder / (stem + ASYMMETRY)).exists():
        return
    table = open_table(path)
    pieces = list(table.pieces())
    yield _Sheet("asymmetry", table.format.columns, pieces, path.name)
    columns = [column for column in table.format.columns if column.name in _OF_MOVEMENT]
    rows = dict.fromkeys(row for piece in pieces for row in zip(*(piece[name].tolist() for name in _OF_MOVEMENT), strict=True) if row[0])
    found = zip(*rows, strict=True) if rows else [()] * len(columns)
    yield _Sheet(
        "movements", columns, [dict(zip(_OF_MOVEMENT, (np.array(values, dtype=object) for values in found), strict=True))], path.name
    )


def _dictionary(folder: Path, stem: str, sheets: Sequence[_Sheet]) -> Iterator[_Sheet]:
    """The run's own dictionary, of the columns that the workbook has."""
    if not (path := folder / (stem + _COLUMNS)).exists():
        return
    table, kept = open_table(path), {column.name for sheet in sheets for column in sheet.columns}
    files = {sheet.file for sheet in sheets}
    pieces = []
    for piece in table.pieces():
        rows = [
            name in kept and not files.isdisjoint(file.split("; "))
            for name, file in zip(piece["column"].tolist(), piece["file"].tolist(), strict=True)
        ]
        pieces.append({name: values[rows] for name, values in piece.items()})
    yield _Sheet("dictionary", table.format.columns, pieces, path.name)


def _write(into: Any, sheet: _Sheet, bold: Any) -> None:
    into.freeze_panes(1, 0)
    for place, column in enumerate(sheet.columns):
        into.write_string(0, place, column.name, bold)
    row = 0
    for piece in sheet.pieces:
        for cells in zip(*(piece[column.name].tolist() for column in sheet.columns), strict=True):
            row += 1
            if row >= MAX_ROWS:
                raise TableError(f"'{sheet.file}' has more rows than a sheet of Excel holds ({MAX_ROWS:,}); convert it to Parquet")
            for place, (value, column) in enumerate(zip(cells, sheet.columns, strict=True)):
                # By the column, never by what the value looks like: a text that begins with "=" stays a text.
                if column.kind == "text":
                    into.write_string(row, place, value)
                elif not math.isnan(value):
                    into.write_number(row, place, value)
