"""The ordered half of the method, for one view of one video: neutral reference, online values, final values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import UsageError
from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.numerics.final_values import final_intensities, final_presences, neutral_offsets, quiet_levels
from face_mirror_au.numerics.online_correction import OnlineCorrection
from face_mirror_au.pipeline.baseline import NEUTRAL, SHARED, Baseline, RunningNeutral
from face_mirror_au.records import INTENSITY_AUS, PRESENCE_AUS, FloatArray

# OpenFace 2.2: so many successful frames are kept and predicted again with the final medians; later ones keep their online values.
MAX_REPREDICTED = 3000
# Descriptors are predicted again in blocks of this many, so that the float64 copy stays small.
_BLOCK = 256


@dataclass(frozen=True, slots=True)
class OnlineValues:
    """Prediction of one frame as it comes. All NaN when the frame failed.

    Attributes
    ----------
    raw : ndarray, (17,) float64
        Unclipped intensities.
    corrected : ndarray, (17,) float64
        OpenFace's webcam value: minus its own running 10 % quantile, clipped to [0, 5].
    presence : ndarray, (18,) float64
        0 or 1.
    sides : ndarray, (2, 17) float64, or None
        As `corrected`, of the subject's left and right; None when the bank has no predictors of one side.
    """

    raw: FloatArray
    corrected: FloatArray
    presence: FloatArray
    sides: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class FinalValues:
    """What is known after the last frame; N rows.

    Attributes
    ----------
    raw : ndarray, (N, 17) float64
        Intensities re-predicted with the final neutral reference, unclipped; NaN in failed frames.
    raw_presence : ndarray, (N, 18) float64
        Re-predicted 0 or 1; NaN in failed frames.
    intensity : ndarray, (N, 17) float64
        Offset, clipped to [0, 5] and smoothed.
    presence : ndarray, (N, 18) float64
        Majority over 7 frames.
    sides, raw_sides : ndarray, (N, 2, 17) float64, or None
        As `intensity` and `raw`, of the subject's left and right; None when the bank has no predictors of one side.
    """

    raw: FloatArray
    raw_presence: FloatArray
    intensity: FloatArray
    presence: FloatArray
    sides: FloatArray | None = None
    raw_sides: FloatArray | None = None


class AUSequence:
    """Action units of one view of one video. Made at its start, fed in frame order, thrown away at its end.

    Parameters
    ----------
    bank : AUBank
    strict : bool
        Read failed frames as OpenFace does (see `final_values`), instead of leaving them empty.
    baseline : Baseline
        What the dynamic action units are measured against.
    original : AUSequence, optional
        With a shared baseline: the original view's sequence, whose reference this one uses. It must get each frame, and finish, first.
    """

    def __init__(self, bank: AUBank, *, strict: bool = False, baseline: Baseline | None = None, original: AUSequence | None = None) -> None:
        self._bank = bank
        self._strict = strict
        self._baseline = baseline or Baseline()
        self._original = original if self._baseline.kind == SHARED else None
        geometry_size = bank.n_features - HOG_SIZE
        own = Baseline() if self._baseline.kind == SHARED else self._baseline
        self._neutral = None if self._original is not None else RunningNeutral(HOG_SIZE, geometry_size, own)
        # What the bank adds for the present reference, and what is subtracted from every intensity in the end.
        self.offsets = bank.offsets(np.zeros(bank.n_features)) if self._neutral is None else bank.offsets(self._neutral.value)
        self.levels: FloatArray = np.zeros(bank.n_intensities)
        self._correction = OnlineCorrection(bank.n_intensities)
        # Pages of these are only taken from the system when they are written.
        self._hogs = np.empty((MAX_REPREDICTED, HOG_SIZE), np.float32)
        self._geometries = np.empty((MAX_REPREDICTED, geometry_size))
        self._kept = 0
        self._raw: list[FloatArray] = []
        self._presence: list[FloatArray] = []
        self._success: list[bool] = []
        self._in_segment: list[bool] = []

    def append(self, hog: NDArray[np.float32] | None, geometry: FloatArray | None, time_s: float = 0.0) -> OnlineValues:
        """Take the next frame; None, None for one that failed.

        Parameters
        ----------
        hog : ndarray, (4464,) float32, or None
        geometry : ndarray, (238,) float64, or None
        time_s : float
            Only a baseline with a segment looks at it.

        Returns
        -------
        OnlineValues
        """
        if self._original is not None:
            self.offsets = self._original.offsets
        elif self._neutral is not None and self._neutral.update(hog, geometry, time_s):
            self.offsets = self._bank.offsets(self._neutral.value)
        if hog is None or geometry is None:
            raw, corrected, presence = (
                np.full(size, np.nan) for size in (self._bank.n_intensities, self._bank.n_intensities, len(PRESENCE_AUS))
            )
        else:
            raw, presence = self._bank.predict(np.concatenate([hog, geometry], dtype=np.float64), self.offsets)
            corrected = self._correction.correct(raw)
            if self._kept < MAX_REPREDICTED:
                self._hogs[self._kept], self._geometries[self._kept] = hog, geometry
                self._kept += 1
        self._raw.append(raw)
        self._presence.append(presence)
        self._success.append(hog is not None)
        self._in_segment.append(self._baseline.holds(time_s))
        whole = slice(0, len(INTENSITY_AUS))
        sides = corrected[len(INTENSITY_AUS) :].reshape(2, -1) if self._bank.has_sides else None
        return OnlineValues(raw[whole], corrected[whole], presence, sides)

    def finish(self) -> FinalValues:
        """Predict the kept frames again with the final neutral reference, then offset, clip and smooth.

        Raises
        ------
        UsageError
            When there was no frame, or none measured in the baseline's segment.
        """
        if not self._success:
            raise UsageError("no frame was given; there are no final values")
        success = np.array(self._success)
        raw, presence = np.array(self._raw), np.array(self._presence)
        kept = np.flatnonzero(success)[: self._kept]
        offsets = self.offsets if self._original is None else self._original.offsets
        for start in range(0, self._kept, _BLOCK):
            block = slice(start, min(start + _BLOCK, self._kept))
            descriptors = np.concatenate([self._hogs[block], self._geometries[block]], axis=1, dtype=np.float64)
            raw[kept[block]], presence[kept[block]] = self._bank.predict(descriptors, offsets)
        self.levels = self._neutral_levels(raw, success)
        if self._bank.presence_above is not None:
            presence = self._bank.presences(raw - self.levels)
        intensity = final_intensities(raw, success, self.levels, strict=self._strict)
        whole, sided = slice(0, len(INTENSITY_AUS)), slice(len(INTENSITY_AUS), None)
        per_side = (len(raw), 2, len(INTENSITY_AUS))
        return FinalValues(
            raw=raw[:, whole],
            raw_presence=presence,
            intensity=intensity[:, whole],
            presence=final_presences(presence, success, strict=self._strict),
            sides=intensity[:, sided].reshape(per_side) if self._bank.has_sides else None,
            raw_sides=raw[:, sided].reshape(per_side) if self._bank.has_sides else None,
        )

    def _neutral_levels(self, raw: FloatArray, success: NDArray[np.bool_]) -> FloatArray:
        """What the neutral face's intensities are, for each column: (m,) float64, 0 for static ones."""
        dynamic = self._bank.dynamic[: self._bank.n_intensities]
        if self._original is not None:
            return self._original.levels
        if self._baseline.kind == NEUTRAL:
            at_rest = success & np.array(self._in_segment)
            if not at_rest.any():
                raise UsageError(f"no frame was measured in the baseline segment {self._baseline}; choose another one")
            return np.where(dynamic, np.median(raw[at_rest], axis=0), 0.0)
        if self._bank.quiet_share is not None and self._bank.loudness is not None:
            return quiet_levels(raw, success, self._bank.quiet_share, dynamic, self._bank.loudness)
        return neutral_offsets(raw, success, self._bank.cutoffs, dynamic)


def predict_image(bank: AUBank, hog: NDArray[np.float32], geometry: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Action units of a single image: static predictors, intensities clipped to [0, 5], nothing smoothed.

    Parameters
    ----------
    bank : AUBank
        Static; a dynamic one has no neutral reference in a single image.
    hog : ndarray, (4464,) float32
    geometry : ndarray, (238,) float64

    Returns
    -------
    intensity : ndarray, (17,) float64
    presence : ndarray, (18,) float64

    Raises
    ------
    UsageError
        When the bank has dynamic predictors.
    """
    if bank.dynamic.any():
        raise UsageError("single images need the static models; dynamic ones compare with a video's neutral face")
    raw, presence = bank.predict(np.concatenate([hog, geometry], dtype=np.float64), bank.offsets(np.zeros(bank.n_features)))
    everything = np.ones(1, bool)
    return final_intensities(raw[None, : len(INTENSITY_AUS)], everything, np.zeros(len(INTENSITY_AUS)), smooth=False)[0], presence
