"""OpenFace 2.2's validator: how certain it is that 68 landmarks lie on a face.

Baltrusaitis et al., OpenFace 2.0: Facial Behavior Analysis Toolkit, 2018; the networks are one for each of seven directions of view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.models.binary_file import F64, I32, BinaryFile
from face_mirror_au.models.layer_files import read_network
from face_mirror_au.models.layer_network import LayerNetwork
from face_mirror_au.numerics.face_warp import SIDE, FaceWarp
from face_mirror_au.records import N_LANDMARKS, Float32Array, FloatArray

# For CLNF and for CE-CLM.
CLNF_FILE, CECLM_FILE = "detection_validation/validator_cnn.txt", "detection_validation/validator_cnn_68.txt"
# Landmarks are good when they are more certain than this.
LIMIT = 0.725

_MAX_BYTES = 16_000_000
_CNN = 3  # type number of a validator; older ones are of no use here
_MAX_VIEWS, _MAX_TRIANGLES = 64, 1000
_MIN_DEVIATION = 1e-6


@dataclass(frozen=True)
class ValidatorView:
    """The network for faces that look one way.

    Attributes
    ----------
    orientation : ndarray, (3,) float64
        Euler angles, rad.
    mean, deviation : ndarray, (P,) float32
        Of the pixels that it was trained with.
    network : LayerNetwork
        From (1, 1, 60, 60) to one value for each step of certainty.
    warp : FaceWarp
    """

    orientation: FloatArray
    mean: Float32Array
    deviation: Float32Array
    network: LayerNetwork
    warp: FaceWarp

    def network_input(self, pixels: Float32Array) -> Float32Array:
        """Pixels (P,) of the warp without the picture's brightness and contrast, (1, 1, 60, 60) float32."""
        mean, spread = np.mean(pixels, dtype=np.float64), np.std(pixels, dtype=np.float64) or 1.0
        values = (pixels - np.float32(mean)) * np.float32(1.0 / spread)  # in OpenCV's way: the same bits
        picture = np.zeros((1, 1, SIDE, SIDE), np.float32)
        picture[0, 0, self.warp.rows, self.warp.columns] = (values - self.mean) / self.deviation
        return picture


class Validator:
    """Judges landmarks.

    Parameters
    ----------
    views : sequence of ValidatorView
    """

    def __init__(self, views: Sequence[ValidatorView]) -> None:
        self.views = views
        self._orientations = np.array([view.orientation for view in views])

    def view_for(self, rotation: FloatArray | Float32Array) -> ValidatorView:
        """The view nearest to Euler angles (3,) rad; of several as near the first."""
        return self.views[int(np.argmin(np.square(self._orientations - np.asarray(rotation, np.float64)).sum(axis=1)))]

    def certainty(self, grey: NDArray[np.uint8], landmarks: Float32Array, rotation: FloatArray | Float32Array) -> float:
        """How certain it is that this is a face.

        Parameters
        ----------
        grey : ndarray, (H, W) uint8
        landmarks : ndarray, (68, 2) float32
            Pixels.
        rotation : ndarray, (3,)
            Euler angles of the head, rad.

        Returns
        -------
        float
            0 to 1, in as many steps as the network has outputs; 0 where there is no picture of a face to look at.
        """
        view = self.view_for(rotation)
        pixels = view.warp.pixels(grey, np.asarray(landmarks, np.float32))
        if pixels is None:
            return 0.0
        outputs = view.network(view.network_input(pixels))
        step = (2.0 * float(np.argmax(outputs)) + 1.0) / outputs.size - 1.0
        return 0.5 * (1.0 - step)


def read_validator(path: Path) -> Validator:
    """Read ``validator_cnn.txt`` (CLNF) or ``validator_cnn_68.txt`` (CE-CLM), which are binary in spite of their names.

    Raises
    ------
    ModelFileError
    """
    file = BinaryFile(path, _MAX_BYTES)
    file.integer("type", _CNN, _CNN)
    orientations = []
    for _ in range(file.integer("number of views", 1, _MAX_VIEWS)):
        angles = file.matrix("orientation", (None, None), F64)
        if angles.size != 3:
            raise file.damaged(f"an orientation of it has {angles.size} angles")
        orientations.append(np.radians(angles.astype(np.float64).ravel()))
    views = [_read_view(file, orientation) for orientation in orientations]
    file.finish()
    return Validator(views)


def _read_view(file: BinaryFile, orientation: FloatArray) -> ValidatorView:
    mean = file.matrix("mean", (1, None), F64).astype(np.float32).ravel()
    deviation = file.matrix("standard deviation", (1, mean.size), F64).astype(np.float32).ravel()
    if (np.abs(deviation) < _MIN_DEVIATION).any():
        raise file.damaged("a standard deviation of it is 0")
    network = read_network(file, (1, SIDE, SIDE), 0, mtcnn=False)
    return ValidatorView(orientation, mean, deviation, network, _read_warp(file, mean.size))


def _read_warp(file: BinaryFile, pixels: int) -> FaceWarp:
    file.integer("number of pixels", pixels, pixels)
    low_x, low_y = file.real("left border", -SIDE * 10, SIDE * 10), file.real("upper border", -SIDE * 10, SIDE * 10)
    file.matrix("landmarks", (2 * N_LANDMARKS, 1), F64)
    triangles = file.matrix("triangles", (None, 3), I32).astype(np.int32)
    count = triangles.shape[0]
    if count > _MAX_TRIANGLES or (triangles < 0).any() or (triangles >= N_LANDMARKS).any():
        raise file.damaged(f"its {count} triangles name landmarks outside 0..{N_LANDMARKS - 1}")
    owner = file.matrix("triangle of each pixel", (SIDE, SIDE), I32).astype(np.intp)
    columns, rows = np.nonzero(file.matrix("mask", (SIDE, SIDE), I32).T)
    owner = owner[rows, columns]
    if columns.size != pixels or (owner < 0).any() or (owner >= count).any():
        raise file.damaged(f"its mask of {columns.size} pixels does not fit its {pixels} means and {count} triangles")
    alpha, beta = (file.matrix(what, (count, 3), F64).astype(np.float32) for what in ("alpha", "beta"))
    return FaceWarp(triangles, alpha, beta, columns, rows, owner, low_x, low_y)
