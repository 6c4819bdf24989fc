"""Main directions of many values, in blocks that fit into memory."""

from __future__ import annotations

import numpy as np

from face_mirror_au.records import FloatArray


def blocks(count: int, size: int = 2048) -> list[slice]:
    """Slices of at most `size` that cover `count` rows."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def main_directions(scatter: FloatArray, most: int) -> tuple[FloatArray, FloatArray]:
    """Eigenvalues (k,) and eigenvectors (n, k) of a symmetric matrix (n, n), the largest `most` first.

    The sign of an eigenvector is arbitrary: its largest element is made positive, so that a new run gives the same file.
    """
    values, vectors = np.linalg.eigh(scatter)
    values, vectors = values[::-1][:most], vectors[:, ::-1][:, :most]
    return values, vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(values))])
