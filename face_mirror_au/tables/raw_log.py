"""Tables that grow while a video or a camera runs."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from face_mirror_au.errors import OutputError
from face_mirror_au.files import open_log, output_error
from face_mirror_au.pipeline.own_descriptor import descriptor_of, failure_reason
from face_mirror_au.records import INTENSITY_AUS, FloatArray, View
from face_mirror_au.tables.formats import RAW
from face_mirror_au.tables.table_format import TableFormat
from face_mirror_hooks.records import ViewResult

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing from Python 3.11 on

_NOTHING = np.full(len(INTENSITY_AUS), np.nan)


class GrowingCsv:
    """A table that grows. Rows are handed to the system at once: a killed run leaves what it had.

    Not atomic, on purpose.

    Parameters
    ----------
    path : Path
    table : TableFormat

    Raises
    ------
    OutputError
        From every method, when the file cannot be written.
    """

    def __init__(self, path: Path, table: TableFormat) -> None:
        self._path = path
        self._table = table
        self._handle = open_log(path)
        self._writer = csv.writer(self._handle, lineterminator="\n")
        try:
            self._write(table.names)
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

    def _write(self, *rows: Iterable[str]) -> None:
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
        super().__init__(path, RAW)

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
        values = raw if success and raw is not None else _NOTHING
        # A reason from outside may hold line ends; a row of a log is one line.
        self._write(self._table.cells((frame + 1, time_s, view.value, success, *values.tolist(), " ".join(reason.split()))))

    def append_result(self, index: int, time_s: float, result: ViewResult, raw: FloatArray) -> None:
        """Write the row of a view's result; `raw` is NaN where there is no measurement."""
        self.append(index, time_s, result.view, descriptor_of(result) is not None, raw, failure_reason(result))
