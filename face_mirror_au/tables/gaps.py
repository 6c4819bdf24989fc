"""Single missing frames between two measured ones, filled with their mean: for programs that take an empty cell for a face at rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.records import Column, FloatArray, ViewTable


def single_gaps(success: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows that were not measured while those before and after were: (N,) bool."""
    found = np.zeros(len(success), bool)
    found[1:-1] = ~success[1:-1] & success[:-2] & success[2:]
    return found


def fill_single_gaps(table: ViewTable) -> ViewTable:
    """The same table with the intensities of single missing frames filled, and these rows marked in `filled`.

    Each gets the mean of three frames, its own left out: as the application's own AU stage does. `success` stays False.
    """
    gaps = single_gaps(np.asarray(table.success))

    def fill(values: Column[np.float64]) -> FloatArray:
        whole = np.array(values, dtype=np.float64)
        places = np.flatnonzero(gaps)
        whole[places] = (whole[places - 1] + whole[places + 1]) / 2
        return whole

    static = None if table.static is None else fill(table.static)
    return replace(table, intensity=fill(table.intensity), static=static, filled=gaps)
