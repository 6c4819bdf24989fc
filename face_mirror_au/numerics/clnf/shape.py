"""The shape model as the fit uses it: in float32, like OpenFace 2.2, whose results depend on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.records import Float32Array

# OpenFace 2.2: a local parameter stays within this many standard deviations during the fit.
_MAX_DEVIATIONS = 3.0


@dataclass(frozen=True)
class ShapeModel:
    """A PDM in float32.

    Attributes
    ----------
    mean : ndarray, (3, n) float32
        mm.
    components : ndarray, (3, n, m) float32
        mm per unit of a local parameter.
    modes : ndarray, (m, 3, n) float32
        The same, the other way round.
    eigenvalues : ndarray, (m,) float32
    limits : ndarray, (m,) float32
        Largest amount of each local parameter.
    """

    mean: Float32Array
    components: Float32Array
    modes: Float32Array
    eigenvalues: Float32Array
    limits: Float32Array

    @classmethod
    def of(cls, pdm: PDM) -> ShapeModel:
        """The PDM, whose values are float32 already."""
        eigenvalues = pdm.eigenvalues.astype(np.float32)
        return cls(
            np.ascontiguousarray(pdm.mean, np.float32),
            np.ascontiguousarray(pdm.components, np.float32),
            np.ascontiguousarray(pdm.components.transpose(2, 0, 1), np.float32),
            eigenvalues,
            np.float32(_MAX_DEVIATIONS) * np.sqrt(eigenvalues),
        )

    @property
    def n_points(self) -> int:
        """Number of landmarks."""
        return int(self.mean.shape[1])

    @property
    def n_modes(self) -> int:
        """Number of local parameters."""
        return self.eigenvalues.size

    def shape(self, local: Float32Array) -> Float32Array:
        """3D shape of local parameters (m,): (3, n) float32, mm, unrotated."""
        return np.asarray(self.mean + (local @ self.modes.reshape(self.n_modes, -1)).reshape(3, -1))

    def project(self, pose: Float32Array, local: Float32Array) -> Float32Array:
        """2D shape, (2, n) float32 px, of pose (scale, rx, ry, rz, tx, ty) and local parameters (m,)."""
        return np.asarray(pose[0] * (rotation_matrix(pose[1:4])[:2] @ self.shape(local)) + pose[4:6, None])

    def upright(self, scale: float, local: Float32Array) -> Float32Array:
        """2D shape, (2, n) float32, of a face that looks at the camera, `scale` pixels a mm."""
        return np.asarray(np.float32(scale) * self.shape(local)[:2])

    def pose_in_box(self, box: Float32Array, rotation: Float32Array) -> Float32Array:
        """Pose of the mean shape, turned, whose bounding box is a given one.

        Parameters
        ----------
        box : ndarray, (4,)
            x, y, width, height in px.
        rotation : ndarray, (3,)
            Euler angles, rad.

        Returns
        -------
        ndarray, (6,) float32
        """
        x, y, width, height = np.asarray(box, np.float32)
        turned = rotation_matrix(np.asarray(rotation, np.float32)) @ self.mean
        (low_x, low_y), (high_x, high_y) = turned[:2].min(axis=1), turned[:2].max(axis=1)
        two = np.float32(2.0)
        scale = (width / (high_x - low_x) + height / (high_y - low_y)) / two
        place = x + width / two - scale * (low_x + high_x) / two, y + height / two - scale * (low_y + high_y) / two
        return np.array([scale, *rotation, *place], np.float32)


def rotation_matrix(euler: Float32Array) -> Float32Array:
    """R = Rx Ry Rz of Euler angles (3,) rad, (3, 3) float32."""
    # Sines in float64, rounded: correct to the last bit on every machine. Of a few numbers: faster than arrays of them.
    angles = [angle if math.isfinite(angle) else math.nan for angle in euler.tolist()]
    s1, s2, s3 = (np.float32(math.sin(angle)) for angle in angles)
    c1, c2, c3 = (np.float32(math.cos(angle)) for angle in angles)
    return np.array(
        [
            [c2 * c3, -c2 * s3, s2],
            [c1 * s3 + c3 * s1 * s2, c1 * c3 - s1 * s2 * s3, -c2 * s1],
            [s1 * s3 - c1 * c3 * s2, c3 * s1 + c1 * s2 * s3, c1 * c2],
        ],
        np.float32,
    )


def similarity(source: Float32Array, destination: Float32Array) -> Float32Array:
    """Scaling and rotation, without translation, that takes one set of points nearest to another.

    Parameters
    ----------
    source, destination : ndarray, (2, n) float32

    Returns
    -------
    ndarray, (2, 2) float32
        NaN where the source has no extent.
    """
    source = source - source.mean(axis=1, keepdims=True)
    destination = destination - destination.mean(axis=1, keepdims=True)
    # The rotation that Kabsch's SVD gives in two dimensions, in closed form: a reflection is never the answer.
    real = float(np.vdot(source, destination))
    imaginary = float(source[0] @ destination[1] - source[1] @ destination[0])
    length = float(np.hypot(real, imaginary))
    spread = float(np.vdot(source, source))
    if not (spread > 0.0 and length > 0.0):
        return np.full((2, 2), np.nan, np.float32)
    scale = float(np.sqrt(np.vdot(destination, destination) / spread)) / length
    a, b = scale * real, scale * imaginary
    return np.array([[a, -b], [b, a]], np.float32)
