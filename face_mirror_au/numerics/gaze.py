"""Where the eyes look, from the 3D points of OpenFace's eye models.

Wood et al., Rendering of Eyes for Eye-Shape Registration and Gaze Estimation, 2015; the formulas are OpenFace 2.2's (`GazeAnalysis`).
Everything is in the camera's frame: x to the right of the picture, y down, z away from the camera, mm.
"""

from __future__ import annotations

import numpy as np

from face_mirror_au.numerics.head_pose import Camera
from face_mirror_au.numerics.pdm import rotation_from_euler
from face_mirror_au.records import FloatArray

# The eyes in OpenFace's order: its left_eye_28 is the one on the left of the picture, the SUBJECT's right eye. Outer and inner corner,
# inner and outer corner of the 68 landmarks.
EYE_NAMES = ("left_eye_28", "right_eye_28")
EYE_CORNERS = ((36, 39), (42, 45))
# Of the 28 points of an eye: the edge of the iris, the lids, the edge of the pupil.
IRIS, LIDS, PUPIL = slice(0, 8), slice(8, 20), slice(20, 28)
N_EYE_POINTS = 28

EYEBALL_RADIUS = 12.0  # mm
EYEBALL_CENTRE = (0.0, -3.5, 7.0)  # mm from the middle between the corners, in the head's frame
_NO_HIT = (0.0, 0.0, -1.0)


def gaze_directions(eyes: FloatArray, face: FloatArray, head_rotation: FloatArray) -> FloatArray:
    """Direction of gaze of both eyes.

    The ray from the camera through the middle of the iris meets the eyeball; gaze goes from the eyeball's centre through that point.

    Parameters
    ----------
    eyes : ndarray, (N, 2, 28, 3)
        3D points of the eye models, mm, in the order of `EYE_NAMES`.
    face : ndarray, (N, 68, 3)
        3D landmarks, mm.
    head_rotation : ndarray, (N, 3)
        Rx, Ry, Rz of `estimate_head_pose`, rad.

    Returns
    -------
    ndarray, (N, 2, 3) float64
        Unit vectors; (0, 0, -1) is a look into a camera straight ahead. NaN where the points are.
    """
    iris = eyes[..., IRIS, :].mean(axis=-2, dtype=np.float64)
    return _directions(iris, face[:, EYE_CORNERS].mean(axis=-2, dtype=np.float64), head_rotation)


def _directions(iris: FloatArray, corners: FloatArray, head_rotation: FloatArray) -> FloatArray:
    """From the middles of irises and of eyes' corners, (N, 2, 3) mm each; how far away an iris is does not count."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ray = iris / np.linalg.norm(iris, axis=-1, keepdims=True)
        centre = corners + (rotation_from_euler(head_rotation) @ EYEBALL_CENTRE)[:, None]
        along = (ray * centre).sum(axis=-1)
        discriminant = along * along - ((centre * centre).sum(axis=-1) - EYEBALL_RADIUS**2)
        hit = ray * (along - np.sqrt(np.maximum(discriminant, 0.0)))[..., None]
        gaze = np.where((discriminant < 0.0)[..., None], _NO_HIT, hit) - centre
        return np.asarray(gaze / np.linalg.norm(gaze, axis=-1, keepdims=True))


def gaze_angles(directions: FloatArray) -> FloatArray:
    """Angles of the mean direction of both eyes.

    Parameters
    ----------
    directions : ndarray, (N, 2, 3)
        From `gaze_directions`.

    Returns
    -------
    ndarray, (N, 2) float64
        rad: to the right of the picture (the SUBJECT's left), and down.
    """
    mean = directions.mean(axis=-2)
    return np.stack([np.arctan2(mean[..., 0], -mean[..., 2]), np.arctan2(mean[..., 1], -mean[..., 2])], axis=-1)


def mesh_gaze_angles(eyes: FloatArray, scale: float, head_rotation: FloatArray, camera: Camera) -> FloatArray:
    """Gaze by the irises that a face mesh sees in the picture: the same eyeballs, both as far away as the face.

    Parameters
    ----------
    eyes : ndarray, (2, 2, 2)
        Of each eye the middle between its corners and the middle of its iris, px.
    scale : float
        Of the face, px/mm.
    head_rotation : ndarray, (3,)
        Rx, Ry, Rz of `estimate_head_pose`, rad.
    camera : Camera

    Returns
    -------
    ndarray, (2,) float64
        See `gaze_angles`.
    """
    across = (eyes - (camera.x, camera.y)) / scale
    space = np.concatenate([across, np.full((2, 2, 1), camera.focal / scale)], axis=-1)
    return np.asarray(gaze_angles(_directions(space[None, :, 1], space[None, :, 0], head_rotation[None]))[0])
