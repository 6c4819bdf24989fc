"""The aligned face: 112 x 112 px, similarity from 24 rigid landmarks, masked to the face (OpenFace 2.2 `AlignFaceMask`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import LandmarksError
from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.opencv import opencv
from face_mirror_au.records import Float32Array, FloatArray, Image

# OpenFace 2.2: size and scale of the similarity-normalised face for action units, and the landmarks that move least with expression.
ALIGNED_SIZE = 112
ALIGNED_SCALE = 0.7
RIGID_POINTS = np.array([1, 2, 3, 4, 12, 13, 14, 15, 27, 28, 29, 31, 32, 33, 34, 35, 36, 39, 40, 41, 42, 45, 46, 47])
# OpenFace 2.2: the mask reaches 30 px above the brows so that it holds the forehead; points 0 and 16 go up with the brows.
FOREHEAD_POINTS = np.array([0, 16, *range(17, 27)])
FOREHEAD_RISE = 30.0
# Pixels: root mean square distance of the rigid points from their mean, of which less is no face.
MIN_SPREAD = 1e-3


class Aligner:
    """Cuts the aligned face out of a frame.

    Parameters
    ----------
    pdm : PDM
        Its mean shape is the destination.
    triangles : ndarray, (t, 3) int32
        The mask, as triples of landmark indices.
    """

    def __init__(self, pdm: PDM, triangles: NDArray[np.int32]) -> None:
        self._cv2 = opencv()
        destination = (pdm.mean[:2].T.astype(np.float32) * np.float32(ALIGNED_SCALE))[RIGID_POINTS]
        self._destination, self._spread = _normalise(destination)
        self._triangles = np.ascontiguousarray(triangles, dtype=np.int32)

    def transform(self, landmarks: FloatArray | Float32Array, pose: FloatArray) -> Float32Array:
        """Similarity from the frame to the aligned face.

        The rotation and scale come from the rigid points; the translation puts the PDM's origin, not their mean, at the centre.

        Parameters
        ----------
        landmarks : ndarray, (68, 2)
        pose : ndarray, (6,) float64
            Of which only tx, ty are used.

        Returns
        -------
        ndarray, (2, 3) float32

        Raises
        ------
        LandmarksError
            When the rigid points fall together.
        """
        source, spread = _normalise(landmarks[RIGID_POINTS].astype(np.float32))
        covariance = (source.astype(np.float64).T @ self._destination).astype(np.float32)
        _, u, vt = self._cv2.SVDecomp(covariance)
        rotation = vt.T.astype(np.float64) @ u.T
        if np.linalg.det(rotation) < 0.0:
            rotation = vt.T.astype(np.float64) @ np.diag([1.0, -1.0]) @ u.T
        linear = (self._spread / spread) * rotation.astype(np.float32)
        tx, ty = pose[4:6].astype(np.float32)
        matrix = np.empty((2, 3), np.float32)
        matrix[:, :2] = linear
        matrix[:, 2] = -(linear[:, 0] * tx + linear[:, 1] * ty) + np.float32(ALIGNED_SIZE / 2)
        return matrix

    def align(self, image: Image, landmarks: FloatArray | Float32Array, pose: FloatArray) -> Image:
        """The masked aligned face.

        Parameters
        ----------
        image : ndarray, (H, W, 3) uint8
        landmarks : ndarray, (68, 2)
            Pixels of `image`.
        pose : ndarray, (6,) float64

        Returns
        -------
        ndarray, (112, 112, 3) uint8
            0 outside the mask and outside the frame; C-contiguous.
        """
        cv2, matrix = self._cv2, self.transform(landmarks, pose)
        aligned = cv2.warpAffine(
            image, matrix, (ALIGNED_SIZE, ALIGNED_SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0)
        )
        corners = landmarks.astype(np.float32) @ matrix[:, :2].T + matrix[:, 2]
        corners[FOREHEAD_POINTS, 1] -= FOREHEAD_RISE
        mask = np.zeros((ALIGNED_SIZE, ALIGNED_SIZE), np.uint8)
        _kernels.mask.fill_triangles(corners.astype(np.float64), self._triangles, mask)
        return np.asarray(cv2.copyTo(aligned, mask, np.zeros_like(aligned)), dtype=np.uint8)


def _normalise(points: Float32Array) -> tuple[Float32Array, np.float32]:
    """Points about their mean and divided by their RMS distance from it; and that distance.

    Rounded to float32 where OpenFace rounds (sums in float64, division as a product with the reciprocal): with that, the aligned face of
    the C++ program is met byte for byte; with float64 throughout, up to 16 of its 37632 bytes differ by a grey level, and that costs 0.03
    of an AU.
    """
    centred = points - points.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = np.float32(np.sqrt((centred * centred).sum(dtype=np.float64) / len(points)))
    if not spread >= MIN_SPREAD:
        raise LandmarksError("the landmarks of brows, eyes and nose fall together; such a face cannot be aligned")
    return centred * np.float32(1.0 / float(spread)), spread
