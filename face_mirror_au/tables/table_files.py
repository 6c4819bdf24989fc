"""Tables in files, some thousand rows at a time: CSV and Parquet, read strictly and written so that the other one gives the same table."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import ParquetMissingError, TableError
from face_mirror_au.files import atomic_binary, atomic_text, display_name
from face_mirror_au.tables.table_formats import SUCCESS, TEXT, WHOLE, TableFormat, recognise

# Some rows of a table: column to values. Whole numbers are int64, numbers float64 (NaN: empty), success bool, words str.
Piece = Mapping[str, NDArray[Any]]

_ROWS = 4096
_WORDS = {"0": False, "1": True, "False": False, "True": True}
# Of the Parquet file's own metadata.
FORMAT_KEY, METADATA_KEY = b"face_mirror_au.table", b"face_mirror_au.metadata"


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
        return _parquet_pieces(self) if is_parquet(self.path) else _csv_pieces(self)


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet by its name."""
    return path.suffix.lower() in {".parquet", ".pq"}


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
        return TableFile(path, recognise(schema.names, name), own.get(METADATA_KEY, b"").decode("utf-8"))
    with readable(name), path.open(encoding="utf-8", newline="") as handle:
        header = next(csv.reader(handle), [])
    return TableFile(path, recognise(header, name))


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


def _csv_pieces(table: TableFile) -> Iterator[Piece]:
    # Not pandas: by which parser it reads numbers depends on its version, and not every one gives the nearest float64.
    name, n = display_name(table.path), len(table.format.columns)
    with readable(name), table.path.open(encoding="utf-8", newline="") as handle:
        _check_last_line(table.path)
        reader = csv.reader(handle)
        next(reader)
        while rows := list(islice(reader, _ROWS)):
            if any(len(row) != n for row in rows):
                raise TableError(f"'{name}' has a row that has not {n} cells; make it again")
            cells = dict(zip(table.format.columns, zip(*rows, strict=True), strict=True))
            yield {column: _read_column(words, column, name) for column, words in cells.items()}


def _read_column(cells: Sequence[str], column: str, name: str) -> NDArray[Any]:
    if column in TEXT:
        return np.array(cells, dtype=object)
    try:
        if column == SUCCESS:
            return np.array([_WORDS[cell] for cell in cells], dtype=np.bool_)
        if column in WHOLE:
            return np.array([int(cell) for cell in cells], dtype=np.int64)
        return np.array([float(cell) if cell else np.nan for cell in cells], dtype=np.float64)
    except (KeyError, ValueError, OverflowError) as error:  # a frame beyond 64 bits
        raise TableError(f"'{name}': a cell of {column} is not what that column holds; make it again") from error


def _check_last_line(path: Path) -> None:
    with path.open("rb") as handle:
        handle.seek(-1, 2)
        if handle.read(1) != b"\n":
            raise ValueError("the last line has no end")


def _parquet_pieces(table: TableFile) -> Iterator[Piece]:
    with readable(display_name(table.path)), table.path.open("rb") as handle, parquet().ParquetFile(handle) as file:
        for batch in file.iter_batches(batch_size=_ROWS):
            yield {name: np.asarray(batch.column(name).to_numpy(zero_copy_only=False)) for name in table.format.columns}


def write_table_file(path: Path, wanted: TableFormat, pieces: Iterable[Piece], metadata: str = "") -> None:
    """Write a table as CSV, or as Parquet where the name says so.

    Parameters
    ----------
    path : Path
    wanted : TableFormat
    pieces : iterable of Piece
    metadata : str
        For the metadata of a Parquet file. A CSV has no place for it.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    if is_parquet(path):
        _write_parquet(path, wanted, pieces, metadata)
    else:
        _write_csv(path, wanted, pieces)


def _write_csv(path: Path, wanted: TableFormat, pieces: Iterable[Piece]) -> None:
    with atomic_text(path) as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(wanted.columns)
        for piece in pieces:
            writer.writerows(zip(*(_cells(piece[column], column, wanted) for column in wanted.columns), strict=True))


def _cells(values: NDArray[Any], column: str, wanted: TableFormat) -> list[str]:
    if column in TEXT:
        return ["" if word is None else str(word) for word in values]
    if column == SUCCESS:
        words = ("False", "True") if wanted.short else ("0", "1")
        return [words[bool(value)] for value in values]
    if column in WHOLE:
        return [str(int(value)) for value in values]
    decimals = wanted.decimals[column]
    if decimals is None:
        return ["" if value != value else repr(value) for value in values.tolist()]  # noqa: PLR0124 - NaN
    form = f"%.{decimals}f"
    return ["" if value != value else form % value for value in values.tolist()]  # noqa: PLR0124 - NaN


def _write_parquet(path: Path, wanted: TableFormat, pieces: Iterable[Piece], metadata: str) -> None:
    pq = parquet()
    import pyarrow as pa

    kinds = {column: pa.int64() if column in WHOLE else pa.string() if column in TEXT else pa.float64() for column in wanted.columns}
    kinds[SUCCESS] = pa.bool_()
    meanings = {column: wanted.described().meaning(column) for column in wanted.columns}
    fields = [
        pa.field(column, kinds[column], metadata={"meaning": found.meaning, "unit": found.unit, "range": found.range})
        for column, found in meanings.items()
    ]
    schema = pa.schema(fields, metadata={FORMAT_KEY: wanted.name.encode(), METADATA_KEY: metadata.encode("utf-8")})
    with atomic_binary(path) as handle, pq.ParquetWriter(handle, schema) as writer:
        for piece in pieces:
            # from_pandas: NaN becomes null, which is what Parquet calls an empty cell.
            arrays = [pa.array(piece[field.name], type=field.type, from_pandas=True) for field in schema]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
