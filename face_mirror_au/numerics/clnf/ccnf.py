"""Continuous conditional neural fields: the experts of CLNF (OpenFace 2.2 `CCNF_patch_expert`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics.clnf.experts import Grey, surroundings
from face_mirror_au.records import Float32Array, FloatArray

# OpenFace 2.2: neurons that say less are not asked.
_MIN_ALPHA = 1e-4


@dataclass(frozen=True)
class CCNFExperts:
    """CCNF experts of one scale, v views of n landmarks, each with up to k neurons.

    Attributes
    ----------
    scaling : float
        Pixels a mm.
    views : ndarray, (v, 3) float64
        Centres, rad.
    visible : ndarray, (v, n) uint8
    confidence : ndarray, (v, n) float32
    weights : ndarray, (v, n, k, 121) float32
        Of the neurons, with their norm weights, minus each one's mean: a patch's own mean then drops out. Row by row.
    biases, alphas : ndarray, (v, n, k) float64
    betas : ndarray, (v, n, c) float64
    components : mapping of int to ndarray, (c, window ** 2, window ** 2) float32
        By window: how neighbouring cells of a response belong together.
    """

    scaling: float
    views: FloatArray
    visible: NDArray[np.uint8]
    confidence: Float32Array
    weights: Float32Array
    biases: FloatArray
    alphas: FloatArray
    betas: FloatArray
    components: Mapping[int, Float32Array]
    # Made at first use: a face that looks ahead needs one view's of seven.
    _smoothing: dict[tuple[int, int], Float32Array] = field(default_factory=dict, repr=False, compare=False)

    def respond(self, image: Grey, points: Float32Array, to_image: Float32Array, view: int, window: int) -> Float32Array:
        """Response maps, see `Experts`."""
        visible = self.visible[view]
        areas = surroundings(image, points, visible, to_image, window)
        out = np.empty((visible.size, window, window), np.float32)
        amounts = np.where(self.alphas[view] > _MIN_ALPHA, 2.0 * self.alphas[view], 0.0)
        _kernels.responses.ccnf(areas, visible, self.weights[view], self.biases[view], amounts, self.smoothing(view, window), out)
        return out

    def smoothing(self, view: int, window: int) -> Float32Array:
        """Sigma of the field, the inverse of 2 (sum of alphas + sum of beta times component).

        Returns
        -------
        ndarray, (n, window ** 2, window ** 2) float32; (n, 1, 1) where the file has no components for the window
        """
        known = self._smoothing.get((view, window))
        if known is None:
            known = self._smoothing[view, window] = self._make_smoothing(view, window)
        return known

    def _make_smoothing(self, view: int, window: int) -> Float32Array:
        alphas = self.alphas[view].sum(axis=1)
        seen = self.visible[view] != 0
        components = self.components.get(window)
        if components is None or not len(components):
            numbers = np.zeros((seen.size, 1, 1), np.float32)
            numbers[seen, 0, 0] = 1.0 / (2.0 * alphas[seen])
            return numbers
        cells = window * window
        out = np.empty((seen.size, cells, cells), np.float32)
        # Not by BLAS: its threads cost more than they bring.
        np.einsum("nc,cij->nij", (2.0 * self.betas[view]).astype(np.float32), components, out=out)
        # Where there is no expert the matrix is the identity, which nobody asks for.
        out[:, np.arange(cells), np.arange(cells)] += np.where(seen, 2.0 * alphas, 1.0).astype(np.float32)[:, None]
        _kernels.responses.invert(out)
        return out
