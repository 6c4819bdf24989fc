"""Convolutional experts: those of CE-CLM (OpenFace 2.2 `CEN_patch_expert`), small networks on every second place of a response map."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.numerics.clnf.experts import SUPPORT, Grey, surroundings
from face_mirror_au.records import Float32Array, FloatArray

_SIGMOID, _RELU = 0, 2


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes
    ----------
    weights : ndarray, (out, in) float32
    bias : ndarray, (out,) float32
    activation : int
        0 sigmoid, 2 ReLU, any other value none.
    """

    weights: Float32Array
    bias: Float32Array
    activation: int

    def apply(self, inputs: Float32Array) -> Float32Array:
        """Outputs (p, out) of inputs (p, in)."""
        values: Float32Array = inputs @ self.weights.T
        values += self.bias
        if self.activation == _RELU:
            return np.asarray(np.maximum(values, np.float32(0.0), out=values))
        if self.activation == _SIGMOID:
            with np.errstate(over="ignore"):
                return np.asarray(1.0 / (1.0 + np.exp(-values)))
        return values


@dataclass(frozen=True)
class CENExpert:
    """The network of one landmark: from 1 and a normalised patch, column by column, to one number."""

    layers: tuple[Layer, ...]

    def apply(self, patches: Float32Array) -> Float32Array:
        """Answers (p,) float32 to patches (p, 122)."""
        for layer in self.layers:
            patches = layer.apply(patches)
        return patches[:, 0]


@dataclass(frozen=True)
class CENExperts:
    """CEN experts of one scale, v views of n landmarks.

    Attributes
    ----------
    scaling : float
        Pixels a mm.
    views : ndarray, (v, 3) float64
        Centres, rad.
    visible : ndarray, (v, n) uint8
    confidence : ndarray, (v, n) float32
    experts : tuple
        By view and landmark; None where the mirror image's is used.
    mirror_points : ndarray, (n,)
        The landmark on the other side.
    mirror_views : ndarray, (v,)
        The view from the other side.
    """

    scaling: float
    views: FloatArray
    visible: NDArray[np.uint8]
    confidence: Float32Array
    experts: tuple[tuple[CENExpert | None, ...], ...]
    mirror_points: NDArray[np.intp]
    mirror_views: NDArray[np.intp]

    def respond(self, image: Grey, points: Float32Array, to_image: Float32Array, view: int, window: int) -> Float32Array:
        """Response maps, see `Experts`."""
        return self.answer(surroundings(image, points, self.visible[view], to_image, window), view)

    def answer(self, areas: Float32Array, view: int) -> Float32Array:
        """Response maps (n, window, window) float32 to the landmarks' surroundings (n, window + 10, window + 10).

        A mirror image's expert is shown the flipped picture.
        """
        visible, areas, window = self.visible[view], areas.copy(), areas.shape[1] - SUPPORT + 1
        own = self.experts[view]
        others = self.experts[0 if view == 0 else int(self.mirror_views[view])]
        flipped = [expert is None for expert in own]
        areas[flipped] = areas[flipped][:, :, ::-1]
        patches = _patches(areas)
        sparse = np.zeros((visible.size, patches.shape[1]), np.float32)
        # A frontal expert answers for both sides at once: its weights are read from memory once.
        asked: dict[int, tuple[CENExpert, list[int]]] = {}
        for point in np.flatnonzero(visible).tolist():
            expert = own[point] or others[int(self.mirror_points[point])]
            if expert is not None:
                asked.setdefault(id(expert), (expert, []))[1].append(point)
        with np.errstate(over="ignore", invalid="ignore"):  # experts of absurd weights: what is no number leads nobody
            for expert, answered in asked.values():
                sparse[answered] = expert.apply(patches[answered].reshape(-1, patches.shape[2])).reshape(len(answered), -1)
            out = (sparse @ _interpolation(window)).reshape(-1, window, window).transpose(0, 2, 1)
        out[flipped] = out[flipped][:, :, ::-1]
        return np.ascontiguousarray(out)


def _patches(areas: Float32Array) -> Float32Array:
    """Every second patch of each area, column by column, as the networks take them: (n, p, 122) float32."""
    n, side = areas.shape[:2]
    window = side - SUPPORT + 1
    places = np.arange(1, window * window, 2)
    x, y = np.divmod(places, window)
    columns, rows = np.divmod(np.arange(SUPPORT * SUPPORT), SUPPORT)
    flat = (y[:, None] + rows) * side + x[:, None] + columns
    patches = areas.reshape(n, -1)[:, flat]
    patches -= patches.mean(axis=2, keepdims=True, dtype=np.float64).astype(np.float32)
    norms = np.sqrt(np.einsum("npk,npk->np", patches, patches))
    norms[norms == 0.0] = 1.0
    patches /= norms[:, :, None]
    return np.concatenate([np.ones((n, places.size, 1), np.float32), patches], axis=2)


@cache
def _interpolation(window: int) -> Float32Array:
    """From every second place to all, (p, window ** 2), both column by column: the rest is the mean of its neighbours."""
    places = np.arange(1, window * window, 2)
    out = np.zeros((places.size, window * window), np.float32)
    out[np.arange(places.size), places] = 1.0
    for place in range(0, window * window, 2):
        x, y = divmod(place, window)
        near = [
            (column * window + row) // 2
            for column, row in ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1))
            if 0 <= column < window and 0 <= row < window
        ]
        out[near, place] = 1.0 / len(near)
    return out
