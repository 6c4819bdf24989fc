"""From measured recordings to the bank: mesh shape model, ridge regression of both forms, the network, and which predictors are good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import UsageError
from face_mirror_au.models.open_bank import FORMS, NETWORK, PDM_FEATURES
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.numerics.final_values import MAX_INTENSITY
from face_mirror_au.numerics.mesh_shape import MeshShape, align_meshes
from face_mirror_au.records import ALL_AUS, Float32Array, FloatArray
from training.dataset import Dataset
from training.directions import blocks, main_directions
from training.network import FittedNetwork, fit_network
from training.render.targets import ACTION_UNITS, ONE_PIECE
from training.symmetry import RIGID_POINTS, hog_order, mirrored_displacements, symmetric_reference

MESH_MODES = 96
# Ridge: penalty in units of the features' mean square; FHOG and mesh weigh the same. Chosen on validation recordings: correlation changes
# by less than 0.02 from 0.3 to 3.
PENALTY = 0.5
# Every tenth recording tells which predictors are good enough and is not learned from.
VALIDATION_EVERY = 10
# A difference of the sides is amplified by this at most, to be as sensitive as their sum.
MAX_AMPLIFICATION = 2.5
MIN_CORRELATION = {"dynamic": 0.7, "static": 0.6}
# How far alike sides seem to differ: from what on something seems to move, what is no true difference, and frames that are needed.
MOVES, MIN_FRAMES = 0.5, 100
NO_DIFFERENCE = 0.25
MAX_YAW_OF_ERRORS = 15.0  # degrees; beyond, sides are not compared
# Errors on real faces are larger than on renders.
REAL_FACES = 1.25
# The network learns what predictors leave over that have not seen the recording: fitted so often, each time without a part of them.
FOLDS = 5

_Real = TypeVar("_Real", bound=np.floating)


@dataclass(frozen=True)
class Fitted:
    """What training gives.

    Attributes
    ----------
    arrays : dict of str to ndarray
        As in the file, see `models.open_bank`.
    correlations : dict of str to ndarray, (2, 22) float64
        By form, on the validation recordings: of the whole face's intensities, and of the sides'.
    side_errors : dict of str to float
        See `side_errors`; of the dynamic form.
    """

    arrays: dict[str, NDArray[np.generic]]
    correlations: dict[str, FloatArray]
    side_errors: dict[str, float]


@dataclass(frozen=True)
class _Features:
    """Features (N, f) float32 of the frames, and of their mirror images; scaled."""

    plain: Float32Array
    mirrored: Float32Array


def fit_bank(data: Dataset) -> Fitted:
    """Fit everything; the same data give the same arrays.

    Raises
    ------
    UsageError
        When no recording is left for validation.
    """
    if ACTION_UNITS != ALL_AUS:
        raise ValueError("the targets' action units are not those of the tables")
    learning = data.recording % VALIDATION_EVERY != VALIDATION_EVERY - 1
    if learning.all():
        raise UsageError(f"every {VALIDATION_EVERY}th recording is for validation; make {VALIDATION_EVERY} or more", "recordings")
    shape, partner = fit_mesh_shape(data)
    hog_scale, features = _features(data, shape, partner)
    arrays: dict[str, NDArray[np.generic]] = {
        "mesh_reference": shape.reference.astype(np.float32),
        "mesh_rigid": RIGID_POINTS,
        "mesh_basis": shape.basis.astype(np.float32),
    }
    correlations: dict[str, FloatArray] = {}
    errors: dict[str, float] = {}
    for form in FORMS:
        if form == "dynamic":
            used = _Features(*(relative_to_rest(each, data) for each in (features.plain, features.mirrored)))
            truth = relative_to_rest(data.intensities.reshape(len(data), -1), data).reshape(data.intensities.shape)
            mean, level = np.zeros(used.plain.shape[1]), np.zeros(len(ALL_AUS))
        else:
            used, truth = features, data.intensities
            mean = np.mean([each[learning].mean(axis=0, dtype=np.float64) for each in (used.plain, used.mirrored)], axis=0)
            level = truth[learning].mean(axis=(0, 1))
        left = fit_sides(used, truth, learning, mean, level)
        predicted = np.stack([(each - mean) @ left + level for each in (used.plain, used.mirrored)], axis=1)
        if form == "dynamic":
            network = fit_network(*_left_over(used, truth, learning, data.recording))
            predicted += network.predict(used.plain, used.mirrored)
            arrays |= _network(network, hog_scale, shape, partner)
            near = ~learning & (np.abs(data.angles[:, 0]) < MAX_YAW_OF_ERRORS)
            errors = side_errors(predicted[near], truth[near])
        correlations[form] = correlate(predicted[~learning], truth[~learning])
        arrays |= _predictors(form, left, level, mean, hog_scale, shape, partner, correlations[form])
    return Fitted(arrays, correlations, errors)


def fit_mesh_shape(data: Dataset) -> tuple[MeshShape, NDArray[np.int64]]:
    """Mean shape and main directions of all meshes and their mirror images; and each point's mirror partner."""
    reference, partner = symmetric_reference(data.mesh[data.at_rest])
    n_values = reference.size
    scatter = np.zeros((n_values, n_values))
    for block in blocks(len(data)):
        displacements = align_meshes(data.mesh[block], reference, RIGID_POINTS) - reference
        for each in (displacements, mirrored_displacements(displacements, partner)):
            flat = each.reshape(len(each), n_values)
            scatter += flat.T @ flat
    _, directions = main_directions(scatter, MESH_MODES)
    return MeshShape(reference, RIGID_POINTS, np.ascontiguousarray(directions.T)), partner


