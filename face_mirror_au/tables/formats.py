"""All tables that this program writes, each declared once: its columns, their decimals and values. A new one is one entry of `FORMATS`."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import TableError, UsageError
from face_mirror_au.files import display_name, name_cell
from face_mirror_au.pipeline.signal import Signal, TableColumn
from face_mirror_au.pipeline.signals import LANDMARKS_3D, SIGNALS
from face_mirror_au.records import INTENSITY_AUS, MORE_AUS, PRESENCE_AUS, Column, FloatArray, ViewTable
from face_mirror_au.tables import columns
from face_mirror_au.tables.asymmetry_csv import ASYMMETRY
from face_mirror_au.tables.columns import GROUPS, units
from face_mirror_au.tables.dictionary import DICTIONARY
from face_mirror_au.tables.table_files import FORMAT_KEY, METADATA_KEY, Piece, is_parquet, parquet, readable
from face_mirror_au.tables.table_format import Part, TableFormat

if TYPE_CHECKING:
    import pandas as pd

_Values = Callable[[ViewTable, slice], NDArray[Any]]


def _measured(values: _Values) -> _Values:
    """Action units without a success are never a measurement."""

    def give(table: ViewTable, rows: slice) -> NDArray[Any]:
        found = values(table, rows)
        held = table.success[rows] if table.filled is None else table.success[rows] | table.filled[rows]
        return np.where(held.reshape(-1, *[1] * (found.ndim - 1)), found, np.nan)

    return give


def _side(name: str, of: slice) -> _Values:
    def give(table: ViewTable, rows: slice) -> NDArray[Any]:
        values: Column[np.float64] | None = getattr(table, name)
        if values is None:
            raise UsageError("these AU models do not tell the sides of an unmirrored face apart; there is no table of them")
        return values[rows][..., of]

    return _measured(give)


def _static(table: ViewTable, rows: slice) -> NDArray[Any]:
    if table.static is None:
        raise UsageError("the static models were not asked for; there are no columns of them")
    return table.static[rows]


def _time(decimals: int) -> Part:
    return Part((columns.timestamp(decimals),), lambda table, rows: table.time_s[rows])


# Of the action units of a table: those of OpenFace, and those that only some AU models have.
_OPENFACES, _MORE = slice(0, len(INTENSITY_AUS)), slice(len(INTENSITY_AUS), None)


def _intensity(decimals: int) -> Part:
    return Part(units("r", decimals=decimals), _measured(lambda table, rows: table.intensity[rows][:, _OPENFACES]))


_FRAME = Part((columns.FRAME,), lambda table, rows: table.frame[rows] + 1)
_SUCCESS = Part((columns.SUCCESS,), lambda table, rows: table.success[rows])
_FRAME_FROM_0 = Part((columns.FRAME_FROM_0,), lambda table, rows: table.frame[rows])
_IN_WORDS = Part((columns.SUCCESS_IN_WORDS,), lambda table, rows: table.success[rows])
_VIEW = Part((columns.VIEW,), lambda table, rows: np.full(len(table.frame[rows]), table.view.value, dtype=object))
# A reason from outside may hold line ends; a row of a log is one line.
_REASON = Part(
    (columns.REASON,), lambda table, rows: np.array([" ".join(reason.split()) for reason in table.reason_of(rows)], dtype=object)
)
_RAW = Part(units("raw", decimals=6), _measured(lambda table, rows: table.raw[rows][:, _OPENFACES]))
_MORE_INTENSITY = Part(units("r", decimals=2, aus=MORE_AUS), _measured(lambda table, rows: table.intensity[rows][:, _MORE]))
_MORE_RAW = Part(units("raw", decimals=6, aus=MORE_AUS), _measured(lambda table, rows: table.raw[rows][:, _MORE]))

# AUs of the short formats have 4 decimals, not OpenFace's 2, so that left minus right is not made of steps.
MINIMAL = TableFormat("minimal", (_FRAME_FROM_0, _IN_WORDS, _intensity(4)), short=True)
# What Face Mirror's next programs read: row i is source frame i, whatever happened to it.
FACE_MIRROR = TableFormat("face-mirror", (_FRAME_FROM_0, _time(6), _IN_WORDS, _intensity(4)), short=True)
FACE_MIRROR_STATIC = TableFormat("face-mirror", (*FACE_MIRROR.parts, Part(units("r_static", decimals=4), _measured(_static))), short=True)
# Raw (unclipped) predictions: with the final medians, and, as they came, in `<stem>.online.csv`.
RAW = TableFormat("raw", (_FRAME, _time(6), _VIEW, _SUCCESS, _RAW, _REASON))
RAW_MORE = TableFormat("raw", (*RAW.parts[:-1], _MORE_RAW, _REASON))
# The subject's left and right in the unmirrored face, beside each other.
SIDES = TableFormat(
    "sides",
    (
        _FRAME,
        _time(6),
        _SUCCESS,
        Part(units("left", "right", decimals=4), _side("sides", _OPENFACES)),
        Part(units("left_raw", "right_raw", decimals=4), _side("raw_sides", _OPENFACES)),
    ),
)
SIDES_MORE = TableFormat(
    "sides",
    (
        *SIDES.parts,
        Part(units("left", "right", decimals=4, aus=MORE_AUS), _side("sides", _MORE)),
        Part(units("left_raw", "right_raw", decimals=4, aus=MORE_AUS), _side("raw_sides", _MORE)),
    ),
)
# Of `au-from-landmarks`: full precision.
_OF_AUS = (columns.FRAME,), (columns.SUCCESS,), units("r", decimals=None), units("c", decimals=0, aus=PRESENCE_AUS)
AUS = TableFormat("aus", tuple(map(Part, _OF_AUS)))
# Of `live`: provisional, and never under the name of a final value.
LIVE, LIVE_SIDES = (
    TableFormat("live", (*RAW.parts[:-1], Part(units("online", decimals=6)), *sides, _REASON))
    for sides in ((), (Part(units("left_online", "right_online", decimals=6)),))
)
IMAGES = TableFormat(
    "images",
    (
        Part((TableColumn("row", "row of the table, counted from 1", range="1 upwards", kind="whole"),)),
        Part((TableColumn("image", "name of the image file of that row", range="text", kind="text"),)),
    ),
)
# Beside an application's loop: whose landmarks a row of the original view rests on.
SOURCES = TableFormat(
    "sources",
    (
        Part((columns.FRAME,)),
        Part((TableColumn("landmarks", "whose landmarks the row rests on; empty where there is no face", range="text", kind="text"),)),
    ),
)
FORMATS = (
    MINIMAL,
    FACE_MIRROR,
    FACE_MIRROR_STATIC,
    RAW,
    RAW_MORE,
    SIDES,
    SIDES_MORE,
    AUS,
    LIVE,
    LIVE_SIDES,
    IMAGES,
    SOURCES,
    ASYMMETRY,
    DICTIONARY,
)

_KEYS = (
    _FRAME,
    Part((columns.FACE_ID,), lambda table, rows: table.frame[rows] if table.by_face else np.zeros(len(table.frame[rows]), np.int64)),
    _time(3),
    Part((columns.CONFIDENCE,), lambda table, rows: table.confidence[rows]),
    _SUCCESS,
)
_AUS = (_intensity(2), Part(units("c", decimals=2, aus=PRESENCE_AUS), _measured(lambda table, rows: table.presence[rows])))


def openface(groups: Collection[str] = GROUPS, table: ViewTable | None = None) -> TableFormat:
    """The table of OpenFace 2.2 (docs/outputs.md).

    Parameters
    ----------
    groups : collection of str
        Which optional groups of columns; their order in the table is OpenFace's.
    table : ViewTable, optional
        Whose rows it is for: only the signals that it holds have columns. Not given: those of every recording.

    Raises
    ------
    UsageError
        For a group that does not exist, or that the table does not hold.
    """
    columns.check_groups(groups)
    given = [signal for signal in SIGNALS if signal.group in groups]
    if table is not None:
        missing = next((signal.name for signal in given if not signal.optional and signal.name not in table.signals), None)
        if missing is not None:
            raise UsageError(f"the columns '{missing}' were asked for, but the table does not hold them")
    held = (signal for signal in given if (not signal.optional if table is None else signal.name in table.signals))
    return _openface(tuple(held), "aus" in groups, table is not None and bool(table.aus[_MORE]))


@cache
def _openface(signals: tuple[Signal, ...], aus: bool, more: bool) -> TableFormat:
    units_ = (*_AUS, _MORE_INTENSITY) if more else _AUS
    return TableFormat("openface", (*_KEYS, *map(_of_signal, signals), *(units_ if aus else ())))


def raw_format(table: ViewTable) -> TableFormat:
    """The table of raw intensities for rows like these."""
    return RAW_MORE if table.aus[_MORE] else RAW


def sides_format(table: ViewTable) -> TableFormat:
    """The table of the sides of the unmirrored face for rows like these."""
    return SIDES_MORE if table.aus[_MORE] else SIDES


def _of_signal(signal: Signal) -> Part:
    return Part(signal.columns, lambda table, rows: table.signals[signal.name][rows])


@cache
def exact(table: TableFormat) -> TableFormat:
    """The same columns in full precision: what `--format parquet` writes."""
    parts = (replace(part, columns=tuple(replace(column, decimals=None) for column in part.columns)) for part in table.parts)
    return TableFormat("parquet", tuple(parts), table.short)


# What `--format` may name: what the files of the final tables end with.
RUN_FORMATS = {"openface": ".csv", "minimal": ".csv", "face-mirror": ".csv", "parquet": ".parquet"}


def run_format(name: str, groups: Collection[str] = GROUPS, table: ViewTable | None = None) -> TableFormat:
    """The final table of a run with that `--format`; see `openface`."""
    if name == "parquet":
        return exact(openface(groups, table))
    if name == FACE_MIRROR.name and table is not None and table.static is not None:
        return FACE_MIRROR_STATIC
    return _FIXED.get(name) or openface(groups, table)


_FIXED = {each.name: each for each in (MINIMAL, FACE_MIRROR)}


def with_points_3d(table: ViewTable, points3d: Column[np.float64]) -> ViewTable:
    """The same table with the landmarks in 3D, (N, 68, 3) mm in the camera's frame, NaN where no face was found."""
    return replace(table, signals={**table.signals, LANDMARKS_3D.name: points3d})


