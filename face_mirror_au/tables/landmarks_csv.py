"""Landmarks and fitted face models that the user brings: a strict reader that says which line and column is wrong."""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import LandmarksError
from face_mirror_au.files import display_name
from face_mirror_au.records import N_LANDMARKS, FloatArray

LANDMARK_COLUMNS = ("frame", "success", *(f"x{i}" for i in range(N_LANDMARKS)), *(f"y{i}" for i in range(N_LANDMARKS)))
# As OpenFace and our own tables name them.
OPENFACE_COLUMNS = ("frame", "success", *(f"x_{i}" for i in range(N_LANDMARKS)), *(f"y_{i}" for i in range(N_LANDMARKS)))
PARAMETER_COLUMNS = ("scale", "rx", "ry", "rz", "tx", "ty", *(f"p_{i}" for i in range(34)))
N_POSE = 6

# A megabyte of gzip may unpack to a gigabyte of nothing: of one line, or of empty ones.
_MAX_LINE, _MAX_BLANK = 1_000_000, 10_000
_MAX_SHOWN = 40  # characters of a wrong cell that a message repeats

# Pixels, millimetres, radians: far beyond any face.
_MAX_VALUE = 1e6
# A float64 beyond it is no longer exact.
_MAX_FRAME = 2**53
_GZIP_MAGIC = b"\x1f\x8b"
_SUCCESS = {"0": False, "1": True, "false": False, "true": True, "0.0": False, "1.0": True}


@dataclass(frozen=True, slots=True)
class LandmarksTable:
    """Landmarks of a recording, one row a frame, N rows.

    Attributes
    ----------
    frame : ndarray, (N,) int64
        As in the file: from 1, growing.
    success : ndarray, (N,) bool
    points : ndarray, (N, 68, 2) float64
        Pixels of the full frame, iBUG order; finite wherever `success`, NaN for empty cells of failed rows.
    """

    frame: NDArray[np.int64]
    success: NDArray[np.bool_]
    points: FloatArray


def read_landmarks(path: Path) -> LandmarksTable:
    """Read a CSV (plain or gzip) with the columns frame, success, x0..x67, y0..y67 in any order; further columns are ignored.

    The columns may also be named x_0..x_67, y_0..y_67, as in OpenFace's tables and our own.

    Raises
    ------
    LandmarksError
        When the file cannot be read, is not such a table, or holds a value that cannot be used; one line with file, line and column.
    """
    frames: list[int] = []
    success: list[bool] = []
    points: list[FloatArray] = []
    columns, wanted = LANDMARK_COLUMNS, "frame, success, x0..x67, y0..y67"
    if _is_openface_style(path):
        columns, wanted = OPENFACE_COLUMNS, "frame, success, x_0..x_67, y_0..y_67"
    for where, values in _rows(path, columns, wanted):
        frames.append(_frame(values[0], frames, where))
        success.append(_success(values[1], where))
        numbers = _numbers(columns[2:], values[2:], success[-1], where)
        points.append(np.ascontiguousarray(numbers.reshape(2, N_LANDMARKS).T))
    return LandmarksTable(np.array(frames, dtype=np.int64), np.array(success, dtype=np.bool_), np.stack(points))


def read_pdm_params(path: Path, n_rows: int) -> tuple[FloatArray, FloatArray]:
    """Read a CSV (plain or gzip) with the columns scale, rx, ry, rz, tx, ty, p_0..p_33 in any order, one row for each landmark row.

    A column `success`, where there is one, tells which rows may have empty cells.

    Returns
    -------
    pose : ndarray, (n_rows, 6) float64
        scale (px/mm), rx, ry, rz (rad), tx, ty (px).
    local : ndarray, (n_rows, 34) float64
        Local shape parameters.

    Raises
    ------
    LandmarksError
        As `read_landmarks`, and when the number of rows is another.
    """
    rows: list[FloatArray] = []
    for where, values in _rows(path, PARAMETER_COLUMNS, "scale, rx, ry, rz, tx, ty, p_0..p_33", optional="success"):
        success = _success(values[-1], where) if values[-1] else True
        rows.append(_numbers(PARAMETER_COLUMNS, values[:-1], success, where))
    if len(rows) != n_rows:
        raise LandmarksError(
            f"'{display_name(path)}' has {len(rows)} rows for {n_rows} rows of landmarks; both must be of the same recording"
        )
    table = np.stack(rows)
    return table[:, :N_POSE], table[:, N_POSE:]