def mirror_matrix(shape: MeshShape, partner: NDArray[np.int64]) -> FloatArray:
    """(k, k): shape parameters to those of the mirrored mesh, ``parameters @ matrix``."""
    directions = shape.basis.reshape(len(shape.basis), -1, 3)
    mirrored = mirrored_displacements(directions, partner).reshape(len(directions), -1)
    return np.asarray(mirrored @ shape.basis.T)


def _features(data: Dataset, shape: MeshShape, partner: NDArray[np.int64]) -> tuple[tuple[float, float], _Features]:
    """FHOG and mesh parameters, each scaled so that their movements weigh the same; and the two scales."""
    parameters = np.concatenate([shape.parameters(data.mesh[block]) for block in blocks(len(data))])
    mirror = mirror_matrix(shape, partner)
    # What differs between movements, not between people, decides the scales.
    scales = tuple(float(1.0 / np.sqrt((relative_to_rest(each, data) ** 2).sum(axis=1).mean())) for each in (data.hog, parameters))
    order = hog_order()
    plain = np.concatenate([data.hog * scales[0], parameters * scales[1]], axis=1, dtype=np.float32)
    mirrored = np.concatenate([data.hog[:, order] * scales[0], (parameters @ mirror) * scales[1]], axis=1, dtype=np.float32)
    return (scales[0], scales[1]), _Features(plain, mirrored)


def relative_to_rest(values: NDArray[_Real], data: Dataset) -> NDArray[_Real]:
    """Values (N, f) minus the median of their recording's frames at rest."""
    result = np.empty_like(values)
    for number in np.unique(data.recording):
        rows = data.recording == number
        resting = rows & data.at_rest
        result[rows] = values[rows] - np.median(values[resting if resting.any() else rows], axis=0)
    return result


