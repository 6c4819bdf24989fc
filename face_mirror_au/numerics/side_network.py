"""What a linear predictor of one side does not see: a small network over linear codes of both sides.

Two layers of rectified units (Nair and Hinton 2010). The right side's values are those of the left with the two sides' codes exchanged, so
that a face and its mirror image are always treated alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from face_mirror_au.records import FloatArray


@dataclass(frozen=True)
class SideNetwork:
    """Corrections of the intensities of one side, from `c` codes of that side and `c` of the other.

    Attributes
    ----------
    first : ndarray, (h, 2 c) float64
        Of its own codes, then the other's.
    first_bias : ndarray, (h,) float64
    second : ndarray, (h, h) float64
    second_bias : ndarray, (h,) float64
    last : ndarray, (a, h) float64
    """

    first: FloatArray
    first_bias: FloatArray
    second: FloatArray
    second_bias: FloatArray
    last: FloatArray

    @property
    def n_codes(self) -> int:
        """Of both sides together, 2 c."""
        return int(self.first.shape[1])

    def __call__(self, codes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What is added to the left's and the right's intensities.

        Parameters
        ----------
        codes : ndarray, (..., 2 c) float64
            Of the left, then of the right; relative to the neutral reference, for which nothing is added.

        Returns
        -------
        left, right : ndarray, (..., a) float64
        """
        half = self.n_codes // 2
        exchanged = np.concatenate([codes[..., half:], codes[..., :half]], axis=-1)
        return self._of(codes) - self._neutral, self._of(exchanged) - self._neutral

    @cached_property
    def _neutral(self) -> FloatArray:
        return self._of(np.zeros(self.n_codes))

    def _of(self, codes: FloatArray) -> FloatArray:
        hidden = np.maximum(codes @ self.first.T + self.first_bias, 0.0)
        hidden = np.maximum(hidden @ self.second.T + self.second_bias, 0.0)
        return np.asarray(hidden @ self.last.T)
