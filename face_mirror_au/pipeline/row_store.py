"""Where what grows with a video is kept: on disk in a run, in memory for short sequences."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class RowStore(Protocol):
    """Where a sequence keeps what grows with the video."""

    def __len__(self) -> int:
        """Number of records."""

    def append(self, record: tuple[Any, ...], /) -> None:
        """Add a record, in field order."""

    def read(self, start: int, stop: int, /) -> NDArray[Any]:
        """Return records `start` to `stop` (not included) as a structured array."""


class MemoryRows:
    """A `RowStore` in memory, for short sequences.

    Parameters
    ----------
    dtype : numpy.dtype
        Structured type of a record.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self._records: list[tuple[Any, ...]] = []

    def __len__(self) -> int:
        return len(self._records)

    def append(self, record: tuple[Any, ...], /) -> None:
        """See `RowStore`."""
        self._records.append(record)

    def read(self, start: int, stop: int, /) -> NDArray[Any]:
        """See `RowStore`."""
        return np.array(self._records[start:stop], self._dtype)
