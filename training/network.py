"""Fits the network behind the dynamic predictors: what ridge regression leaves over, from codes that are learned with it.

Trained by stochastic gradient descent with AdamW (Loshchilov and Hutter 2019) and dropout, in NumPy: it is small, and the same data give
the same network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.numerics.side_network import SideNetwork
from face_mirror_au.records import Float32Array, FloatArray
from training.directions import blocks, main_directions

# Main directions of the features, codes of one side, and units in each layer. Chosen on every fifth recording: doubling one of them changes
# the mean correlation by less than 0.01.
COMPONENTS, CODES, HIDDEN = 512, 32, 128
EPOCHS, BATCH, LEARNING_RATE, DECAY = 40, 512, 4e-3, 0.05
WARM_UP = 0.3  # of the steps; the rate falls along a cosine afterwards
DROP_INPUT, DROP_HIDDEN = 0.05, 0.1
# An error of the difference of the sides counts as much as one of each side.
OF_DIFFERENCE = 1.0
# The neutral reference of a recording is often its running median and not its rest: in training it lies off by up to this much of the mean
# of the recording's movements, in this share of the frames.
MOST_OFF, SHARE_OFF = 1.2, 0.7
# What is added counts by this share: on renders the whole of it is a little better (mean correlation of left minus right 0.757, not 0.745),
# but on real faces, which it has not learned from, it takes a broad smile's AU12 for AU10 and AU14 in part.
TRUST = 0.6
# Directions that hardly vary say nothing; relative to the first.
_LEAST_VARIANCE = 1e-7
_SEED = 1
_MOMENTUM, _OF_SQUARES, _LEAST = 0.9, 0.999, 1e-8

_Weights = dict[str, Float32Array]


@dataclass(frozen=True)
class FittedNetwork:
    """The network and its codes: ``features @ codes`` gives those of the left, of the mirrored face's features those of the right.

    Attributes
    ----------
    codes : ndarray, (f, c) float64
    network : SideNetwork
    """

    codes: FloatArray
    network: SideNetwork

    def predict(self, plain: Float32Array, mirrored: Float32Array) -> FloatArray:
        """What is added to the intensities of left and right, (N, 2, a); features (N, f) relative to rest."""
        codes = np.concatenate([plain @ self.codes, mirrored @ self.codes], axis=1)
        return np.stack(self.network(codes), axis=1)


def fit_network(plain: Float32Array, mirrored: Float32Array, left_over: FloatArray, recording: NDArray[np.int64]) -> FittedNetwork:
    """Learn what is left over of the sides' intensities.

    Parameters
    ----------
    plain, mirrored : ndarray, (N, f) float32
        Features of the frames and of their mirror images, relative to rest.
    left_over : ndarray, (N, 2, a) float64
        Truth minus what is predicted already, by predictors that have not learned from that frame.
    recording : ndarray, (N,) int64
    """
    directions = _directions(plain, mirrored)
    components = [np.asarray(each @ directions.astype(np.float32)) for each in (plain, mirrored)]
    numbers, place = np.unique(recording, return_inverse=True)
    means = [np.stack([each[place == number].mean(axis=0) for number in range(len(numbers))]) for each in components]
    generator = np.random.default_rng(_SEED)
    weights = _start(generator, directions.shape[1], left_over.shape[2])
    adam = _Adam(weights, steps=EPOCHS * max(len(plain) // BATCH, 1))
    truth = left_over.astype(np.float32)
    for rows in _batches(len(plain), generator):
        off = generator.uniform(0.0, MOST_OFF, (len(rows), 1)) * (generator.random((len(rows), 1)) < SHARE_OFF)
        shifts = [(off * mean[place[rows]]).astype(np.float32) for mean in means]
        inputs = [np.concatenate([each[rows] - shift, -shift]) for each, shift in zip(components, shifts, strict=True)]
        adam.step(weights, _gradients(weights, inputs[0], inputs[1], truth[rows], generator))
    weights["last"] *= np.float32(TRUST)
    of_network = {name: value.astype(np.float64) for name, value in weights.items() if name != "codes"}
    return FittedNetwork(directions @ weights["codes"].astype(np.float64), SideNetwork(**of_network))


def _directions(plain: Float32Array, mirrored: Float32Array) -> FloatArray:
    """Main directions of the features, (f, k), each scaled by the fourth root of its variance, all together to a mean square of 1."""
    scatter = np.zeros((plain.shape[1], plain.shape[1]))
    for each in (plain, mirrored):
        for block in blocks(len(each), 4096):
            rows = each[block].astype(np.float64)
            scatter += rows.T @ rows
    values, vectors = main_directions(scatter / (2 * len(plain)), COMPONENTS)
    kept = values > _LEAST_VARIANCE * values[0]
    values, vectors = values[kept], vectors[:, kept]
    scale = values**-0.25
    return np.asarray(vectors * scale / np.sqrt((values * scale**2).mean()))


def _start(generator: np.random.Generator, components: int, aus: int) -> _Weights:
    """Uniform within 1 / sqrt(inputs) of each unit; nothing is added at first."""

    def drawn(rows: int, columns: int) -> Float32Array:
        return generator.uniform(-(columns**-0.5), columns**-0.5, (rows, columns)).astype(np.float32)

    return {
        "codes": np.ascontiguousarray(drawn(CODES, components).T),
        "first": drawn(HIDDEN, 2 * CODES),
        "first_bias": drawn(1, HIDDEN)[0],
        "second": drawn(HIDDEN, HIDDEN),
        "second_bias": drawn(1, HIDDEN)[0],
        "last": np.zeros((aus, HIDDEN), np.float32),
    }


def _batches(count: int, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    size = min(BATCH, count)
    for _ in range(EPOCHS):
        order = generator.permutation(count)
        for start in range(0, count - size + 1, size):
            yield order[start : start + size]


def _gradients(
    weights: _Weights, plain: Float32Array, mirrored: Float32Array, truth: Float32Array, generator: np.random.Generator
) -> _Weights:
    """Of the mean squared error. Each of the n frames stands in two rows of the inputs (2 n, k): itself, and the neutral reference."""
    n, aus = len(truth), truth.shape[2]
    plain, mirrored = (each * _kept(each.shape, DROP_INPUT, generator) for each in (plain, mirrored))
    left, right = plain @ weights["codes"], mirrored @ weights["codes"]
    codes = np.concatenate([np.concatenate([left, right], axis=1), np.concatenate([right, left], axis=1)])
    first = np.maximum(codes @ weights["first"].T + weights["first_bias"], 0.0)
    keep_first = _kept(first.shape, DROP_HIDDEN, generator)
    dropped = first * keep_first
    second = np.maximum(dropped @ weights["second"].T + weights["second_bias"], 0.0)
    keep_second = _kept(second.shape, DROP_HIDDEN, generator)
    last = second * keep_second
    # Rows: left of the frames, left of their references, right of the frames, right of their references.
    found = (last @ weights["last"].T).reshape(2, 2, n, aus)
    off = (found[:, 0] - found[:, 1]).transpose(1, 0, 2) - truth
    apart = OF_DIFFERENCE * (off[:, 0] - off[:, 1])
    slope = np.stack([off[:, 0] + apart, off[:, 1] - apart]) * np.float32(2.0 / (n * aus))
    of_found = np.stack([slope, -slope], axis=1).reshape(4 * n, aus)
    of_second = (of_found @ weights["last"]) * keep_second * (second > 0)
    of_first = (of_second @ weights["second"]) * keep_first * (first > 0)
    of_codes = of_first @ weights["first"]
    own, other = of_codes[:, :CODES], of_codes[:, CODES:]
    of_left, of_right = own[: 2 * n] + other[2 * n :], own[2 * n :] + other[: 2 * n]
    return {
        "codes": plain.T @ of_left + mirrored.T @ of_right,
        "first": of_first.T @ codes,
        "first_bias": of_first.sum(axis=0),
        "second": of_second.T @ dropped,
        "second_bias": of_second.sum(axis=0),
        "last": of_found.T @ last,
    }


def _kept(shape: tuple[int, ...], share: float, generator: np.random.Generator) -> Float32Array:
    """Dropout: 0 for a share of the values, the others are raised to make up for it."""
    return np.asarray((generator.random(shape, np.float32) >= share) / np.float32(1.0 - share), np.float32)


class _Adam:
    """AdamW with a rate that rises and then falls along a cosine."""

    def __init__(self, weights: _Weights, steps: int) -> None:
        self._steps, self._done = steps, 0
        self._mean = {name: np.zeros_like(value) for name, value in weights.items()}
        self._square = {name: np.zeros_like(value) for name, value in weights.items()}

    def step(self, weights: _Weights, gradients: _Weights) -> None:
        """Change the weights in place."""
        self._done += 1
        at, risen = self._done / self._steps, WARM_UP
        shape = (1 - np.cos(np.pi * at / risen)) / 2 if at < risen else (1 + np.cos(np.pi * (at - risen) / (1 - risen))) / 2
        rate = np.float32(LEARNING_RATE * max(float(shape), 1e-4))
        for name, gradient in gradients.items():
            self._mean[name] = np.float32(_MOMENTUM) * self._mean[name] + np.float32(1 - _MOMENTUM) * gradient
            self._square[name] = np.float32(_OF_SQUARES) * self._square[name] + np.float32(1 - _OF_SQUARES) * gradient**2
            mean = self._mean[name] / np.float32(1 - _MOMENTUM**self._done)
            square = self._square[name] / np.float32(1 - _OF_SQUARES**self._done)
            weights[name] = weights[name] * (1 - rate * np.float32(DECAY)) - rate * mean / (np.sqrt(square) + np.float32(_LEAST))
