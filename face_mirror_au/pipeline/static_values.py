"""Static action units beside the dynamic ones: of the same descriptors, compared with no neutral face."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.final_values import PRESENCE_WINDOW, final_intensities
from face_mirror_au.pipeline.row_store import RowStore
from face_mirror_au.records import INTENSITY_AUS, FloatArray

_PIECE = 4096
_MARGIN = PRESENCE_WINDOW // 2


class StaticSequence:
    """Intensities of one view by static models. Fed in frame order.

    Parameters
    ----------
    bank : AUBank
        Its static models.
    rows : callable
        Makes the store of the raw values, given the type of a record.
    strict : bool
        Read failed frames as OpenFace does.
    smooth : bool
        See `AUSequence`.
    """

    def __init__(self, bank: AUBank, rows: Callable[[np.dtype[Any]], RowStore], *, strict: bool = False, smooth: bool = True) -> None:
        self._bank = bank
        self._strict = strict
        self._smooth = smooth
        self._offsets = bank.offsets(np.zeros(bank.n_features))
        self._rows = rows(np.dtype([("raw", np.float64, (len(INTENSITY_AUS),)), ("success", np.bool_)]))

    def append(self, hog: NDArray[np.float32] | None, geometry: FloatArray | None) -> None:
        """Take the next frame; None, None for one that failed."""
        if hog is None or geometry is None:
            self._rows.append((np.full(len(INTENSITY_AUS), np.nan), False))
            return
        raw, _ = self._bank.predict(np.concatenate([hog, geometry], dtype=np.float64), self._offsets)
        self._rows.append((raw[: len(INTENSITY_AUS)], True))

    def final_pieces(self) -> Iterator[FloatArray]:
        """The final intensities, clipped and smoothed as all are, some rows at a time: (n, 17) float64."""
        total = len(self._rows)
        for start in range(0, total, _PIECE):
            first, last = max(0, start - _MARGIN), min(total, start + _PIECE + _MARGIN)
            rows = self._rows.read(first, last)
            final = final_intensities(rows["raw"], rows["success"], np.zeros(len(INTENSITY_AUS)), smooth=self._smooth, strict=self._strict)
            yield final[start - first : min(start + _PIECE, total) - first]
