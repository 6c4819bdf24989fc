"""The CSV files of a run, from one table of rows per view. Missing values are empty cells, never a 0 that looks like "no movement"."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import UsageError
from face_mirror_au.files import atomic_text
from face_mirror_au.records import N_LANDMARKS, Column, FloatArray, ViewTable
from face_mirror_au.tables import columns
from face_mirror_au.tables.columns import GROUPS, Group

if TYPE_CHECKING:
    import pandas as pd

# For a slice of rows, the 3D landmarks: (n, 68, 3) float64, mm in the camera's frame, NaN where no face was found.
Points3D = Callable[[slice], FloatArray]

# Rows turned into text at a time: bounds the memory, not the length of the video.
_PIECE = 256
# Decimals of AUs in the short formats: finer than OpenFace's 2, so that left minus right is not made of steps.
_SHORT_AU_DECIMALS = 4
_SHORT_TIME_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class _Part:
    """Neighbouring columns with one number of decimals (-1: whole numbers), and their values for a slice of rows, (n, len(names))."""

    names: tuple[str, ...]
    decimals: int
    values: Callable[[slice], FloatArray]


def openface_columns(groups: Collection[Group] = GROUPS) -> tuple[str, ...]:
    """Return the header of `write_openface_csv`.

    Raises
    ------
    UsageError
        For a group that does not exist.
    """
    unknown = set(groups) - set(GROUPS)
    if unknown:
        raise UsageError(f"there is no column group '{min(unknown)}'; there are {', '.join(GROUPS)}")
    names: dict[Group, tuple[str, ...]] = {
        "pose": columns.HEAD_POSE,
        "landmarks": columns.points("x", "y"),
        "landmarks3d": columns.points("X", "Y", "Z"),
        "shape": (*columns.FIT, *columns.SHAPE),
        "aus": (*columns.INTENSITY, *columns.PRESENCE),
    }
    return columns.KEYS + tuple(name for group in GROUPS if group in groups for name in names[group])


def write_openface_csv(
    table: ViewTable,
    path: Path,
    *,
    groups: Collection[Group] = ("pose", "landmarks", "shape", "aus"),
    points3d: Points3D | None = None,
    strict: bool = False,
    face_id: int = 0,
) -> None:
    """Write the CSV as OpenFace 2.2 does (au-algorithm.md section 10), without gaze; frames from 1.

    Parameters
    ----------
    groups : collection of str
        Which optional groups, of "pose", "landmarks", "landmarks3d", "shape", "aus"; their order in the file is OpenFace's.
    points3d : callable
        Gives the 3D landmarks for a slice of rows; needed for "landmarks3d".
    strict : bool
        Write 0 for what is missing, as OpenFace does, instead of an empty cell.

    Raises
    ------
    OutputError
        When the file cannot be written.
    UsageError
        For an unknown group, or "landmarks3d" without `points3d`.
    """
    _write(path, _openface_parts(table, groups, points3d, face_id), len(table.frame), missing="0" if strict else "")


def to_dataframe(
    table: ViewTable,
    *,
    groups: Collection[Group] = ("pose", "landmarks", "shape", "aus"),
    points3d: Points3D | None = None,
    face_id: int = 0,
) -> pd.DataFrame:
    """Return the columns of `write_openface_csv` in full precision; NaN where there is no measurement.

    `frame` (from 1), `face_id` and `success` (0 or 1) are int64, all others float64.
    """
    import pandas as pd  # slow to import, and only needed here

    parts = _openface_parts(table, groups, points3d, face_id)
    everything = slice(0, len(table.frame))
    values = np.concatenate([part.values(everything) for part in parts], axis=1)
    frame = pd.DataFrame(values, columns=[name for part in parts for name in part.names])
    whole: pd.DataFrame = frame.astype({"frame": "int64", "face_id": "int64", "success": "int64"})
    return whole


def _openface_parts(table: ViewTable, groups: Collection[Group], points3d: Points3D | None, face_id: int) -> list[_Part]:
    openface_columns(groups)
    if "landmarks3d" in groups and points3d is None:
        raise UsageError("the 3D landmarks were asked for, but not given")

    def flat(points: FloatArray) -> FloatArray:
        # All x, then all y, then all z.
        return np.asarray(points.transpose(0, 2, 1).reshape(len(points), points.shape[1] * points.shape[2]))

    parts = [
        _Part(("frame",), -1, lambda rows: _column(table.frame[rows] + 1)),
        _Part(("face_id",), -1, lambda rows: np.full((len(table.frame[rows]), 1), float(face_id))),
        _Part(("timestamp",), 3, lambda rows: _column(table.time_s[rows])),
        _Part(("confidence",), 2, lambda rows: _column(table.confidence[rows])),
        _Part(("success",), -1, lambda rows: _column(table.success[rows])),
    ]
    if "pose" in groups:
        parts.append(_Part(columns.HEAD_POSE[:3], 1, lambda rows: table.head_pose[rows][:, :3]))
        parts.append(_Part(columns.HEAD_POSE[3:], 3, lambda rows: table.head_pose[rows][:, 3:]))
    if "landmarks" in groups:
        parts.append(_Part(columns.points("x", "y"), 1, lambda rows: flat(table.landmarks[rows].astype(np.float64))))
    if "landmarks3d" in groups and points3d is not None:
        give = points3d
        parts.append(_Part(columns.points("X", "Y", "Z"), 1, lambda rows: flat(give(rows).reshape(-1, N_LANDMARKS, 3))))
    if "shape" in groups:
        parts.append(_Part(columns.FIT, 3, lambda rows: table.pose[rows]))
        parts.append(_Part(columns.SHAPE, 3, lambda rows: table.shape[rows]))
    if "aus" in groups:
        parts.append(_Part(columns.INTENSITY, 2, lambda rows: _measured(table, table.intensity, rows)))
        parts.append(_Part(columns.PRESENCE, 2, lambda rows: _measured(table, table.presence, rows)))
    return parts


def minimal_columns() -> tuple[str, ...]:
    """Return the 19 columns of `write_minimal_csv`."""
    return ("frame", "success", *columns.INTENSITY)


def write_minimal_csv(table: ViewTable, path: Path) -> None:
    """Write exactly 19 columns: frame (from 0), success (True or False), the 17 AU intensities with 4 decimals; empty where not measured.

    Raises
    ------
    OutputError
    """
    _write(path, [_zero_based(table), _success(table), _intensity(table)], len(table.frame), words=1)


def face_mirror_columns() -> tuple[str, ...]:
    """Return the columns of `write_face_mirror_csv`."""
    return ("frame", "timestamp", "success", *columns.INTENSITY)


def write_face_mirror_csv(table: ViewTable, path: Path) -> None:
    """Write what Face Mirror's next programs read: frame (from 0), timestamp (s), success (True or False), 17 intensities.

    6 decimals for the time, 4 for the intensities; empty where not measured. Row i is source frame i, whatever
    happened to it: the next program adds its own column by row position.

    Raises
    ------
    OutputError
    """
    timestamp = _Part(("timestamp",), _SHORT_TIME_DECIMALS, lambda rows: _column(table.time_s[rows]))
    _write(path, [_zero_based(table), timestamp, _success(table), _intensity(table)], len(table.frame), words=2)


def _zero_based(table: ViewTable) -> _Part:
    return _Part(("frame",), -1, lambda rows: _column(table.frame[rows]))


def _success(table: ViewTable) -> _Part:
    return _Part(("success",), -1, lambda rows: _column(table.success[rows]))


def _intensity(table: ViewTable) -> _Part:
    return _Part(columns.INTENSITY, _SHORT_AU_DECIMALS, lambda rows: _measured(table, table.intensity, rows))


def sides_columns() -> tuple[str, ...]:
    """Return the columns of `write_sides_csv`."""
    return ("frame", "timestamp", "success", *columns.SIDES, *columns.RAW_SIDES)


def write_sides_csv(table: ViewTable, path: Path) -> None:
    """Write the intensities of the subject's left and right in the unmirrored face: final and raw values.

    Frames from 1, as in the OpenFace-style table beside it; 6 decimals for the time, 4 for the intensities; empty where not measured.

    Raises
    ------
    OutputError
    UsageError
        When the table has no sides.
    """
    if table.sides is None or table.raw_sides is None:
        raise UsageError("these AU models do not tell the sides of an unmirrored face apart; there is no table of them")
    final, raw = table.sides, table.raw_sides

    def beside(values: FloatArray) -> FloatArray:
        # (n, 2, 17) to AU01_left, AU01_right, AU02_left, ...
        return np.asarray(values.transpose(0, 2, 1).reshape(len(values), -1))

    parts = [
        _Part(("frame",), -1, lambda rows: _column(table.frame[rows] + 1)),
        _Part(("timestamp",), _SHORT_TIME_DECIMALS, lambda rows: _column(table.time_s[rows])),
        _Part(("success",), -1, lambda rows: _column(table.success[rows])),
        _Part(columns.SIDES, _SHORT_AU_DECIMALS, lambda rows: _only_measured(table, beside(final[rows]), rows)),
        _Part(columns.RAW_SIDES, _SHORT_AU_DECIMALS, lambda rows: _only_measured(table, beside(raw[rows]), rows)),
    ]
    _write(path, parts, len(table.frame))


def au_columns() -> tuple[str, ...]:
    """Return the columns of `write_au_csv`."""
    return ("frame", "success", *columns.INTENSITY, *columns.PRESENCE)


def write_au_csv(path: Path, frame: NDArray[np.int64], success: NDArray[np.bool_], intensity: FloatArray, presence: FloatArray) -> None:
    """Write the AUs in full precision: the shortest decimals that read back as the same float64.

    Parameters
    ----------
    frame : ndarray, (N,) int64
        Written as given (`au-from-landmarks` counts from 1, as its input does).
    success : ndarray, (N,) bool
        Written as 0 or 1.
    intensity : ndarray, (N, 17) float64
        NaN gives an empty cell.
    presence : ndarray, (N, 18) float64
        0, 1 or NaN; written without decimals.

    Raises
    ------
    OutputError
    """
    with atomic_text(path) as handle:
        handle.write(",".join(au_columns()) + "\n")
        for number, measured, values, present in zip(frame, success, intensity, presence, strict=True):
            exact = [repr(value + 0.0) if math.isfinite(value) else "" for value in values.tolist()]  # + 0.0: no "-0.0"
            flags = [f"{value:.0f}" if math.isfinite(value) else "" for value in present.tolist()]
            handle.write(f"{number},{int(measured)},{','.join(exact)},{','.join(flags)}\n")


def _column(values: NDArray[np.generic]) -> FloatArray:
    return values.astype(np.float64).reshape(-1, 1)


def _measured(table: ViewTable, values: Column[np.float64], rows: slice) -> FloatArray:
    """Return AU values with NaN in every row without success: there an AU is never a measurement."""
    return _only_measured(table, values[rows], rows)


def _only_measured(table: ViewTable, values: FloatArray, rows: slice) -> FloatArray:
    return np.where(table.success[rows][:, None], values, np.nan)


def _write(path: Path, parts: Sequence[_Part], n_rows: int, *, missing: str = "", words: int | None = None) -> None:
    """Write the parts side by side. `words` is the part whose 0 and 1 are written as False and True."""
    with atomic_text(path) as handle:
        handle.write(",".join(name for part in parts for name in part.names) + "\n")
        for start in range(0, n_rows, _PIECE):
            handle.writelines(_lines(parts, slice(start, min(start + _PIECE, n_rows)), missing, words))


def _lines(parts: Sequence[_Part], rows: slice, missing: str, words: int | None) -> Iterator[str]:
    formats: list[str] = []
    blocks: list[FloatArray] = []
    for index, part in enumerate(parts):
        block = np.array(part.values(rows), dtype=np.float64)
        block[~np.isfinite(block)] = 0.0 if missing == "0" else np.nan
        if part.decimals >= 0:
            # What would be printed as "-0.00". All halves of a last digit are, as float64, a little above the half: no tie is met.
            block[(block <= 0) & (block > -0.5 * 10.0**-part.decimals)] = 0.0
        blocks.append(block)
        one = "%s" if index == words else "%d" if part.decimals < 0 else f"%.{part.decimals}f"
        formats.extend([one] * len(part.names))
    line = ",".join(formats) + "\n"
    table = np.concatenate(blocks, axis=1)
    holes = set(np.flatnonzero(np.isnan(table).any(axis=1)).tolist())
    place = None if words is None else sum(len(part.names) for part in parts[:words])
    for row, values in enumerate(table.tolist()):
        if place is not None:
            values[place] = bool(values[place])
        text = line % tuple(values)
        yield text.replace("nan", "") if row in holes else text