def fit_sides(used: _Features, truth: FloatArray, rows: NDArray[np.bool_], mean: FloatArray, level: FloatArray) -> FloatArray:
    """Weights of the left side, (f, 22); those of the right are their mirror image.

    Since every frame counts as it is and mirrored, what both sides do (half their sum) depends on the symmetric part of the features alone,
    and what tells them apart (half their difference) on the antisymmetric part. The two are regressed apart, and then brought to one
    sensitivity: ridge regression shrinks the rarer and smaller differences more than the sums, and a movement of one side alone would show
    on the other side, too.
    """
    chosen = np.flatnonzero(rows)
    solved: list[FloatArray] = []
    sensitivity: list[FloatArray] = []
    for sign in (1.0, -1.0):
        part = _Part(used, truth, mean if sign > 0 else 0.0 * mean, level if sign > 0 else 0.0 * level, sign)
        weights = ridge(part, chosen)
        solved.append(weights)
        sensitivity.append(slopes(part, chosen, weights))
    match = np.clip(sensitivity[0] / np.maximum(sensitivity[1], 1e-6), 1.0, MAX_AMPLIFICATION)
    return solved[0] + match * solved[1]


@dataclass(frozen=True)
class _Part:
    """Half the sum (sign 1) or half the difference (-1) of the two sides: features and truth."""

    used: _Features
    truth: FloatArray
    mean: FloatArray
    level: FloatArray
    sign: float

    def block(self, rows: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Features (n, f) and truth (n, 22) of some frames."""
        x = (self.used.plain[rows].astype(np.float64) + self.sign * self.used.mirrored[rows]) / 2 - self.mean
        return x, (self.truth[rows, 0] + self.sign * self.truth[rows, 1]) / 2 - self.level


def ridge(part: _Part, chosen: NDArray[np.int64]) -> FloatArray:
    """Ridge regression, (f, 22)."""
    size = part.mean.size
    gram, moments = np.zeros((size, size)), np.zeros((size, part.truth.shape[2]))
    for block in blocks(len(chosen)):
        x, y = part.block(chosen[block])
        gram += x.T @ x
        moments += x.T @ y
    # The mean square of a row, not of a feature: it does not depend on how many features there are.
    gram[np.diag_indices(size)] += PENALTY * np.trace(gram) / len(chosen)
    return np.asarray(np.linalg.solve(gram, moments))


def slopes(part: _Part, chosen: NDArray[np.int64], weights: FloatArray) -> FloatArray:
    """How much a prediction rises when the truth rises by 1, (22,)."""
    products, squares = np.zeros(weights.shape[1]), np.zeros(weights.shape[1])
    for block in blocks(len(chosen)):
        x, y = part.block(chosen[block])
        products += (y * (x @ weights)).sum(axis=0)
        squares += (y**2).sum(axis=0)
    return products / np.maximum(squares, 1e-9)


def _left_over(
    used: _Features, truth: FloatArray, learning: NDArray[np.bool_], recording: NDArray[np.int64]
) -> tuple[Float32Array, Float32Array, FloatArray, NDArray[np.int64]]:
    """Features, what ridge regression leaves over of the truth, and recordings, of the frames that are learned from."""
    mean, level = np.zeros(used.plain.shape[1]), np.zeros(truth.shape[2])
    left_over = np.clip(truth, -1.0, MAX_INTENSITY)
    part = np.unique(recording[learning], return_inverse=True)[1] % FOLDS
    chosen = np.flatnonzero(learning)
    for fold in range(FOLDS):
        rows = np.zeros(len(truth), bool)
        rows[chosen[part != fold]] = True
        left = fit_sides(used, truth, rows, mean, level)
        others = chosen[part == fold]
        left_over[others] -= np.stack([each[others] @ left for each in (used.plain, used.mirrored)], axis=1)
    return used.plain[chosen], used.mirrored[chosen], left_over[chosen], recording[chosen]


def correlate(predicted: FloatArray, truth: FloatArray) -> FloatArray:
    """Correlation with the truth, (2, 22): of the whole face (the mean of the sides), and of the two sides taken together.

    Both are clipped to the range of an intensity first, as the tables show them. (N, 2, 22) each.
    """
    unclipped = predicted
    predicted, truth = np.clip(predicted, 0.0, MAX_INTENSITY), np.clip(truth, 0.0, MAX_INTENSITY)
    n_aus = truth.shape[2]
    whole = np.clip(unclipped.mean(axis=1), 0.0, MAX_INTENSITY), truth.mean(axis=1)
    sides = predicted.reshape(-1, n_aus), truth.reshape(-1, n_aus)
    return np.array([[_correlation(given[:, au], true[:, au]) for au in range(n_aus)] for given, true in (whole, sides)])


def side_errors(predicted: FloatArray, truth: FloatArray) -> dict[str, float]:
    """How far apart the sides of a face without a difference seem to be, for each action unit: 95 % of them less, times `REAL_FACES`.

    Of the frames in which something seems to move at all. (N, 2, 22) each.
    """
    predicted, truth = np.clip(predicted, 0.0, MAX_INTENSITY), np.clip(truth, 0.0, MAX_INTENSITY)
    apart, alike = np.abs(predicted[:, 0] - predicted[:, 1]), np.abs(truth[:, 0] - truth[:, 1]) < NO_DIFFERENCE
    rows = alike & (predicted.max(axis=1) >= MOVES)
    counts = dict(zip(ALL_AUS, rows.sum(axis=0), strict=True))
    return {
        name: round(REAL_FACES * float(np.quantile(apart[rows[:, au], au], 0.95)), 2)
        for au, name in enumerate(ALL_AUS)
        if counts[name] >= MIN_FRAMES
    }


def _correlation(first: FloatArray, second: FloatArray) -> float:
    """0 where one of the two never changes: nothing was learned, or there was nothing to learn."""
    if np.ptp(first) == 0.0 or np.ptp(second) == 0.0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _predictors(
    form: str,
    left: FloatArray,
    level: FloatArray,
    mean: FloatArray,
    scales: tuple[float, float],
    shape: MeshShape,
    partner: NDArray[np.int64],
    correlations: FloatArray,
) -> dict[str, NDArray[np.generic]]:
    """A form's arrays of the file."""
    weights = _both_sides(left, scales, shape, partner)
    n_modes = len(shape.basis)
    one_piece = np.array([name in ONE_PIECE for name in ALL_AUS])
    known = correlations >= MIN_CORRELATION[form]
    known[1] &= known[0] & ~one_piece
    arrays: dict[str, NDArray[np.generic]] = {
        form: weights.astype(np.float32),
        f"{form}_known": known.astype(np.float32),
    }
    if form == "static":
        means = np.zeros(weights.shape[2])
        means[:HOG_SIZE], means[-n_modes:] = mean[:HOG_SIZE] / scales[0], mean[HOG_SIZE:] / scales[1]
        arrays |= {"means": means.astype(np.float32), "static_bias": np.tile(level, (2, 1)).astype(np.float32)}
    return arrays


def _network(
    fitted: FittedNetwork, scales: tuple[float, float], shape: MeshShape, partner: NDArray[np.int64]
) -> dict[str, NDArray[np.generic]]:
    """The network's arrays of the file."""
    arrays = {name: getattr(fitted.network, name) for name in NETWORK} | {"codes": _both_sides(fitted.codes, scales, shape, partner)}
    return {f"network_{name}": array.astype(np.float32) for name, array in arrays.items()}


def _both_sides(left: FloatArray, scales: tuple[float, float], shape: MeshShape, partner: NDArray[np.int64]) -> FloatArray:
    """Weights of scaled features, (f, v), as those of the descriptor, (2, v, n): of the left, and of the right, their mirror image."""
    n_modes = len(shape.basis)
    weights = np.zeros((2, left.shape[1], HOG_SIZE + PDM_FEATURES + n_modes))
    of_hog, of_mesh = left[:HOG_SIZE].T * scales[0], left[HOG_SIZE:].T * scales[1]
    weights[0, :, :HOG_SIZE], weights[0, :, -n_modes:] = of_hog, of_mesh
    weights[1][:, hog_order()], weights[1, :, -n_modes:] = of_hog, of_mesh @ mirror_matrix(shape, partner).T
    return weights
