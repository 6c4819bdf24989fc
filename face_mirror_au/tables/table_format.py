"""One kind of table: the same object writes it, reads it, and says what its columns hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.files import atomic_text
from face_mirror_au.pipeline.signal import TableColumn
from face_mirror_au.records import ViewTable
from face_mirror_au.tables.table_files import (
    FORMAT_KEY,
    METADATA_KEY,
    Piece,
    cells,
    is_parquet,
    read_csv,
    read_parquet,
    write_parquet,
    write_rows,
)

# Rows of a view turned into text at a time, or into a group of rows of Parquet: bounds the memory, not the length of the video.
_ROWS, _PARQUET_ROWS = 256, 4096


@dataclass(frozen=True)
class Part:
    """Neighbouring columns, and their values.

    Attributes
    ----------
    columns : tuple of TableColumn
    values : callable, optional
        Gives their values in a slice of a view's rows: (n,), (n, len(columns)), or (n, points, axes), written axis by axis. None: the rows
        of such a table come from elsewhere.
    """

    columns: tuple[TableColumn, ...]
    values: Callable[[ViewTable, slice], NDArray[Any]] | None = None


@dataclass(frozen=True)
class TableFormat:
    """One kind of table.

    Attributes
    ----------
    name : str
    parts : tuple of Part
        Side by side.
    short : bool
        Frames count from 0, and flags are False or True; else from 1, and 0 or 1.
    """

    name: str
    parts: tuple[Part, ...]
    short: bool = False

    @cached_property
    def columns(self) -> tuple[TableColumn, ...]:
        """All columns, in their order."""
        return tuple(chain.from_iterable(part.columns for part in self.parts))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The header."""
        return tuple(column.name for column in self.columns)

    @property
    def flags(self) -> tuple[str, str]:
        """The words for False and True in a CSV."""
        return ("False", "True") if self.short else ("0", "1")

    def cells(self, row: Iterable[object]) -> list[str]:
        """One row as the text of its cells; None, and a number that is none, is an empty one."""
        return cells(self.columns, row, self.flags)

    def rows(self, tables: Sequence[ViewTable], *, strict: bool = False, at_a_time: int = _ROWS) -> Iterator[Piece]:
        """The rows of views, ordered by frame, then as the views are given.

        Parameters
        ----------
        tables : sequence of ViewTable
        strict : bool
            0 for what is missing, as OpenFace has it, instead of nothing.
        at_a_time : int
            Rows of each view in a piece.
        """
        for start in range(0, max((len(table.frame) for table in tables), default=0), at_a_time):
            pieces = [self._piece(table, slice(start, min(start + at_a_time, len(table.frame))), strict) for table in tables]
            yield pieces[0] if len(pieces) == 1 else _in_turn(pieces)

    def _piece(self, table: ViewTable, rows: slice, strict: bool) -> Piece:
        found: dict[str, NDArray[Any]] = {}
        for part in self.parts:
            if part.values is None:
                raise TypeError(f"the rows of a table of the format {self.name} are not those of a view")
            block = part.values(table, rows)
            if part.columns[0].kind == "number":
                block = block.astype(np.float64)
                block[~np.isfinite(block)] = 0.0 if strict else math.nan
            if block.ndim == 3:
                block = block.transpose(0, 2, 1)
            found.update(zip((column.name for column in part.columns), block.reshape(len(block), len(part.columns)).T, strict=True))
        return found

    def write_view(self, table: ViewTable, path: Path, *, strict: bool = False, metadata: str = "") -> None:
        """Write the rows of one view; see `write_views`."""
        self.write_views([table], path, strict=strict, metadata=metadata)

    def write_views(self, tables: Sequence[ViewTable], path: Path, *, strict: bool = False, metadata: str = "") -> None:
        """Write the rows of views; see `rows` and `write`."""
        self.write(path, self.rows(tables, strict=strict, at_a_time=_PARQUET_ROWS if is_parquet(path) else _ROWS), metadata)

    def write(self, path: Path, pieces: Iterable[Piece], metadata: str = "") -> None:
        """Write a table as CSV, or as Parquet (in full precision) where the name says so.

        Parameters
        ----------
        path : Path
        pieces : iterable of Piece
        metadata : str
            Of the run, for the metadata of a Parquet file. A CSV has no place for it.

        Raises
        ------
        OutputError
            When the file cannot be written.
        ParquetMissingError
        """
        if is_parquet(path):
            write_parquet(path, self.columns, pieces, {FORMAT_KEY: self.name.encode(), METADATA_KEY: metadata.encode("utf-8")})
            return
        with atomic_text(path) as handle:
            handle.write(",".join(self.names) + "\n")
            for piece in pieces:
                write_rows(handle, self.columns, piece, self.flags)

    def write_cells(self, path: Path, rows: Iterable[Sequence[object]]) -> None:
        """Write a small table from its rows of values. Raises OutputError."""
        whole = list(zip(*rows, strict=True)) or [()] * len(self.names)
        self.write(path, [{name: np.array(values, dtype=object) for name, values in zip(self.names, whole, strict=True)}])

    def read(self, path: Path) -> Iterator[Piece]:
        """The rows of such a table. Raises TableError when a cell is not what its column holds, or the file is damaged."""
        return read_parquet(path, self.columns) if is_parquet(path) else read_csv(path, self.columns)


def _in_turn(pieces: Sequence[Piece]) -> Piece:
    """The rows of several pieces: the first of each, the second of each, and so on."""
    names = list(pieces[0])
    order = np.argsort(np.concatenate([np.arange(len(piece[names[0]])) for piece in pieces]), kind="stable")
    return {name: np.concatenate([piece[name] for piece in pieces])[order] for name in names}
