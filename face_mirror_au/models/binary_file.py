"""Numbers and matrices out of a binary model file, each checked before it is believed. OpenFace keeps its networks and experts so."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import ModelFileError

# OpenCV's numbers for the element types of a serialised matrix.
U8, I32, F32, F64 = 0, 4, 5, 6
_DTYPES: dict[int, np.dtype[Any]] = {U8: np.dtype("u1"), I32: np.dtype("<i4"), F32: np.dtype("<f4"), F64: np.dtype("<f8")}
# Far beyond any value of a model, and far below what overflows when products of them are summed.
MAX_VALUE = 1e12
# Of one matrix: the largest in OpenFace's files has some 250,000.
MAX_ELEMENTS = 4_000_000


class BinaryFile:
    """A file's bytes, read from the front.

    Parameters
    ----------
    path : Path
    limit : int
        Bytes; a file that is larger is refused before it is read.

    Raises
    ------
    ModelFileError
        From every method, when the file does not hold what is asked for.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self._data = read_bytes(path, limit)
        self._position = 0

    def take(self, size: int, what: str) -> memoryview:
        """The next bytes."""
        if size > len(self._data) - self._position:
            raise self.damaged(f"it is cut short at its {what} ({len(self._data)} bytes in all)")
        self._position += size
        return memoryview(self._data)[self._position - size : self._position]

    def integer(self, what: str, low: int, high: int) -> int:
        """An int32 that must lie in low..high."""
        value = int(struct.unpack("<i", self.take(4, what))[0])
        if not low <= value <= high:
            raise self.damaged(f"its {what} is {value}, not {low} to {high}")
        return value

    def real(self, what: str, low: float = -MAX_VALUE, high: float = MAX_VALUE) -> float:
        """A float64 that must lie in low..high."""
        value = float(struct.unpack("<d", self.take(8, what))[0])
        if not low <= value <= high:
            raise self.damaged(f"its {what} is {value:g}, not {low:g} to {high:g}")
        return value

    def matrix(self, what: str, shape: tuple[int | None, int | None], *kinds: int) -> NDArray[Any]:
        """A matrix of one of these element types; a side that is None may have any size.

        The array looks at the file's own bytes: it cannot be written to.
        """
        rows, columns, kind = struct.unpack("<iii", self.take(12, what))
        if kind not in kinds:
            raise self.damaged(f"its {what} is of OpenCV type {kind}, not {' or '.join(map(str, kinds))}")
        wanted = zip((rows, columns), shape, strict=True)
        if (
            any(side <= 0 or side not in {asked, side if asked is None else asked} for side, asked in wanted)
            or rows * columns > MAX_ELEMENTS
        ):
            raise self.damaged(f"its {what} of {rows} x {columns} values{_expected(shape)}")
        dtype = _DTYPES[kind]
        values: NDArray[Any] = np.frombuffer(self.take(rows * columns * dtype.itemsize, what), dtype).reshape(rows, columns)
        # A NaN is not below the limit, either.
        if dtype.kind == "f" and not (np.abs(values) <= MAX_VALUE).all():
            raise self.damaged(f"its {what} holds values that are not finite")
        return values

    def finish(self) -> None:
        """Nothing may follow."""
        if self._position != len(self._data):
            raise self.damaged(f"{len(self._data) - self._position} bytes follow its end")

    def damaged(self, what: str) -> ModelFileError:
        """The error to raise."""
        return damaged(self.path, what)


def read_bytes(path: Path, limit: int) -> bytes:
    """All of a file.

    Raises
    ------
    ModelFileError
        When it cannot be read or is larger than `limit` bytes.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ModelFileError(f"{path.name} cannot be read ({error.strerror}); fetch it again: face-mirror-au weights fetch") from error
    if len(data) > limit:
        raise damaged(path, f"it is larger than {limit} bytes")
    return data


def damaged(path: Path, what: str) -> ModelFileError:
    """The error for a file that is there and is not what it should be."""
    return ModelFileError(f"{path.name} is not a usable model file: {what}; run 'face-mirror-au weights verify' and fetch it again")


def _expected(shape: tuple[int | None, int | None]) -> str:
    if shape == (None, None):
        return ""
    return f", not {' x '.join('any' if side is None else str(side) for side in shape)}"
