"""Online values of one view, frame by frame, in memory that does not grow: all that a camera gives, and the first half of a video."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.numerics.online_correction import OnlineCorrection
from face_mirror_au.pipeline.baseline import NEUTRAL, SHARED, Baseline, RunningNeutral
from face_mirror_au.records import PRESENCE_AUS, FloatArray, OnlineValues


class OnlineSequence:
    """Online values of one view. Fed in frame order.

    Parameters
    ----------
    bank : AUBank
    baseline : Baseline, optional
        What the dynamic action units are measured against.
    original : OnlineSequence, optional
        With a shared baseline: the original view's, whose reference this one uses. It must get each frame first.
    """

    def __init__(self, bank: AUBank, baseline: Baseline | None = None, original: OnlineSequence | None = None) -> None:
        self._bank = bank
        baseline = baseline or Baseline()
        self._original = original if baseline.kind == SHARED else None
        own = baseline if baseline.kind == NEUTRAL else Baseline()
        self._neutral = None if self._original is not None else RunningNeutral(HOG_SIZE, bank.n_features - HOG_SIZE, own)
        self._correction = OnlineCorrection(bank.n_intensities)
        self.offsets = bank.offsets(np.zeros(bank.n_features) if self._neutral is None else self._neutral.value)

    def append(self, hog: NDArray[np.float32] | None, geometry: FloatArray | None, time_s: float) -> OnlineValues:
        """Take the next frame; None, None for one that failed.

        Parameters
        ----------
        hog : ndarray, (4464,) float32, or None
        geometry : ndarray, (238,) float64, or None
        time_s : float
            Only a baseline with a segment looks at it.
        """
        if self._original is not None:
            self.offsets = self._original.offsets
        elif self._neutral is not None and self._neutral.update(hog, geometry, time_s):
            self.offsets = self._bank.offsets(self._neutral.value)
        if hog is None or geometry is None:
            nothing = np.full(self._bank.n_intensities, np.nan)
            return OnlineValues(nothing, np.full(len(PRESENCE_AUS), np.nan), nothing)
        raw, presence = self._bank.predict(np.concatenate([hog, geometry], dtype=np.float64), self.offsets)
        return OnlineValues(raw, presence, self._correction.correct(raw))
