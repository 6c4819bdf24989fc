"""Surface normals, and how open each place of the face is to light from all around (nostrils, eye sockets and ears are dark)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.render.ict import FaceModel
from training.render.raster import rasterize

Float = NDArray[np.float32]

DIRECTIONS = 48
RESOLUTION = 224
BIAS_CM = 0.25


def vertex_normals(vertices: Float, triangles: NDArray[np.integer]) -> Float:
    """Unit normals, the area-weighted mean of the adjoining triangles': (n, 3) float32."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    faces = np.cross(b - a, c - a)
    flat = triangles.ravel()
    summed = np.stack([np.bincount(flat, np.repeat(faces[:, axis], 3), len(vertices)) for axis in range(3)], axis=1)
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    return np.asarray(summed / np.maximum(length, 1e-12), np.float32)


def ambient_openness(model: FaceModel) -> Float:
    """Share of the sky that each vertex of the mean face sees, weighted by the cosine: (26719,) float32, 0-1, 1 where nothing hides it.

    The face is looked at from evenly spread directions (a Fibonacci spiral); a vertex sees a direction when it is the nearest thing there.
    """
    vertices = model.mean.astype(np.float64)
    normals = vertex_normals(model.mean, model.triangles)
    solid = model.triangles[model.material_triangles("M_Face", "M_BackHead")]
    seen, possible = np.zeros(len(vertices)), np.full(len(vertices), 1e-9)
    for number in range(DIRECTIONS):
        height = 1 - (2 * number + 1) / DIRECTIONS
        angle = number * np.pi * (3 - np.sqrt(5))
        ring = np.sqrt(1 - height**2)
        direction = np.array([ring * np.cos(angle), height, ring * np.sin(angle)])
        weight = np.clip(normals @ direction, 0, None)
        possible += weight
        seen += weight * _sees(vertices, solid, direction)
    return np.asarray(np.clip(seen / possible, 0, 1), np.float32)


def _sees(vertices: NDArray[np.float64], triangles: NDArray[np.integer], direction: NDArray[np.float64]) -> NDArray[np.bool_]:
    across = np.cross([0.0, 1.0, 0.0], direction)
    across /= np.linalg.norm(across)
    up = np.cross(direction, across)
    flat = np.stack([vertices @ across, vertices @ up], axis=1)
    low = flat.min(axis=0)
    points = (flat - low) * ((RESOLUTION - 2) / (flat.max(axis=0) - low).max()) + 1
    height = vertices @ direction
    fragments = rasterize(points, height, triangles, RESOLUTION, RESOLUTION, cull=False)
    nearest = np.full(RESOLUTION * RESOLUTION, -np.inf)
    nearest[fragments.pixel] = np.einsum("nk,nk->n", fragments.weights, height[triangles[fragments.triangle]])
    at = points.astype(np.int64)
    return np.asarray(height >= nearest[at[:, 1] * RESOLUTION + at[:, 0]] - BIAS_CM)
