"""Shape of a face mesh: its points brought to one position, size and direction, and written in a few parameters.

What the PDM is to the 68 landmarks, this is to the 478 points of the attention mesh, which follow cheeks, lips and lids closely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.records import Float32Array, FloatArray


@dataclass(frozen=True)
class MeshShape:
    """A linear model of mesh shapes.

    Attributes
    ----------
    reference : ndarray, (478, 3) float64
        Mean shape, mm: x to the subject's left, y down, z away from the camera; symmetric.
    rigid : ndarray, (r,) int
        Points that move least with expression.
    basis : ndarray, (k, 1434) float64
        Orthonormal directions of x, y, z of all points.
    """

    reference: FloatArray
    rigid: NDArray[np.integer]
    basis: FloatArray

    def facing(self, mesh: Float32Array | FloatArray) -> FloatArray:
        """One mesh or several, (..., 478, 3) pixels, as they would look straight ahead: (..., 478, 3) float64, mm of the mean face."""
        return align_meshes(mesh, self.reference, self.rigid)

    def parameters(self, mesh: Float32Array | FloatArray) -> FloatArray:
        """Shape parameters of one mesh, or several, (..., 478, 3) pixels; see `parameters_facing`."""
        return self.parameters_facing(self.facing(mesh))

    def parameters_facing(self, facing: FloatArray) -> FloatArray:
        """Shape parameters of meshes that look straight ahead.

        Parameters
        ----------
        facing : ndarray, (..., 478, 3)
            From `facing`.

        Returns
        -------
        ndarray, (..., k) float64
            mm: how far along each direction the points lie from the mean, root mean square over the points.
        """
        displacement = facing - self.reference
        flat = displacement.reshape(*displacement.shape[:-2], -1)
        return np.asarray(flat @ self.basis.T / np.sqrt(len(self.reference)))


def align_meshes(mesh: Float32Array | FloatArray, reference: FloatArray, rigid: NDArray[np.integer]) -> FloatArray:
    """Turn, scale and shift meshes, (..., n, 3), so that their rigid points lie best on those of the reference, (n, 3).

    Least squares over similarities without reflection (Umeyama, 1991).
    """
    points = np.asarray(mesh, dtype=np.float64)
    source, target = points[..., rigid, :], reference[rigid]
    middle = source.mean(axis=-2, keepdims=True)
    source = source - middle
    centre = target.mean(axis=0)
    u, singular, vt = np.linalg.svd(np.swapaxes(source, -1, -2) @ (target - centre))
    flips = np.ones_like(singular)
    flips[..., 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * flips[..., np.newaxis, :]) @ vt
    scale = (singular * flips).sum(axis=-1) / (source**2).sum(axis=(-1, -2))
    return np.asarray(scale[..., np.newaxis, np.newaxis] * ((points - middle) @ rotation) + centre)
