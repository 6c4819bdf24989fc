"""Columns in files, some thousand rows at a time: CSV and Parquet, read strictly and written so that the other one gives the same table."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import ParquetMissingError, TableError
from face_mirror_au.files import atomic_binary, display_name
from face_mirror_au.pipeline.signal import TableColumn

# Some rows of a table: column to values. Whole numbers are int64, numbers float64 (NaN: empty), flags bool, words str.
Piece = Mapping[str, NDArray[Any]]
Columns = Sequence[TableColumn]

_ROWS = 4096
_TEXT_ROWS = 256  # turned into text at a time
_FLAGS = {"0": False, "1": True, "False": False, "True": True}
# Of the Parquet file's own metadata.
FORMAT_KEY, METADATA_KEY = b"face_mirror_au.table", b"face_mirror_au.metadata"


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet by its name."""
    return path.suffix.lower() in {".parquet", ".pq"}


def parquet() -> ModuleType:
    """pyarrow.parquet. Raises ParquetMissingError when it is not installed."""
    try:
        import pyarrow.parquet  # an extra, and slow to import
    except ImportError as error:
        raise ParquetMissingError("Parquet files need pyarrow; install it with: pip install pyarrow") from error
    module: ModuleType = pyarrow.parquet
    return module


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Turn what reading a file may raise into a TableError that names the file."""
    try:
        yield
    except FileNotFoundError as error:
        raise TableError(f"'{name}' is not there; check the name") from error
    except (ValueError, OSError, csv.Error) as error:  # also pandas' and pyarrow's, and UnicodeDecodeError
        if isinstance(error, OSError) and error.strerror:
            raise TableError(f"'{name}' cannot be read: {error.strerror}; check its permissions") from error
        raise TableError(f"'{name}' is no table of a run, or it is damaged or cut short; make it again") from error


def read_csv(path: Path, columns: Columns) -> Iterator[Piece]:
    """The rows of a CSV. Raises TableError when a cell is not what its column holds, or the file is damaged."""
    # Not pandas: by which parser it reads numbers depends on its version, and not every one gives the nearest float64.
    name, n = display_name(path), len(columns)
    with readable(name), path.open(encoding="utf-8", newline="") as handle:
        _check_last_line(path)
        reader = csv.reader(handle)
        next(reader)
        while rows := list(islice(reader, _ROWS)):
            if any(len(row) != n for row in rows):
                raise TableError(f"'{name}' has a row that has not {n} cells; make it again")
            yield {column.name: _read_column(words, column, name) for column, words in zip(columns, zip(*rows, strict=True), strict=True)}


def _read_column(cells: Sequence[str], column: TableColumn, name: str) -> NDArray[Any]:
    try:
        if column.kind == "text":
            return np.array(cells, dtype=object)
        if column.kind == "flag":
            return np.array([_FLAGS[cell] for cell in cells], dtype=np.bool_)
        if column.kind == "whole":
            return np.array([int(cell) for cell in cells], dtype=np.int64)
        return np.array([float(cell) if cell else np.nan for cell in cells], dtype=np.float64)
    except (KeyError, ValueError, OverflowError) as error:  # a frame beyond 64 bits
        raise TableError(f"'{name}': a cell of {column.name} is not what that column holds; make it again") from error


def _check_last_line(path: Path) -> None:
    with path.open("rb") as handle:
        handle.seek(-1, 2)
        if handle.read(1) != b"\n":
            raise ValueError("the last line has no end")


def read_parquet(path: Path, columns: Columns) -> Iterator[Piece]:
    """The rows of a Parquet file. Raises TableError when it is damaged."""
    with readable(display_name(path)), path.open("rb") as handle, parquet().ParquetFile(handle) as file:
        for batch in file.iter_batches(batch_size=_ROWS, columns=[column.name for column in columns]):
            yield {column.name: np.asarray(batch.column(column.name).to_numpy(zero_copy_only=False)) for column in columns}


def write_rows(handle: TextIO, columns: Columns, piece: Piece, flags: tuple[str, str]) -> None:
    """Write rows of a CSV.

    Parameters
    ----------
    handle : text file
    columns : sequence of TableColumn
    piece : Piece
    flags : tuple of str
        The words for False and True.
    """
    if any(column.kind == "text" for column in columns):
        rows = zip(*(piece[column.name].tolist() for column in columns), strict=True)
        csv.writer(handle, lineterminator="\n").writerows(cells(columns, row, flags) for row in rows)
    else:
        handle.writelines(_lines(columns, piece, flags))


def cells(columns: Columns, row: Iterable[Any], flags: tuple[str, str]) -> list[str]:
    """A row as text; None, and a number that is none, is an empty cell."""
    return ["" if value is None else _cell(value, column, flags) for value, column in zip(row, columns, strict=True)]


def _cell(value: Any, column: TableColumn, flags: tuple[str, str]) -> str:
    if column.kind == "flag":
        return flags[bool(value)]
    if column.kind != "number":
        return str(value)
    if not math.isfinite(value):
        return ""
    return repr(value + 0.0) if column.decimals is None else f"{value:.{column.decimals}f}"  # + 0.0: no "-0.0"


def _lines(columns: Columns, piece: Piece, flags: tuple[str, str]) -> Iterator[str]:
    """Rows without text, all numbers of a row at once."""
    block = np.zeros((len(piece[columns[0].name]), len(columns)))
    for place, column in enumerate(columns):
        if column.kind == "number":
            block[:, place] = piece[column.name]
    # What would be printed as "-0.00". All halves of a last digit are, as float64, a little above the half: no tie is met.
    half = np.array([0.0 if column.decimals is None else 0.5 * 10.0**-column.decimals for column in columns])
    block[(block <= 0) & (block > -half)] = 0.0
    block += 0.0  # no "-0.0"
    line = ",".join("%s" if c.kind != "number" else "%r" if c.decimals is None else f"%.{c.decimals}f" for c in columns) + "\n"
    for start in range(0, len(block), _TEXT_ROWS):
        some = slice(start, start + _TEXT_ROWS)
        rows: list[list[Any]] = block[some].tolist()
        for place, column in enumerate(columns):
            if column.kind != "number":
                for row, value in zip(rows, piece[column.name][some].tolist(), strict=True):
                    row[place] = flags[value] if column.kind == "flag" else value
        for row in rows:
            text = line % tuple(row)
            yield text.replace("nan", "") if "nan" in text else text


def write_parquet(path: Path, columns: Columns, pieces: Iterable[Piece], own: Mapping[bytes, bytes]) -> None:
    """Write a Parquet file; each field's metadata say what it means.

    Parameters
    ----------
    path : Path
    columns : sequence of TableColumn
    pieces : iterable of Piece
        Each becomes a group of rows.
    own : mapping
        For the file's own metadata.

    Raises
    ------
    OutputError, ParquetMissingError
    """
    pq = parquet()
    import pyarrow as pa

    kinds = {"number": pa.float64(), "whole": pa.int64(), "flag": pa.bool_(), "text": pa.string()}
    fields = [
        pa.field(column.name, kinds[column.kind], metadata={"meaning": column.meaning, "unit": column.unit, "range": column.range})
        for column in columns
    ]
    schema = pa.schema(fields, metadata=own)
    with atomic_binary(path) as handle, pq.ParquetWriter(handle, schema) as writer:
        for piece in pieces:
            # from_pandas: NaN becomes null, which is what Parquet calls an empty cell.
            arrays = [pa.array(piece[field.name], type=field.type, from_pandas=True) for field in schema]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
