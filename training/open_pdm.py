"""Makes the open point distribution model and its face mask: `python -m training.open_pdm ICT.npz FOLDER`.

The PDM is a principal component analysis of the 68 landmarks of ICT-FaceKit faces with random identities and expressions. The mask is the
Delaunay triangulation of its mean shape. Both are written in the text form of the PDM that OpenFace reads, so that one reader serves;
nothing of OpenFace's goes in.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.render.ict import IDENTITY_COUNT, LANDMARK_VERTICES, FaceModel

N_MODES = 34
N_SAMPLES = 20_000
SEED = 20261123
MM_PER_CM = 10.0
# How strongly and how often a shape takes part in a random expression.
SHARE_ACTIVE = 0.15


def sample_landmarks(model: FaceModel, n_samples: int, seed: int) -> NDArray[np.float64]:
    """Landmarks of random faces.

    Returns
    -------
    ndarray, (n_samples, 3, 68) float64
        mm in the PDM's axes: x to the subject's left, y down, z away from the camera.
    """
    random = np.random.default_rng(seed)
    identities = random.standard_normal((n_samples, IDENTITY_COUNT))
    n_expressions = len(model.expression_names)
    weights = random.uniform(0.0, 1.0, (n_samples, n_expressions)) * (random.random((n_samples, n_expressions)) < SHARE_ACTIVE)
    mean = model.mean[LANDMARK_VERTICES].astype(np.float64)
    points: NDArray[np.float64] = (
        mean
        + np.tensordot(identities, model.identity_shapes[:, LANDMARK_VERTICES].astype(np.float64), axes=1)
        + np.tensordot(weights, model.expression_shapes[:, LANDMARK_VERTICES].astype(np.float64), axes=1)
    )
    return np.asarray(points.transpose(0, 2, 1) * MM_PER_CM * np.array([1.0, -1.0, -1.0])[:, None])


def fit_pdm(samples: NDArray[np.float64], n_modes: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Principal components of the centred shapes, (n, 3, 68): mean (204,), components (204, m), eigenvalues (m,)."""
    flat = (samples - samples.mean(axis=2, keepdims=True)).reshape(len(samples), -1)
    mean = flat.mean(axis=0)
    eigenvalues, vectors = np.linalg.eigh(np.cov(flat.T))
    order = np.argsort(eigenvalues)[::-1][:n_modes]
    components = vectors[:, order]
    # The sign of an eigenvector is arbitrary: make its largest element positive, so that a new run gives the same file.
    components *= np.sign(components[np.abs(components).argmax(axis=0), np.arange(n_modes)])
    return mean, components, eigenvalues[order]


def triangulate(mean: NDArray[np.float64]) -> NDArray[np.int32]:
    """Delaunay triangles of the mean shape, (204,), seen from the front: (t, 3) int32, each with its smallest index first, sorted."""
    points = mean.reshape(3, -1)[:2].T.astype(np.float32)
    low = points.min(axis=0) - 10.0
    size = points.max(axis=0) - low + 10.0
    subdivision = cv2.Subdiv2D((int(low[0]) - 1, int(low[1]) - 1, int(size[0]) + 3, int(size[1]) + 3))
    for point in points:
        subdivision.insert((float(point[0]), float(point[1])))
    triangles = set()
    for corners in np.asarray(subdivision.getTriangleList()).reshape(-1, 3, 2):
        distances = np.linalg.norm(points[None] - corners[:, None], axis=2)
        if distances.min(axis=1).max() < 1e-3:
            a, b, c = distances.argmin(axis=1).tolist()
            triangles.add(min((a, b, c), (b, c, a), (c, a, b)))
    return np.array(sorted(triangles), dtype=np.int32)


def write_pdm(path: Path, mean: NDArray[np.float64], components: NDArray[np.float64], eigenvalues: NDArray[np.float64]) -> None:
    """Write the text form: three matrices, each with a comment, its rows, columns and type 6 (float64)."""
    with path.open("w", encoding="ascii", newline="\n") as file:
        for comment, matrix in (
            ("# Open PDM of face-mirror-au, fitted to ICT-FaceKit (MIT). Mean, mm", mean[:, None]),
            ("# Components", components),
            ("# Eigenvalues", eigenvalues[None]),
        ):
            file.write(f"{comment}\n{matrix.shape[0]}\n{matrix.shape[1]}\n6\n")
            np.savetxt(file, matrix, fmt="%.7g")


def write_triangles(path: Path, triangles: NDArray[np.int32]) -> None:
    """Write the number of triangles, 3, type 4 (int32), then the indices."""
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write(f"{len(triangles)}\n3\n4\n")
        np.savetxt(file, triangles, fmt="%d")


def main(mesh: str, folder: str) -> None:
    """Fit to the mesh and write both files."""
    model = FaceModel.load(mesh)
    mean, components, eigenvalues = fit_pdm(sample_landmarks(model, N_SAMPLES, SEED), N_MODES)
    write_pdm(Path(folder) / "pdm_68.txt", mean, components, eigenvalues)
    write_triangles(Path(folder) / "triangles_68.txt", triangulate(mean))


if __name__ == "__main__":
    main(*sys.argv[1:])
