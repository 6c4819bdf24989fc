"""Left and right of what the bank looks at: a face and its mirror image must get the same intensities with the sides exchanged.

That is built in, not learned: each frame is used as it is and mirrored, and the predictors of the right are those of the left, mirrored.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import ModelFileError
from face_mirror_au.models.mesh_points import LEFT_EYE, LIPS, RIGHT_EYE
from face_mirror_au.numerics.mesh_shape import align_meshes
from face_mirror_au.records import FloatArray

# Points of the attention mesh that move least with expression: nose, temples, forehead, corners of the eyes; both sides.
RIGID_POINTS = np.array(
    [
        *(10, 151, 9, 8, 168, 6, 197, 195, 5, 4),  # midline, forehead to tip of the nose
        *(127, 234, 93, 21, 54, 103, 67, 109, 33, 133, 98),  # the subject's right
        *(356, 454, 323, 251, 284, 332, 297, 338, 263, 362, 327),  # left
    ],
    dtype=np.int32,
)
# Pairs that are known: around the eyes and along the lips, as MediaPipe lists them, and the temples. A ring of the lips is listed from the
# subject's right corner along the lower lip to the left corner (11 points), then along the upper lip the same way (9).
_LIP_PAIRS = [
    (LIPS[ring + first + step], LIPS[ring + last - step])
    for ring in range(0, len(LIPS), 20)
    for first, last, steps in ((0, 10, 5), (11, 19, 4))
    for step in range(steps)
]
_RIGHT = (*RIGHT_EYE, 234, 127, *(right for right, _ in _LIP_PAIRS))
_LEFT = (*LEFT_EYE, 454, 356, *(left for _, left in _LIP_PAIRS))
# From the forehead to the chin.
_MIDLINE = (10, 8, 1, 0, 17, 152)
_OUTER_CORNERS = (33, 263)
OUTER_EYE_DISTANCE_MM = 90.0
# A point and its partner's mirror image are never further apart than this, in outer-eye distances, when the mesh is the attention mesh.
MAX_MISMATCH = 0.15
_ROUNDS = 5

# FHOG: 12 x 12 cells of 18 signed orientations, 9 unsigned ones and 4 gradient energies, one for each corner of the cell.
HOG_CELLS, HOG_CHANNELS = 12, 31
_SIGNED, _UNSIGNED = 18, 9


def symmetric_reference(meshes: NDArray[np.floating]) -> tuple[FloatArray, NDArray[np.int64]]:
    """Mean of meshes, made symmetric.

    Parameters
    ----------
    meshes : ndarray, (N, n, 3)
        Faces at rest, pixels.

    Returns
    -------
    reference : ndarray, (n, 3) float64
        mm, with an assumed outer-eye distance; x to the subject's left and 0 on the midline, y down, z away from the camera.
    partner : ndarray, (n,) int64
        Of each point its mirror image, itself on the midline.

    Raises
    ------
    ModelFileError
        When the points do not pair up: the landmark model is another one.
    """
    mean = np.asarray(meshes[0], dtype=np.float64)
    for _ in range(_ROUNDS):
        mean = align_meshes(meshes, mean, RIGID_POINTS).mean(axis=0)
    # Its mirror image, laid onto it by the pairs that are known; then the nearest point is the partner.
    known, theirs = np.array(_LEFT + _RIGHT + _MIDLINE), np.array(_RIGHT + _LEFT + _MIDLINE)
    image = mean * np.array([-1.0, 1.0, 1.0])
    laid = align_meshes(np.concatenate([image[known], image]), mean[theirs], np.arange(len(known)))[len(known) :]
    distances = np.linalg.norm(laid - mean[:, np.newaxis], axis=2)
    partner = _pair_up(distances + distances.T, dict(zip(known.tolist(), theirs.tolist(), strict=True)))
    size = float(np.linalg.norm(mean[_OUTER_CORNERS[0]] - mean[_OUTER_CORNERS[1]]))
    if distances[np.arange(len(mean)), partner].max() > MAX_MISMATCH * size:
        raise ModelFileError("the points of this mesh do not pair up left and right; the bank needs the attention mesh")
    shape = (mean + laid[partner]) / 2

    across = (shape[list(_LEFT)] - shape[list(_RIGHT)]).mean(axis=0)
    across /= np.linalg.norm(across)
    down = shape[_MIDLINE[-1]] - shape[_MIDLINE[0]]
    down -= across * (across @ down)
    down /= np.linalg.norm(down)
    shape = (shape - shape[list(_MIDLINE)].mean(axis=0)) @ np.stack([across, down, np.cross(across, down)], axis=1)
    # What rounding left of an asymmetry goes, too.
    shape = (shape + (shape * np.array([-1.0, 1.0, 1.0]))[partner]) / 2
    scale = OUTER_EYE_DISTANCE_MM / float(np.linalg.norm(shape[_OUTER_CORNERS[0]] - shape[_OUTER_CORNERS[1]]))
    return shape * scale, partner


def _pair_up(costs: FloatArray, known: Mapping[int, int]) -> NDArray[np.int64]:
    """Partner of each point, (n,): the known ones, then the cheapest pairs of what is left; a point may be its own partner."""
    partner = np.full(len(costs), -1)
    for point, other in known.items():
        partner[point] = other
    order = np.argsort(costs, axis=None, kind="stable")
    for point, other in zip(*np.unravel_index(order, costs.shape), strict=True):
        if partner[point] < 0 and partner[other] < 0:
            partner[point], partner[other] = other, point
    return partner


def mirrored_displacements(displacements: FloatArray, partner: NDArray[np.int64]) -> FloatArray:
    """Displacements from a symmetric reference of the mirrored faces: (..., n, 3) to the same shape."""
    return np.asarray(displacements[..., partner, :] * np.array([-1.0, 1.0, 1.0]))


def hog_order() -> NDArray[np.int64]:
    """Where each value of a mirrored face's FHOG stands in that of the face: (4464,) int64, so that ``mirrored = hog[..., order]``."""
    channels = np.arange(HOG_CHANNELS)
    channels[:_SIGNED] = (_SIGNED // 2 - np.arange(_SIGNED)) % _SIGNED
    channels[_SIGNED : _SIGNED + _UNSIGNED] = _SIGNED + (_UNSIGNED - np.arange(_UNSIGNED)) % _UNSIGNED
    channels[_SIGNED + _UNSIGNED :] = np.array([2, 3, 0, 1]) + _SIGNED + _UNSIGNED
    places = np.arange(HOG_CELLS * HOG_CELLS * HOG_CHANNELS).reshape(HOG_CELLS, HOG_CELLS, HOG_CHANNELS)
    return places[:, ::-1][..., channels].ravel()
