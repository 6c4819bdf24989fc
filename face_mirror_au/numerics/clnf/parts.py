"""Models of parts of the face, fitted after the main one: the inner face and each eye (OpenFace 2.2 `CLNF::DetectLandmarks`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import LandmarksError
from face_mirror_au.numerics.clnf.experts import Grey
from face_mirror_au.numerics.clnf.fit import LandmarkModel, fit
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_au.records import Float32Array

# OpenFace 2.2: a part is fitted when the face is larger than this times the scale of its first experts.
_MIN_SCALE = 0.9


@dataclass(frozen=True)
class Part:
    """A part of the face.

    Attributes
    ----------
    name : str
        OpenFace's name. Its left eye is at the left of the picture: the subject's right one.
    model : LandmarkModel
    windows : tuple of int
        Sides of the response maps by scale.
    pdm : PDM
        The shape model of `model`.
    main_points, part_points : ndarray, (k,)
        Landmarks of the face, and those of the part that are the same.
    """

    name: str
    model: LandmarkModel
    windows: tuple[int, ...]
    pdm: PDM
    main_points: NDArray[np.intp]
    part_points: NDArray[np.intp]

    @cached_property
    def _fitter(self) -> PoseFitter:
        """Fits the landmarks that the part has in common with the face; the prior holds the rest."""
        chosen = self.part_points
        return PoseFitter(
            PDM(
                np.ascontiguousarray(self.pdm.mean[:, chosen]),
                np.ascontiguousarray(self.pdm.components[:, chosen]),
                self.pdm.eigenvalues,
            )
        )

    def fit(self, image: Grey, landmarks: Float32Array, scale: float) -> FittedPart | None:
        """Fit the part.

        Parameters
        ----------
        image : ndarray, (height, width) uint8
        landmarks : ndarray, (68, 2) float32
            Of the face, px.
        scale : float
            Of the face, px a mm.

        Returns
        -------
        FittedPart or None
            None when the landmarks have no extent.
        """
        try:
            start = self._fitter.fit(landmarks[self.main_points].astype(np.float64))
        except LandmarksError:
            return None
        pose, local = start.pose.astype(np.float32), start.local.astype(np.float32)
        fitted = scale > _MIN_SCALE * self.model.scales[0].scaling
        if fitted:
            found = fit(image, self.model, self.windows, pose, local)
            pose, local = found.pose, found.local
        return FittedPart(pose, local, np.ascontiguousarray(self.model.shape.project(pose, local).T), fitted)


@dataclass(frozen=True, slots=True)
class FittedPart:
    """A part of a face in a picture.

    Attributes
    ----------
    pose : ndarray, (6,) float32
    local : ndarray, (m,) float32
    landmarks : ndarray, (n, 2) float32
        Pixels.
    fitted : bool
        False when the face is so small that the part was only put where the face's landmarks are.
    """

    pose: Float32Array
    local: Float32Array
    landmarks: Float32Array
    fitted: bool


def merge(landmarks: Float32Array, parts: Sequence[Part], found: Mapping[str, FittedPart]) -> Float32Array:
    """The face's landmarks (68, 2) with those of its parts in their places, a later part's before an earlier one's."""
    merged: Float32Array = landmarks.copy()
    for part in parts:
        if part.name in found:
            merged[part.main_points] = found[part.name].landmarks[part.part_points]
    return merged
