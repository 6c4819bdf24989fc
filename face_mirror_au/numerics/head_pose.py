"""Head pose in the camera's frame and the 3D landmarks, as OpenFace 2.2 writes them (`GetPose`, `GetShape`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_mirror_au.numerics.pdm import PDM, euler_from_rotation, rotation_from_euler
from face_mirror_au.opencv import opencv
from face_mirror_au.records import Float32Array, FloatArray


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera.

    Attributes
    ----------
    focal : float
        Focal length in px, the same for x and y.
    x, y : float
        Principal point, px.
    """

    focal: float
    x: float
    y: float

    @classmethod
    def for_size(cls, width: int, height: int) -> Camera:
        """OpenFace 2.2's guess from the picture's size: the focal length of a common webcam, the centre as principal point."""
        return cls((500.0 * width / 640.0 + 500.0 * height / 480.0) / 2.0, width / 2.0, height / 2.0)


def estimate_head_pose(pdm: PDM, landmarks: FloatArray | Float32Array, pose: FloatArray, local: FloatArray, camera: Camera) -> FloatArray:
    """Perspective head pose, started from the weak-perspective fit.

    Parameters
    ----------
    landmarks : ndarray, (68, 2)
        Pixels.
    pose : ndarray, (6,) float64
        From `PoseFitter.fit`.
    local : ndarray, (m,) float64

    Returns
    -------
    ndarray, (6,) float64
        Tx, Ty, Tz (mm), Rx, Ry, Rz (rad); zeros, as OpenFace has them, where there is no fit: a scale of 0 or a number that is none.
    """
    cv2 = opencv()
    scale, rx, ry, rz, tx, ty = pose
    if scale == 0.0 or not (np.isfinite(pose).all() and np.isfinite(local).all() and np.isfinite(landmarks).all()):
        return np.zeros(6)
    depth = camera.focal / scale
    translation = np.array([(tx - camera.x) * depth / camera.focal, (ty - camera.y) * depth / camera.focal, depth])
    rotation_vector, _ = cv2.Rodrigues(rotation_from_euler(np.array([rx, ry, rz])))
    matrix = np.array([[camera.focal, 0.0, camera.x], [0.0, camera.focal, camera.y], [0.0, 0.0, 1.0]])
    _, rotation_vector, solved = cv2.solvePnP(
        np.ascontiguousarray(pdm.shape(local).T),
        np.ascontiguousarray(landmarks, dtype=np.float64),
        matrix,
        None,
        rotation_vector.ravel(),
        translation,
        useExtrinsicGuess=True,
        flags=cv2.SOLVEPNP_ITERATIVE,
    )
    rotation, _ = cv2.Rodrigues(rotation_vector)
    return np.concatenate([np.ravel(solved), euler_from_rotation(np.asarray(rotation, dtype=np.float64))])


def landmarks_3d(pdm: PDM, pose: FloatArray, local: FloatArray, camera: Camera) -> FloatArray:
    """The 3D landmarks in the camera's frame.

    Parameters
    ----------
    pose : ndarray, (N, 6) float64
    local : ndarray, (N, m) float64

    Returns
    -------
    ndarray, (N, 68, 3) float64
        X, Y, Z in mm; NaN where pose or local is.
    """
    shape = rotation_from_euler(pose[:, 1:4]) @ pdm.shape(local)
    projected = pose[:, :1, None] * shape[:, :2] + pose[:, 4:6, None]
    z = camera.focal / pose[:, :1] + shape[:, 2]
    x = z * (projected[:, 0] - camera.x) / camera.focal
    y = z * (projected[:, 1] - camera.y) / camera.focal
    return np.stack([x, y, z], axis=-1)
