"""The bank: linear SVR (intensity) and SVM (presence) predictors over one descriptor, as one matrix (OpenFace 2.2 `SVR_*`, `SVM_*`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.records import INTENSITY_AUS, PRESENCE_AUS, FloatArray


@dataclass(frozen=True, slots=True)
class Predictor:
    """One linear predictor.

    Attributes
    ----------
    action_unit : str
    classifier : bool
        True: presence (SVM). False: intensity (SVR).
    dynamic : bool
        True: works on the descriptor minus the neutral reference. False: on the descriptor itself.
    weights : ndarray, (n,) float64
    bias : float
    cutoff : float
        Intensity, dynamic: the share of frames taken to lie below the neutral level, 0 to 1.
    positive, negative : float
        Presence: the class of values above 0, and of the others.
    """

    action_unit: str
    classifier: bool
    dynamic: bool
    weights: FloatArray
    bias: float
    cutoff: float = 0.0
    positive: float = 1.0
    negative: float = 0.0


@dataclass(frozen=True)
class AUBank:
    """All predictors of a model set, ordered as `INTENSITY_AUS` then `PRESENCE_AUS`. One that is missing predicts NaN.

    Attributes
    ----------
    name : str
        What outputs call it, e.g. "OpenFace 2.2".
    weights : ndarray, (n, 35) float64
    constants : ndarray, (35,) float64
        bias - means . weights; NaN for a missing predictor.
    dynamic : ndarray, (35,) bool
    cutoffs : ndarray, (17,) float64
    positive, negative : ndarray, (18,) float64
    """

    name: str
    weights: FloatArray
    constants: FloatArray
    dynamic: NDArray[np.bool_]
    cutoffs: FloatArray
    positive: FloatArray
    negative: FloatArray

    @classmethod
    def build(cls, name: str, predictors: Sequence[Predictor], means: FloatArray) -> AUBank:
        """Stack predictors that share `means`, (n,) float64. Those of action units that have no column are left out."""
        n_intensities = len(INTENSITY_AUS)
        total = n_intensities + len(PRESENCE_AUS)
        bank = cls(
            name=name,
            weights=np.zeros((means.size, total)),
            constants=np.full(total, np.nan),
            dynamic=np.zeros(total, bool),
            cutoffs=np.zeros(n_intensities),
            positive=np.ones(len(PRESENCE_AUS)),
            negative=np.zeros(len(PRESENCE_AUS)),
        )
        for predictor in predictors:
            names = PRESENCE_AUS if predictor.classifier else INTENSITY_AUS
            if predictor.action_unit not in names:
                continue
            place = names.index(predictor.action_unit)
            column = place + n_intensities if predictor.classifier else place
            bank.weights[:, column] = predictor.weights
            bank.constants[column] = predictor.bias - means @ predictor.weights
            bank.dynamic[column] = predictor.dynamic
            if predictor.classifier:
                bank.positive[place], bank.negative[place] = predictor.positive, predictor.negative
            else:
                bank.cutoffs[place] = predictor.cutoff
        return bank

    @property
    def n_features(self) -> int:
        """Length of a descriptor."""
        return int(self.weights.shape[0])

    def offsets(self, neutral: FloatArray) -> FloatArray:
        """What is added to `descriptor @ weights`, given the neutral reference.

        Parameters
        ----------
        neutral : ndarray, (n,) float64
            Running median of the descriptor; used by the dynamic predictors only.

        Returns
        -------
        ndarray, (35,) float64
        """
        return self.constants - np.where(self.dynamic, neutral @ self.weights, 0.0)

    def predict(self, descriptors: FloatArray, offsets: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Predict one or several frames.

        Parameters
        ----------
        descriptors : ndarray, (..., n) float64
            HOG, then geometry.
        offsets : ndarray, (35,) float64
            From `offsets`.

        Returns
        -------
        intensity : ndarray, (..., 17) float64
            Raw: neither clipped nor smoothed.
        presence : ndarray, (..., 18) float64
            0 or 1. Both NaN where the bank has no predictor.
        """
        values = descriptors @ self.weights + offsets
        intensity, margin = values[..., : len(INTENSITY_AUS)], values[..., len(INTENSITY_AUS) :]
        presence = np.where(margin > 0.0, self.positive, self.negative)
        presence[np.isnan(margin)] = np.nan
        return intensity, presence