def _rows(path: Path, columns: Sequence[str], wanted: str, optional: str | None = None) -> Iterator[tuple[str, list[str]]]:
    """Yield where each row stands, for messages, and its cells in the order of `columns`, then `optional` ("" where there is none)."""
    name = display_name(path)
    try:
        with _open_text(path) as handle:
            yield from _cells(csv.reader(_lines(handle, name)), name, columns, wanted, optional)
    except UnicodeDecodeError as error:
        raise LandmarksError(f"'{name}' is not a text file; give a CSV with the columns {wanted}") from error
    except csv.Error as error:
        raise LandmarksError(f"'{name}' is not a CSV: {error}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LandmarksError(f"'{name}' is a damaged gzip file; copy it again") from error
    except OSError as error:
        raise LandmarksError(f"'{name}' cannot be read: {error.strerror or type(error).__name__}; check the name") from error


def _is_openface_style(path: Path) -> bool:
    """Whether the header has OpenFace's names; False for a file that cannot be read, which is told later."""
    try:
        with _open_text(path) as handle:
            header = {cell.strip() for cell in next(csv.reader(_lines(handle, path.name)), [])}
    except (LandmarksError, OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error):
        return False
    return len(header & set(OPENFACE_COLUMNS[2:])) > len(header & set(LANDMARK_COLUMNS[2:]))


@contextmanager
def _open_text(path: Path) -> Iterator[TextIO]:
    with path.open("rb") as raw:
        packed = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        binary = gzip.GzipFile(fileobj=raw) if packed else raw
        # utf-8-sig: Excel puts a byte order mark in front.
        with io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as text:
            yield text


def _lines(handle: TextIO, name: str) -> Iterator[str]:
    blank = 0
    while line := handle.readline(_MAX_LINE):
        blank += not line.strip()
        if len(line) == _MAX_LINE:
            raise LandmarksError(f"'{name}' has a line of more than {_MAX_LINE} characters; it is no table of landmarks")
        if blank > _MAX_BLANK:
            raise LandmarksError(f"'{name}' has more than {_MAX_BLANK} empty lines; it is no table of landmarks")
        yield line


def _cells(
    rows: Iterator[list[str]], name: str, columns: Sequence[str], wanted: str, optional: str | None
) -> Iterator[tuple[str, list[str]]]:
    header = [cell.strip() for cell in next(rows, [])]
    if not any(header):
        raise LandmarksError(f"'{name}' is empty; give a CSV with the columns {wanted}")
    missing = [column for column in columns if column not in header]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise LandmarksError(f"'{name}' has no column '{missing[0]}'{more}; needed are {wanted}")
    double = next((column for column in columns if header.count(column) > 1), None)
    if double:
        raise LandmarksError(f"'{name}' has the column '{double}' twice; keep one of them")
    places = [header.index(column) for column in columns]
    last = header.index(optional) if optional in header else None
    empty = True
    for line, cells in enumerate(rows, start=2):
        if not any(cells):
            continue  # a blank line, as editors leave at the end
        where = f"'{name}', line {line}"
        if len(cells) != len(header):
            raise LandmarksError(f"{where}: {len(cells)} cells where the header has {len(header)}")
        values = [cells[place].strip() for place in places]
        if optional is not None:
            values.append("" if last is None else cells[last].strip())
        empty = False
        yield where, values
    if empty:
        raise LandmarksError(f"'{name}' has a header but no rows")


def _frame(text: str, before: Sequence[int], where: str) -> int:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not number.is_integer():
        raise LandmarksError(f"{where}: frame is {_shown(text)}, not a whole number")
    if number < 1:
        raise LandmarksError(f"{where}: frame is {number:.0f}; frames are counted from 1, add 1 to all of them")
    if number > _MAX_FRAME:
        raise LandmarksError(f"{where}: frame is {_shown(text)}; no video has so many frames")
    if before and number <= before[-1]:
        raise LandmarksError(f"{where}: frame {number:.0f} after frame {before[-1]}; frames must grow from row to row")
    return int(number)


def _success(text: str, where: str) -> bool:
    try:
        return _SUCCESS[text.lower()]
    except KeyError:
        raise LandmarksError(f"{where}: success is {_shown(text)}, it must be 0 or 1") from None


def _numbers(columns: Sequence[str], texts: Sequence[str], success: bool, where: str) -> FloatArray:
    """Return the cells as float64; an empty one is NaN, and an error where `success`."""
    try:
        values = np.array([float(text) if text else math.nan for text in texts], dtype=np.float64)
    except ValueError:
        bad = next(i for i, text in enumerate(texts) if text and not _is_number(text))
        raise LandmarksError(f"{where}: {columns[bad]} is {_shown(texts[bad])}, not a number") from None
    if success and not np.isfinite(values).all():
        bad = int(np.flatnonzero(~np.isfinite(values))[0])
        what = _shown(texts[bad]) if texts[bad] else "empty"
        raise LandmarksError(f"{where}: {columns[bad]} is {what} though success is 1; give a number, or set success to 0")
    if success and (np.abs(values) > _MAX_VALUE).any():
        bad = int(np.argmax(np.abs(values)))
        raise LandmarksError(f"{where}: {columns[bad]} is {_shown(texts[bad])}, beyond {_MAX_VALUE:,.0f}; correct it, or set success to 0")
    return values


def _shown(cell: str) -> str:
    """A wrong cell for a message, in quotes: one line, not too long."""
    return repr(cell[:_MAX_SHOWN])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
