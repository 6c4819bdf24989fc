"""OpenFace 2.2's face detector, landmarks, validator, eyes and head pose in one: from a picture to what OpenFace writes about a face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_mirror_au.models.clnf import CLNF_LIST, DEFAULT, ClnfSettings, read_face_model, validator_name
from face_mirror_au.models.mtcnn import MTCNN
from face_mirror_au.models.validator import read_validator
from face_mirror_au.numerics.clnf.face import FaceModel, FittedFace
from face_mirror_au.numerics.clnf.shape import ShapeModel
from face_mirror_au.numerics.gaze import EYE_NAMES, N_EYE_POINTS, gaze_angles, gaze_directions
from face_mirror_au.numerics.head_pose import Camera, estimate_head_pose, landmarks_3d
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.pipeline.clnf_tracker import CLNFTracker, grey
from face_mirror_au.records import FloatArray, Image


@dataclass(frozen=True, slots=True)
class FaceInSpace:
    """A face in the camera's frame: x to the right of the picture, y down, z away from the camera, mm.

    Attributes
    ----------
    head_pose : ndarray, (6,) float64
        Tx, Ty, Tz (mm), Rx, Ry, Rz (rad).
    landmarks : ndarray, (68, 3) float64
    eyes : ndarray, (2, 28, 3) float64
        In the order of `EYE_NAMES`: the SUBJECT's right eye first. NaN where an eye could not be fitted.
    gaze : ndarray, (2, 3) float64
        Unit vectors, in the same order.
    gaze_angles : ndarray, (2,) float64
        Of the mean of both: to the right of the picture, and down, rad.
    """

    head_pose: FloatArray
    landmarks: FloatArray
    eyes: FloatArray
    gaze: FloatArray
    gaze_angles: FloatArray


class OpenFaceLandmarks:
    """OpenFace's way from a picture to a face.

    Parameters
    ----------
    detector : MTCNN
    model : FaceModel
        With its validator.
    """

    def __init__(self, detector: MTCNN, model: FaceModel) -> None:
        self.detector = detector
        self.model = model
        self._face = _pdm(model.main.shape)
        self._eyes = {part.name: _pdm(part.model.shape) for part in model.parts if part.name in EYE_NAMES}

    @classmethod
    def read(cls, resolve: Callable[[str], Path], list_name: str = CLNF_LIST, settings: ClnfSettings = DEFAULT) -> OpenFaceLandmarks:
        """Read everything that a list names.

        Parameters
        ----------
        resolve : callable
            Gives the path of a file of OpenFace's folder ``model`` by its relative name; raises when it is missing.
        list_name : str
            `CLNF_LIST` or `CECLM_LIST`.
        settings : ClnfSettings

        Raises
        ------
        ModelFileError
        """
        validator = read_validator(resolve(validator_name(list_name, resolve)))
        model = read_face_model(
            list_name, resolve, lambda picture, landmarks, pose: validator.certainty(picture, landmarks, pose[1:4]), settings
        )
        return cls(MTCNN.read(resolve), model)

    def tracker(self) -> CLNFTracker:
        """Follows one face through a video."""
        return CLNFTracker(self.model, lambda image: self.detector.find(image)[0])

    def find(self, image: Image, *, several: bool = False) -> list[FittedFace]:
        """All faces of a single picture, in the detector's order; also those that the validator does not believe.

        Parameters
        ----------
        image : ndarray, (H, W, 3) uint8
            BGR.
        several : bool
            Try several rotations for each (OpenFace's ``-multi_view 1``).
        """
        picture = grey(image)
        return [self.model.find(picture, box, several=several)[0] for box in self.detector.find(image)[0]]

    def in_space(self, face: FittedFace, camera: Camera) -> FaceInSpace:
        """Head pose, 3D points and gaze of a face."""
        pose, local = face.pose.astype(np.float64), face.local.astype(np.float64)
        head_pose = estimate_head_pose(self._face, face.landmarks, pose, local, camera)
        landmarks = landmarks_3d(self._face, pose[None], local[None], camera)
        eyes = np.full((1, 2, N_EYE_POINTS, 3), np.nan)
        for place, name in enumerate(EYE_NAMES):
            if name in face.parts:
                part = face.parts[name]
                eyes[:, place] = landmarks_3d(
                    self._eyes[name], part.pose[None].astype(np.float64), part.local[None].astype(np.float64), camera
                )
        gaze = gaze_directions(eyes, landmarks, head_pose[None, 3:])
        return FaceInSpace(head_pose, landmarks[0], eyes[0], gaze[0], gaze_angles(gaze)[0])


def _pdm(shape: ShapeModel) -> PDM:
    """The same shape model in float64."""
    return PDM(shape.mean.astype(np.float64), shape.modes.transpose(1, 2, 0).astype(np.float64), shape.eigenvalues.astype(np.float64))
