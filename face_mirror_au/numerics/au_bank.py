"""The bank: linear predictors of intensity and presence over one descriptor, as one matrix; and what corrects those of the sides.

OpenFace 2.2's SVR and SVM (`SVR_*`, `SVM_*`) and our open bank's ridge regressions are read into the same form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.numerics.side_network import SideNetwork
from face_mirror_au.records import INTENSITY_AUS, PRESENCE_AUS, FloatArray


@dataclass(frozen=True, slots=True)
class Predictor:
    """One linear predictor.

    Attributes
    ----------
    classifier : bool
        True: presence (SVM). False: intensity (SVR).
    dynamic : bool
        True: works on the descriptor minus the neutral reference. False: on the descriptor itself.
    weights : ndarray, (n,) float64
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
    """All predictors of a model set. One that is missing predicts NaN.

    The columns are the m intensities, then the 18 presences. A bank with sides has `INTENSITY_AUS` of the whole face, of the subject's left
    and of the right, and behind these 51 its k further action units in the same three groups. Others have the first 17 alone.

    Attributes
    ----------
    name : str
        What outputs call it, e.g. "OpenFace 2.2".
    weights : ndarray, (n, m + 18) float64
    constants : ndarray, (m + 18,) float64
        bias - means . weights; NaN for a missing predictor.
    dynamic : ndarray, (m + 18,) bool
    cutoffs : ndarray, (m,) float64
    positive, negative : ndarray, (18,) float64
    presence_above : float or None
        An action unit is present where its intensity is above this; None: the bank has classifiers of its own.
    own_rest : bool
        The neutral levels are those of the recording's rest (`find_rest`), and AU45 agrees with the lids; else OpenFace's own way: each
        action unit's low values.
    more : tuple of str
        The k action units with an intensity that are not of `INTENSITY_AUS`.
    network : SideNetwork or None
        Corrects the intensities by codes of the descriptor minus the neutral reference.
    codes : ndarray, (n, 2 c) float64
        Weights of the codes.
    """

    name: str
    weights: FloatArray
    constants: FloatArray
    dynamic: NDArray[np.bool_]
    cutoffs: FloatArray
    positive: FloatArray
    negative: FloatArray
    presence_above: float | None = None
    own_rest: bool = False
    more: tuple[str, ...] = ()
    network: SideNetwork | None = None
    codes: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))

    @classmethod
    def build(cls, name: str, predictors: Sequence[Predictor], means: FloatArray, more: tuple[str, ...] = ()) -> AUBank:
        """Stack predictors that share `means`, (n,) float64. Those of action units that have no column are left out."""
        aus = (*INTENSITY_AUS, *more)
        n_intensities = len(aus)
        total = n_intensities + len(PRESENCE_AUS)
        bank = cls(
            name=name,
            weights=np.zeros((means.size, total)),
            constants=np.full(total, np.nan),
            dynamic=np.zeros(total, bool),
            cutoffs=np.zeros(n_intensities),
            positive=np.ones(len(PRESENCE_AUS)),
            negative=np.zeros(len(PRESENCE_AUS)),
            more=more,
        )
        for predictor in predictors:
            names = PRESENCE_AUS if predictor.classifier else aus
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

    @classmethod
    def build_sided(
        cls,
        name: str,
        sides: tuple[Sequence[Predictor], Sequence[Predictor]],
        means: FloatArray,
        *,
        presence_above: float,
        more: tuple[str, ...] = (),
    ) -> AUBank:
        """Stack intensity predictors of the left and of the right; the whole face's is the mean of the two.

        Parameters
        ----------
        sides : pair of sequence of Predictor
            The subject's left, then right; each of `INTENSITY_AUS` and of `more` at most once.
        means : ndarray, (n,) float64
        more : tuple of str
            See `AUBank`.
        """
        left, right = (cls.build(name, predictors, means, more) for predictors in sides)
        a = len(INTENSITY_AUS) + len(more)

        def columns(of_left: NDArray[Any], of_right: NDArray[Any]) -> NDArray[Any]:
            mean = (of_left[..., :a] + of_right[..., :a]) / 2
            intensities = in_groups(mean, of_left[..., :a], of_right[..., :a])
            return np.concatenate([intensities, of_left[..., a:]], axis=-1)

        return replace(
            left,
            weights=columns(left.weights, right.weights),
            constants=columns(left.constants, right.constants),
            dynamic=columns(left.dynamic, right.dynamic).astype(bool),
            cutoffs=np.zeros(3 * a),
            presence_above=presence_above,
            own_rest=True,
        )

    def with_network(self, network: SideNetwork, codes: FloatArray) -> AUBank:
        """The bank with a network over codes of the left and the right, (2, c, n) float64."""
        return replace(self, network=network, codes=np.ascontiguousarray(codes.reshape(network.n_codes, -1).T))

    def without(self, columns: NDArray[np.bool_]) -> AUBank:
        """The bank without some of its intensity columns, (m,) bool: those become NaN."""
        blank = np.concatenate([columns, np.zeros(self.constants.size - columns.size, bool)])
        return replace(self, constants=np.where(blank, np.nan, self.constants))

    @property
    def n_intensities(self) -> int:
        """Number of intensity columns: 17, or three times the number of `aus` with sides."""
        return self.cutoffs.size

    @property
    def aus(self) -> tuple[str, ...]:
        """The a action units with an intensity."""
        return (*INTENSITY_AUS, *self.more)

    @property
    def whole_columns(self) -> NDArray[np.int64]:
        """Where the whole face's intensity of each of `aus` stands, (a,)."""
        return self._columns_of(0)

    @property
    def side_columns(self) -> NDArray[np.int64]:
        """Where those of the subject's left and right stand, (2, a)."""
        return np.stack([self._columns_of(1), self._columns_of(2)])

    def _columns_of(self, group: int) -> NDArray[np.int64]:
        n, k = len(INTENSITY_AUS), len(self.more)
        return np.concatenate([group * n + np.arange(n), 3 * n + group * k + np.arange(k)])

    @property
    def has_sides(self) -> bool:
        """Whether there are predictors of one side."""
        return self.n_intensities > len(INTENSITY_AUS)

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
        ndarray, (m + 18 + 2 c,) float64
            With a network, its codes' behind the others.
        """
        offsets = self.constants - np.where(self.dynamic, neutral @ self.weights, 0.0)
        return offsets if self.network is None else np.concatenate([offsets, -(neutral @ self.codes)])

    def predict(self, descriptors: FloatArray, offsets: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Predict one or several frames.

        Parameters
        ----------
        descriptors : ndarray, (..., n) float64
            HOG, then geometry.
        offsets : ndarray, (m + 18 + 2 c,) float64
            From `offsets`.

        Returns
        -------
        intensity : ndarray, (..., m) float64
            Raw: neither clipped nor smoothed.
        presence : ndarray, (..., 18) float64
            0 or 1. Both NaN where the bank has no predictor.
        """
        columns = self.constants.size
        values = descriptors @ self.weights + offsets[:columns]
        intensity, margin = values[..., : self.n_intensities], values[..., self.n_intensities :]
        if self.network is not None:
            left, right = self.network(descriptors @ self.codes + offsets[columns:])
            intensity = intensity + in_groups((left + right) / 2, left, right)
        if self.presence_above is not None:
            return intensity, self.presences(intensity)
        presence = np.where(margin > 0.0, self.positive, self.negative)
        presence[np.isnan(margin)] = np.nan
        return intensity, presence

    def presences(self, intensity: FloatArray) -> FloatArray:
        """Presences of a bank that judges them by the intensity, (..., m) float64: (..., 18) float64, NaN where there is no intensity."""
        if self.presence_above is None:
            raise ValueError(f"the bank {self.name!r} has classifiers of its own")
        places = dict(zip(self.aus, self.whole_columns.tolist(), strict=True))
        values = np.take(intensity, [places.get(name, 0) for name in PRESENCE_AUS], axis=-1)
        values[..., [name not in places for name in PRESENCE_AUS]] = np.nan
        return np.where(np.isnan(values), np.nan, values > self.presence_above)


def in_groups(whole: NDArray[Any], left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Values of the whole face, the left and the right, each (..., a), in the order of a bank's intensity columns: (..., 3 a)."""
    n, groups = len(INTENSITY_AUS), (whole, left, right)
    return np.concatenate([*(each[..., :n] for each in groups), *(each[..., n:] for each in groups)], axis=-1)
