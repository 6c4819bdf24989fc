"""Raw (unclipped) predictions: as they come during a run, and again with the final medians."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from face_mirror_au.errors import OutputError
from face_mirror_au.files import atomic_text, open_log, output_error
from face_mirror_au.pipeline.own_descriptor import descriptor_of, failure_reason
from face_mirror_au.records import FloatArray, View, ViewTable
from face_mirror_au.tables import columns
from face_mirror_hooks.records import ViewResult

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing from Python 3.11 on

RAW_COLUMNS = ("frame", "timestamp", "view", "success", *columns.RAW, "reason")
_DECIMALS = 6
# Rows read at a time.
_PIECE = 1024


def _row(frame: int, time_s: float, view: View, success: bool, raw: FloatArray | None, reason: str) -> list[str]:
    """Return one row as text; `frame` from 0, written from 1 as in the OpenFace-style CSV beside it."""
    if raw is None or not success:
        values = [""] * len(columns.RAW)
    else:
        values = [f"{value:.{_DECIMALS}f}" if np.isfinite(value) else "" for value in raw.tolist()]
    # A reason from outside may hold line ends; a row of a log is one line.
    return [str(frame + 1), f"{time_s:.{_DECIMALS}f}", view.value, str(int(success)), *values, " ".join(reason.split())]


class GrowingCsv:
    """A table that grows while a video or a camera runs. Rows are handed to the system at once: a killed run leaves what it had.

    Not atomic, on purpose.

    Parameters
    ----------
    path : Path
    header : sequence of str

    Raises
    ------
    OutputError
        From every method, when the file cannot be written.
    """

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self._path = path
        self._handle = open_log(path)
        self._writer = csv.writer(self._handle, lineterminator="\n")
        try:
            self._write(header)
        except OutputError:
            with suppress(OSError):  # the same error again
                self._handle.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None) -> None:
        try:
            if kind is None:
                os.fsync(self._handle.fileno())  # the table is about to be moved to its place
            self._handle.close()
        except OSError as error:
            if kind is None:  # else the first error, most likely the same, is the one to tell
                raise output_error(error, self._path) from error

    def _write(self, *rows: Sequence[str]) -> None:
        try:
            self._writer.writerows(rows)
            self._handle.flush()
        except OSError as error:
            raise output_error(error, self._path) from error


class OnlineLog(GrowingCsv):
    """`<stem>.online.csv`: the raw predictions as they come.

    Columns: frame (from 1), timestamp (s), view, success (0 or 1), AUxx_raw, reason.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, RAW_COLUMNS)

    def append(self, frame: int, time_s: float, view: View, success: bool, raw: FloatArray | None = None, reason: str = "") -> None:
        """Write one row.

        Parameters
        ----------
        frame : int
            From 0 (`Frame.index`).
        raw : ndarray, (17,) float64, or None
            Unclipped intensities in the order of `INTENSITY_AUS`; not written where `success` is False.
        reason : str
            Why there is no measurement.
        """
        self._write(_row(frame, time_s, view, success, raw, reason))

    def append_result(self, index: int, time_s: float, result: ViewResult, raw: FloatArray) -> None:
        """Write the row of a view's result; `raw` is NaN where there is no measurement."""
        self.append(index, time_s, result.view, descriptor_of(result) is not None, raw, failure_reason(result))


def write_raw_csv(tables: Sequence[ViewTable], path: Path) -> None:
    """Write `<stem>.raw.csv`: `ViewTable.raw` of all views, in the columns of `OnlineLog`; ordered by frame, then as the views are given.

    Raises
    ------
    OutputError
    """
    with atomic_text(path) as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(RAW_COLUMNS)
        for start in range(0, max((len(table.frame) for table in tables), default=0), _PIECE):
            pieces = [_rows(table, slice(start, start + _PIECE)) for table in tables]
            for rows in zip_longest(*pieces):
                writer.writerows(row for row in rows if row is not None)


def _rows(table: ViewTable, piece: slice) -> Iterator[list[str]]:
    frames, times, success = (column[piece].tolist() for column in (table.frame, table.time_s, table.success))
    for frame, time_s, measured, raw, reason in zip(frames, times, success, table.raw[piece], table.reason_of(piece), strict=True):
        yield _row(frame, time_s, table.view, measured, raw, reason)
