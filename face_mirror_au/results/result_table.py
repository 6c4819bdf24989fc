"""The CSV files of a run, read back strictly: what is damaged or of another run is told, never drawn."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import ResultError, TableError
from face_mirror_au.files import display_name
from face_mirror_au.records import FloatArray
from face_mirror_au.tables.formats import open_table
from face_mirror_au.tables.table_files import is_parquet

if TYPE_CHECKING:
    import pandas as pd

_SUCCESS = {"0": False, "1": True, "False": False, "True": True}
_TOP = 5.0  # final intensities end there
_AGAIN = "run the recording again"


class ResultTable:
    """One table of a run, CSV or Parquet.

    Parameters
    ----------
    needed : collection of str
        Columns that must be there.
    wanted : collection of str
        Columns that are read where they are there.
    rows : int, optional
        How many rows a table of this run has.

    Raises
    ------
    ResultError
        When the file is missing, cannot be read, lacks a needed column, or has other rows than this run.
    """

    def __init__(self, path: Path, needed: Collection[str], wanted: Collection[str] = (), *, rows: int | None = None) -> None:
        self.name = display_name(path)
        self._cells = self._read(path, {*needed, *wanted})
        missing = [column for column in needed if column not in self._cells.columns]
        if missing:
            raise ResultError(f"'{self.name}' has no column '{missing[0]}'; {_AGAIN}")
        if rows is not None and len(self) != rows:
            raise ResultError(f"'{self.name}' has {len(self)} rows, the run {rows} frames: files of two runs; {_AGAIN}")

    def __len__(self) -> int:
        """How many rows it has."""
        return len(self._cells)

    def __contains__(self, column: str) -> bool:
        """Whether that column was read."""
        return column in self._cells.columns

    def _read(self, path: Path, columns: Collection[str]) -> pd.DataFrame:
        import pandas as pd  # slow to import, and only needed here

        if is_parquet(path):
            return self._read_parquet(path, columns)
        try:
            # As text: a cell that is no number is told with its line.
            return pd.read_csv(path, dtype=str, na_filter=False, index_col=False, usecols=lambda name: name in columns)
        except FileNotFoundError as error:
            raise ResultError(f"'{self.name}' is not there; {_AGAIN}") from error
        except OSError as error:
            raise ResultError(f"'{self.name}' cannot be read: {error.strerror or type(error).__name__}; check its permissions") from error
        except ValueError as error:  # pandas' errors of empty and of ragged files, and UnicodeDecodeError
            raise ResultError(f"'{self.name}' is empty or damaged; {_AGAIN}") from error

    def _read_parquet(self, path: Path, columns: Collection[str]) -> pd.DataFrame:
        import pandas as pd

        try:
            pieces = [{name: piece[name] for name in piece if name in columns} for piece in open_table(path).pieces()]
        except TableError as error:
            raise ResultError(f"{error}; {_AGAIN}") from error
        cells = pd.concat([pd.DataFrame(piece) for piece in pieces]) if pieces else pd.DataFrame(columns=list(columns))
        words: pd.DataFrame = cells.astype(str).replace("nan", "")
        return words

    def words(self, column: str) -> list[str]:
        """The cells of a column as they stand there."""
        return [str(cell) for cell in self._cells[column]]

    def success(self) -> NDArray[np.bool_]:
        """Which rows were measured, (N,) bool."""
        try:
            return np.array([_SUCCESS[cell] for cell in self.words("success")], dtype=np.bool_)
        except KeyError as error:
            raise ResultError(f"'{self.name}' has a success of {error.args[0]!r}, not 0 or 1; {_AGAIN}") from error

    def numbers(self, columns: Sequence[str]) -> FloatArray:
        """Columns as (N, len(columns)) float64; NaN in rows without success, in empty cells, and for columns that are not there."""
        found = np.full((len(self), len(columns)), np.nan)
        for index, column in enumerate(columns):
            if column not in self:
                continue
            cells = self.words(column)
            try:
                found[:, index] = [float(cell) if cell else np.nan for cell in cells]
            except ValueError as error:
                raise ResultError(f"'{self.name}': a cell of {column} is no number; {_AGAIN}") from error
        # --openface-strict writes zeros there.
        found[~self.success()] = np.nan
        return found

    def intensities(self, columns: Sequence[str]) -> FloatArray:
        """`numbers` of columns that hold final intensities, which lie between 0 and 5."""
        found = self.numbers(columns)
        with np.errstate(invalid="ignore"):
            wrong = np.argwhere(np.isinf(found) | (found < 0) | (found > _TOP))
        if len(wrong):
            row, column = wrong[0]
            raise ResultError(f"'{self.name}', row {row + 1}: {columns[column]} is {found[row, column]}, not within 0 to 5; {_AGAIN}")
        return found
