"""Online values of one view without an end: what `AUSequence` predicts as it goes, in memory that does not grow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.numerics.online_correction import OnlineCorrection
from face_mirror_au.pipeline.baseline import SHARED, Baseline, RunningNeutral
from face_mirror_au.pipeline.sequence import OnlineValues
from face_mirror_au.records import INTENSITY_AUS, PRESENCE_AUS, FloatArray


class OnlineSequence:
    """Online values of one view of a camera. Fed in frame order.

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
        shared = baseline.kind == SHARED
        self._original = original if shared else None
        own = Baseline() if shared else baseline
        self._neutral = None if self._original is not None else RunningNeutral(HOG_SIZE, bank.n_features - HOG_SIZE, own)
        self._correction = OnlineCorrection(bank.n_intensities)
        self.offsets = bank.offsets(np.zeros(bank.n_features) if self._neutral is None else self._neutral.value)

    def append(self, hog: NDArray[np.float32] | None, geometry: FloatArray | None, time_s: float) -> OnlineValues:
        """Take the next frame; None, None for one that failed. Parameters as for `AUSequence.append`."""
        if self._original is not None:
            self.offsets = self._original.offsets
        elif self._neutral is not None and self._neutral.update(hog, geometry, time_s):
            self.offsets = self._bank.offsets(self._neutral.value)
        if hog is None or geometry is None:
            raw, presence = np.full(self._bank.n_intensities, np.nan), np.full(len(PRESENCE_AUS), np.nan)
            corrected = raw
        else:
            raw, presence = self._bank.predict(np.concatenate([hog, geometry], dtype=np.float64), self.offsets)
            corrected = self._correction.correct(raw)
        whole = len(INTENSITY_AUS)
        sides = corrected[whole:].reshape(2, whole) if self._bank.has_sides else None
        return OnlineValues(raw[:whole], corrected[:whole], presence, sides)
