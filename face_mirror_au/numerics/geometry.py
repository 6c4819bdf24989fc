"""Geometry: how the face's shape differs from the mean shape (OpenFace 2.2 `FaceAnalyser`, `geom_descriptor_frame`)."""

from __future__ import annotations

import numpy as np

from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.records import FloatArray


def geometry_features(pdm: PDM, local: FloatArray) -> FloatArray:
    """Displacements of the landmarks from the mean shape, then the shape parameters themselves.

    Parameters
    ----------
    local : ndarray, (m,) float64

    Returns
    -------
    ndarray, (3n + m,) float64
        V p (x of all points, y, z; mm; no rotation, scale or mean), then p: 238 values for OpenFace's PDM.
    """
    return np.concatenate([pdm.flat_components @ local, local])
