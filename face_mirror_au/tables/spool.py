"""Records of one NumPy structured type on disk instead of in memory: a video of any length then needs the same little memory."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.files import output_error, write_whole

# Bytes gathered before a write: many records a call, and still small against the memory of a worker.
BUFFER_BYTES = 1 << 20
# Records read at a time where all are wanted of a field.
_PIECE = 1024


def _bytes(records: NDArray[Any]) -> memoryview:
    """Return the memory of contiguous records, to read from and write to."""
    return memoryview(records.view(np.uint8).data).cast("B") if len(records) else memoryview(b"")


class Spool:
    """An append-only file of records that is gone when the block ends.

    On Linux and macOS the file has no name from the start, so not even a kill -9 leaves it behind; Windows deletes it at close.

    Parameters
    ----------
    dtype : numpy.dtype
        Structured type of one record.
    folder : Path or None
        Where the file lies while it lives; it should have room, unlike some /tmp. None: in memory, for who has nowhere to write.

    Raises
    ------
    OutputError
        From any method that writes, when the disk is full or the folder cannot be written to.
    """

    def __init__(self, dtype: np.dtype[Any], folder: Path | None) -> None:
        self.dtype = np.dtype(dtype)
        self._folder = folder or Path()
        self._written = 0
        self._waiting = 0
        self._buffer: NDArray[Any] = np.zeros(max(1, BUFFER_BYTES // self.dtype.itemsize), dtype=self.dtype)
        try:
            # Closed in __exit__.
            self._file: Any = BytesIO() if folder is None else tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise output_error(error, self._folder) from error

    def __enter__(self) -> Spool:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def __len__(self) -> int:
        return self._written + self._waiting

    def close(self) -> None:
        """Delete the file."""
        with suppress(OSError):  # a network drive may tell of its quota now; nobody wants the file any more
            self._file.close()

    def append(self, record: NDArray[Any] | np.void | tuple[Any, ...]) -> None:
        """Add one record: a tuple in field order, or an array of shape () of the spool's type."""
        self._buffer[self._waiting] = record
        self._waiting += 1
        if self._waiting == len(self._buffer):
            self.flush()

    def extend(self, records: NDArray[Any]) -> None:
        """Add records, (N,) of the spool's type."""
        start = 0
        while start < len(records):
            taken = min(len(self._buffer) - self._waiting, len(records) - start)
            self._buffer[self._waiting : self._waiting + taken] = records[start : start + taken]
            self._waiting += taken
            start += taken
            if self._waiting == len(self._buffer):
                self.flush()

    def flush(self) -> None:
        """Write what waits in the buffer."""
        try:
            self._file.seek(self._written * self.dtype.itemsize)
            write_whole(self._file, _bytes(self._buffer[: self._waiting]))
        except OSError as error:
            raise output_error(error, self._folder) from error
        self._written += self._waiting
        self._waiting = 0

    def read(self, start: int | None = 0, stop: int | None = None) -> NDArray[Any]:
        """Return records `start` to `stop` (not included) as a new array, (N,); bounds are cut as in a slice."""
        self.flush()
        first, last, _ = slice(start, stop).indices(len(self))
        records: NDArray[Any] = np.empty(max(0, last - first), dtype=self.dtype)
        self._file.seek(first * self.dtype.itemsize)
        rest = _bytes(records)
        while rest:
            taken = self._file.readinto(rest)
            if not taken:
                raise output_error(OSError("the temporary file is shorter than what was written to it"), self._folder)
            rest = rest[taken:]
        return records

    def column(self, name: str) -> SpoolColumn:
        """One field of all records, read when it is asked for."""
        return SpoolColumn(self, name)


class SpoolColumn:
    """A field of the records of a `Spool`, as `records.Column`. It ends with the spool.

    Parameters
    ----------
    spool : Spool
    name : str
        Of the field.
    """

    def __init__(self, spool: Spool, name: str) -> None:
        self._spool = spool
        self._name = name

    def __len__(self) -> int:
        return len(self._spool)

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        if rows.step not in (None, 1):
            raise ValueError("a column on disk gives neighbouring rows only")
        return np.array(self._spool.read(rows.start, rows.stop)[self._name])

    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> NDArray[Any]:
        pieces = [self[start : start + _PIECE] for start in range(0, len(self), _PIECE)]
        return np.concatenate([self[:0], *pieces], dtype=dtype)
