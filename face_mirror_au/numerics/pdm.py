"""The point distribution model: a linear 3D shape space and its weak-perspective projection (OpenFace 2.2 `PDM`)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from face_mirror_au.records import FloatArray


@dataclass(frozen=True)
class PDM:
    """Point distribution model of n landmarks with m modes.

    Attributes
    ----------
    mean : ndarray, (3, n) float64
        Mean shape in mm: x, y and z of the n points.
    components : ndarray, (3, n, m) float64
        Modes of variation, mm per unit of a local parameter.
    eigenvalues : ndarray, (m,) float64
        Variance of each local parameter.
    name : str
        What a calibration of confidence knows it by; empty for one that nobody has calibrated.
    """

    mean: FloatArray
    components: FloatArray
    eigenvalues: FloatArray
    name: str = ""

    @classmethod
    def from_matrices(cls, mean: FloatArray, components: FloatArray, eigenvalues: FloatArray, name: str = "") -> PDM:
        """Build from the flat form of a PDM file: mean (3n,), components (3n, m), eigenvalues (m,).

        OpenFace reads doubles and computes with floats, so the values are rounded to float32 once, here; all that follows is float64.
        """
        modes = eigenvalues.size
        return cls(
            mean=np.ascontiguousarray(mean.astype(np.float32).astype(np.float64).reshape(3, -1)),
            components=np.ascontiguousarray(components.astype(np.float32).astype(np.float64).reshape(3, -1, modes)),
            eigenvalues=eigenvalues.astype(np.float32).astype(np.float64).ravel(),
            name=name,
        )

    @property
    def n_modes(self) -> int:
        """Number of local shape parameters."""
        return self.eigenvalues.size

    @cached_property
    def flat_components(self) -> FloatArray:
        """Components as (3n, m), x of all points, then y, then z."""
        return self.components.reshape(-1, self.n_modes)

    def shape(self, local: FloatArray) -> FloatArray:
        """3D shape of local parameters.

        Parameters
        ----------
        local : ndarray, (..., m) float64

        Returns
        -------
        ndarray, (..., 3, n) float64
            mm, unrotated.
        """
        displacements = (local @ self.flat_components.T).reshape(*local.shape[:-1], 3, -1)
        return np.asarray(self.mean + displacements)

    def project(self, pose: FloatArray, local: FloatArray) -> FloatArray:
        """Weak-perspective projection `scale * R[:2] @ (mean + V p) + t`.

        Parameters
        ----------
        pose : ndarray, (6,) float64
            scale, rx, ry, rz, tx, ty.
        local : ndarray, (m,) float64

        Returns
        -------
        ndarray, (n, 2) float64
            Pixels.
        """
        rotation = rotation_from_euler(pose[1:4])
        return np.asarray((pose[0] * rotation[:2] @ self.shape(local)).T + pose[4:6])


def rotation_from_euler(euler: FloatArray) -> FloatArray:
    """Rotation matrices `R = Rx Ry Rz` of Euler angles.

    Parameters
    ----------
    euler : ndarray, (..., 3) float64
        rx, ry, rz in radians.

    Returns
    -------
    ndarray, (..., 3, 3) float64
    """
    (s1, s2, s3), (c1, c2, c3) = np.moveaxis(np.sin(euler), -1, 0), np.moveaxis(np.cos(euler), -1, 0)
    rotation = np.empty((*np.shape(euler)[:-1], 3, 3))
    rotation[..., 0, 0] = c2 * c3
    rotation[..., 0, 1] = -c2 * s3
    rotation[..., 0, 2] = s2
    rotation[..., 1, 0] = c1 * s3 + c3 * s1 * s2
    rotation[..., 1, 1] = c1 * c3 - s1 * s2 * s3
    rotation[..., 1, 2] = -c2 * s1
    rotation[..., 2, 0] = s1 * s3 - c1 * c3 * s2
    rotation[..., 2, 1] = c3 * s1 + c1 * s2 * s3
    rotation[..., 2, 2] = c1 * c2
    return rotation


def euler_from_rotation(rotation: FloatArray) -> FloatArray:
    """Euler angles (rx, ry, rz) of one rotation matrix (3, 3), by way of its quaternion as OpenFace 2.2 does; NaN becomes (0, 0, 0)."""
    # Of nine numbers: faster than arrays of them.
    (r00, r01, r02), (r10, r11, r12), (r20, r21, r22) = rotation.tolist()
    trace = 1.0 + r00 + r11 + r22
    if not trace > 0.0:  # nor is NaN
        return np.zeros(3)
    w = math.sqrt(trace) / 2.0
    x, y, z = (r21 - r12) / (4.0 * w), (r02 - r20) / (4.0 * w), (r10 - r01) / (4.0 * w)
    euler = np.array(
        [
            math.atan2(2.0 * (w * x - y * z), w * w - x * x - y * y + z * z),
            math.asin(min(max(2.0 * (w * y + x * z), -1.0), 1.0)),
            math.atan2(2.0 * (w * z - x * y), w * w + x * x - y * y - z * z),
        ]
    )
    return euler if np.isfinite(euler).all() else np.zeros(3)
