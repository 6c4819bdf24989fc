"""How two tables in OpenFace's columns agree: what a lab looks at before it changes the program that it measures with."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_mirror_au.errors import TableError
from face_mirror_au.files import display_name
from face_mirror_au.records import FloatArray
from face_mirror_au.tables.table_files import readable

# What says which row it is; and of what every row is compared, also of frames that failed.
_KEYS = ("frame", "face_id", "face")
_ALWAYS = ("confidence", "success")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class ColumnAgreement:
    """How a column of two tables agrees.

    Attributes
    ----------
    column : str
        Its name, or what several have in common, e.g. ``"x_0 .. x_67"``.
    rows : int
        In which both have a number; of confidence and success all, of the others those that are a success in both.
    correlation : float
        Pearson's; the least of several columns. NaN where one of the two is constant.
    mean, largest : float
        Absolute difference, in the column's unit.
    equal : float
        Share of the rows whose numbers are the same, 0 to 1.
    """

    column: str
    rows: int
    correlation: float
    mean: float
    largest: float
    equal: float


@dataclass(frozen=True, slots=True)
class TableAgreement:
    """How two tables agree.

    Attributes
    ----------
    columns : tuple of ColumnAgreement
        Of each column that both have, in the first table's order.
    rows : int
        That both have.
    rows_only : (int, int)
        That only the first has, and only the second.
    columns_only : (tuple of str, tuple of str)
        That only the first has, and only the second.
    """

    columns: tuple[ColumnAgreement, ...]
    rows: int
    rows_only: tuple[int, int]
    columns_only: tuple[tuple[str, ...], tuple[str, ...]]

    def __getitem__(self, column: str) -> ColumnAgreement:
        """The row of one column. Raises KeyError when one of the tables does not have it."""
        found = next((each for each in self.columns if each.column == column), None)
        if found is None:
            raise KeyError(column)
        return found

    def grouped(self) -> list[ColumnAgreement]:
        """The same, with one row for columns that differ in a number only; action units stay as they are."""
        groups: dict[str, list[ColumnAgreement]] = {}
        for each in self.columns:
            groups.setdefault(each.column if each.column.startswith("AU") else _NUMBER.sub("#", each.column), []).append(each)
        return [_together(group) for group in groups.values()]


def table_agreement(first: Path | str, second: Path | str) -> TableAgreement:
    """Compare two tables in OpenFace's columns, row by row; rows belong together by their frame and face.

    Parameters
    ----------
    first, second : path
        CSV, plain or .gz, of OpenFace or of this program (format openface) from the same recording.

    Raises
    ------
    TableError
        When one of them is no such table, or they have no row in common.
    """
    tables = [_read(Path(path)) for path in (first, second)]
    keys = [name for name in _KEYS if all(name in table for table in tables)]
    if not keys:
        raise TableError(
            f"'{display_name(Path(first))}' and '{display_name(Path(second))}' have no column in common that counts rows (frame)"
        )
    places = [{key: row for row, key in enumerate(zip(*(table[name].tolist() for name in keys), strict=True))} for table in tables]
    common = [key for key in places[0] if key in places[1]]
    if not common:
        raise TableError("the two tables have no frame in common; give tables of the same recording")
    rows = [np.array([place[key] for key in common]) for place in places]
    names = [name for name in tables[0] if name in tables[1] and name not in keys]
    both = np.ones(len(common), bool)
    if "success" in names:
        for table, chosen in zip(tables, rows, strict=True):
            both &= table["success"][chosen] == 1
    found = [
        _column(name, *(table[name][chosen if name in _ALWAYS else chosen[both]] for table, chosen in zip(tables, rows, strict=True)))
        for name in names
    ]
    only = (len(places[0]) - len(common), len(places[1]) - len(common))
    missing = [tuple(name for name in tables[place] if name not in tables[1 - place]) for place in range(2)]
    return TableAgreement(tuple(found), len(common), only, (missing[0], missing[1]))


def _column(name: str, first: FloatArray, second: FloatArray) -> ColumnAgreement:
    there = np.isfinite(first) & np.isfinite(second)
    first, second = first[there], second[there]
    if not len(first):
        return ColumnAgreement(name, 0, np.nan, np.nan, np.nan, np.nan)
    differences = np.abs(first - second)
    varies = first.std() > 0.0 and second.std() > 0.0
    correlation = float(np.corrcoef(first, second)[0, 1]) if varies else np.nan
    return ColumnAgreement(
        name, len(first), correlation, float(differences.mean()), float(differences.max()), float((differences == 0.0).mean())
    )


def _together(group: list[ColumnAgreement]) -> ColumnAgreement:
    if len(group) == 1:
        return group[0]
    measured = [each for each in group if each.rows]
    weights = np.array([each.rows for each in measured], np.float64)
    correlations = [each.correlation for each in measured if np.isfinite(each.correlation)]

    def mean(of: str) -> float:
        return float(np.average([getattr(each, of) for each in measured], weights=weights)) if measured else np.nan

    return ColumnAgreement(
        f"{group[0].column} .. {group[-1].column}",
        max(each.rows for each in group),
        min(correlations, default=np.nan),
        mean("mean"),
        max((each.largest for each in measured), default=np.nan),
        mean("equal"),
    )


def _read(path: Path) -> Mapping[str, FloatArray]:
    """All columns of numbers."""
    name = display_name(path)
    with readable(name):
        rows = iter(_rows(path))
        header = next(rows, [])
        if len(set(header)) != len(header) or not any(key in header for key in _KEYS):
            raise TableError(f"'{name}' has not the columns of OpenFace; give the CSV of OpenFace, or of a run in the format openface")
        table = list(rows)
        if any(len(row) != len(header) for row in table):
            raise TableError(f"'{name}' has a row that has not {len(header)} cells; make it again")
        numbers = np.array([[float(cell) if cell else np.nan for cell in row] for row in table], np.float64).reshape(-1, len(header))
    return dict(zip(header, numbers.T, strict=True))


def _rows(path: Path) -> Iterator[list[str]]:
    reading = gzip.open if path.suffix == ".gz" else open
    with reading(path, "rt", encoding="utf-8", newline="") as handle:
        # Some versions of OpenFace put a blank behind each comma.
        yield from ([cell.strip() for cell in row] for row in csv.reader(handle) if row)