def to_dataframe(table: ViewTable, *, groups: Collection[str] = GROUPS, points3d: Column[np.float64] | None = None) -> pd.DataFrame:
    """Return the columns of `openface` in full precision; NaN where there is no measurement.

    `frame` (from 1), `face_id` and `success` (0 or 1) are int64, all others float64.
    """
    import pandas as pd  # slow to import, and only needed here

    whole = table if points3d is None else with_points_3d(table, points3d)
    made = openface(groups, whole)
    pieces = list(made.rows([whole], at_a_time=max(1, len(whole.frame))))
    frame = pd.DataFrame(pieces[0] if pieces else {name: np.empty(0) for name in made.names})
    typed: pd.DataFrame = frame.astype({column.name: "int64" for column in made.columns if column.kind != "number"})
    return typed


def write_aus(path: Path, frame: NDArray[np.int64], success: NDArray[np.bool_], intensity: FloatArray, presence: FloatArray) -> None:
    """Write the AUs of own landmarks in full precision.

    Parameters
    ----------
    frame : ndarray, (N,) int64
        Written as given (`au-from-landmarks` counts from 1, as its input does).
    success : ndarray, (N,) bool
    intensity : ndarray, (N, 17) float64
        NaN gives an empty cell.
    presence : ndarray, (N, 18) float64
        0, 1 or NaN; written without decimals.

    Raises
    ------
    OutputError
    """
    AUS.write(path, [dict(zip(AUS.names, (frame, success, *intensity.T, *presence.T), strict=True))])


def write_image_names(path: Path, names: Sequence[str]) -> None:
    """Write which image of a folder each row of the tables is. Raises OutputError."""
    IMAGES.write_cells(path, [(row, name_cell(name)) for row, name in enumerate(names, start=1)])


@dataclass(frozen=True)
class TableFile:
    """A table that lies in a file.

    Attributes
    ----------
    path : Path
    format : TableFormat
    metadata : str
        The run's `<stem>.metadata.json`, as text; empty where it is not known.
    """

    path: Path
    format: TableFormat
    metadata: str = ""

    def pieces(self) -> Iterator[Piece]:
        """Its rows. Raises TableError when a cell is not what its column holds, or the file is damaged."""
        return self.format.read(self.path)


def open_table(path: Path) -> TableFile:
    """Look what a CSV or Parquet file of this program holds.

    Raises
    ------
    TableError
        When it is missing, damaged, or not one of this program's tables.
    ParquetMissingError
        For a Parquet file, when pyarrow is not installed.
    """
    name = display_name(path)
    if is_parquet(path):
        with readable(name), path.open("rb") as file:  # pyarrow takes no name that is not UTF-8
            schema = parquet().read_schema(file)
        own = schema.metadata or {}
        if FORMAT_KEY not in own:
            raise TableError(f"'{name}' is no table of face-mirror-au, or one in tidy form; give one made from a CSV")
        found = recognise(schema.names, name)
        return TableFile(path, exact(found) if own[FORMAT_KEY] == b"parquet" else found, own.get(METADATA_KEY, b"").decode("utf-8"))
    with readable(name), path.open(encoding="utf-8", newline="") as handle:
        header = next(csv.reader(handle), [])
    return TableFile(path, recognise(header, name))


def recognise(header: Sequence[str], name: str) -> TableFormat:
    """The format of a table with these columns.

    Parameters
    ----------
    header : sequence of str
    name : str
        Of the file, for the message.

    Raises
    ------
    TableError
        When no table of this program has these columns.
    """
    found = tuple(header)
    signals = tuple(signal for signal in SIGNALS if signal.columns[0].name in found)
    more = any(name.startswith(columns.MORE) for name in found)
    for each in (*FORMATS, _openface(signals, columns.INTENSITY[0] in found, more)):
        if each.names == found:
            return each
    raise TableError(f"'{name}' is no table of face-mirror-au: its columns are not those of any; give a CSV or Parquet file that it wrote")
