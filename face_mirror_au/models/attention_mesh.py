"""MediaPipe's face mesh with attention: 478 points; landmark model of the profiles `open` and `hybrid`, and the one that keeps asymmetry.

Grishchenko et al., Attention Mesh: High-fidelity Face Mesh Prediction in Real-time, 2020. Figures as in MediaPipe's `face_landmark` graphs.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, exp, isnan, sin
from pathlib import Path

import numpy as np

from face_mirror_au.models.mesh_points import (
    LEFT_EYE,
    LEFT_IRIS,
    LEFT_OUTER_CORNER,
    LIPS,
    N_LID_POINTS,
    N_MESH,
    N_SURFACE,
    RIGHT_EYE,
    RIGHT_IRIS,
    RIGHT_OUTER_CORNER,
    landmarks_from_mesh,
)
from face_mirror_au.models.pixels import crop_square, to_frame
from face_mirror_au.models.regions import (
    check_finite,
    roll_between,
    roll_of_landmarks,
    rolled_box,
    square_on_detection,
)
from face_mirror_au.models.session import OPENED_PRELU, NetworkForm, check_shape
from face_mirror_au.records import BoxSpan, Detection, Float32Array, Image, Located, Region

INPUT_SIDE = 192  # of the network as trained
MARGIN = 1.5  # MediaPipe: the square is this much larger than the long side of the box, of a detection and of the mesh alike

# The same square from a detector's box: MediaPipe's own from BlazeFace's; from one that reaches up to the hairline medians on OpenFace's
# sample clips.
SQUARES = {BoxSpan.FOREHEAD: (1.36, 0.045), BoxSpan.BROWS: (MARGIN, 0.0)}
# The 68 landmarks end at the brows, the mesh at the hairline: what lies between, in units of the height of the landmarks' box (same clips).
FOREHEAD = 0.21

OUTPUTS = (
    "output_mesh_identity",
    "output_lips",
    "output_left_eye",
    "output_right_eye",
    "output_left_iris",
    "output_right_iris",
    "conv_faceflag",
)
# A device may move points by half a pixel of the input, and the logit by a tenth. Rounding all weights and inputs to TF32's ten bits,
# tried on the CPU, moves them by 0.08 and 0.01.
FORM = NetworkForm(
    inputs={"input": (1, INPUT_SIDE, INPUT_SIDE, 3)},
    low=0.0,
    high=1.0,
    limits={**dict.fromkeys(OUTPUTS, 0.5), "conv_faceflag": 0.1},
    rewrites=(OPENED_PRELU,),
)
# In the order of OUTPUTS[1:6]. The left of MediaPipe's names is the picture's, the subject's right.
REFINED_POINTS = (LIPS, RIGHT_EYE, LEFT_EYE, RIGHT_IRIS, LEFT_IRIS)


class AttentionMesh:
    """Locate 478 mesh points and the 68 landmarks among them.

    Parameters
    ----------
    path : Path
        The network as ONNX: input (1, 192, 192, 3), outputs `OUTPUTS`.
    device : str
        See `open_session`.

    Raises
    ------
    ModelFileError, ModelRunError
    """

    name = "attention_mesh"
    scores_presence = True

    def __init__(self, path: Path, *, device: str = "cpu") -> None:
        self._session = FORM.open(path, device)

    def region_from_detection(self, detection: Detection) -> Region:
        """Return the square on a detector's box, turned with the eyes."""
        return square_on_detection(detection, SQUARES)

    def region_from_landmarks(self, located: Located) -> Region:
        """Return the square around the mesh, turned with the eyes; without a mesh, around where it would be."""
        if located.mesh is not None:
            roll = roll_between(located.mesh[RIGHT_OUTER_CORNER, :2], located.mesh[LEFT_OUTER_CORNER, :2])
            low, high = rolled_box(located.mesh[:, :2], roll)
        else:
            roll = roll_of_landmarks(located.landmarks)
            low, high = rolled_box(located.landmarks, roll)
            low = low - (0, FOREHEAD * (high[1] - low[1]))
        across, down = (float(value) for value in (low + high) / 2)
        x, y = across * cos(roll) - down * sin(roll), across * sin(roll) + down * cos(roll)
        return Region(x, y, MARGIN * float((high - low).max()), roll)

    def locate(self, image: Image, region: Region) -> Located:
        """Return mesh and landmarks of the face in a region; `Located.score` is the network's own probability of a face.

        Raises
        ------
        ModelRunError
            When the network fails, or the region or the result is not finite.
        """
        crop = crop_square(image, region, INPUT_SIDE)
        values = np.ascontiguousarray(crop[np.newaxis, :, :, ::-1]).astype(np.float32) / np.float32(255)
        outputs = self._session.run(input=values)
        sizes = (3 * N_SURFACE, *(2 * len(points) for points in REFINED_POINTS), 1)
        surface, *refined, flag = (check_shape(output, (1, size), self.name) for output, size in zip(outputs, sizes, strict=True))
        for part in (surface, *refined):
            check_finite(part / np.float32(INPUT_SIDE), self.name, region)
        points = merge(surface, refined) / np.float32(INPUT_SIDE)
        mesh = np.empty_like(points)
        mesh[:, :2] = to_frame(points[:, :2], region)
        mesh[:, 2] = points[:, 2] * np.float32(region.side)
        return Located(landmarks_from_mesh(mesh), probability(float(flag.item())), mesh)


def merge(surface: Float32Array, refined: Sequence[Float32Array]) -> Float32Array:
    """Put the refined lips, eyes and irises into the surface points, as MediaPipe does.

    Parameters
    ----------
    surface : ndarray, 1404 values float32
        x, y, z of 468 points in pixels of the input.
    refined : sequence of ndarray, float32
        x, y of the points of `REFINED_POINTS`.

    Returns
    -------
    ndarray, (478, 3) float32
        Pixels of the input. Depths are the surface's, of an iris the mean of its lids'.
    """
    mesh = np.empty((N_MESH, 3), dtype=np.float32)
    mesh[:N_SURFACE] = surface.reshape(N_SURFACE, 3)
    for points, values in zip(REFINED_POINTS, refined, strict=True):
        mesh[list(points), :2] = values.reshape(len(points), 2)
    for iris, eye in ((RIGHT_IRIS, RIGHT_EYE), (LEFT_IRIS, LEFT_EYE)):
        mesh[list(iris), 2] = mesh[list(eye[:N_LID_POINTS]), 2].mean()
    return mesh


def probability(logit: float) -> float:
    """Return the logistic function of the network's face flag; a NaN counts as no face."""
    if isnan(logit):
        return 0.0
    return 1 / (1 + exp(-min(max(logit, -80.0), 80.0)))  # exp overflows beyond 700; from 80 on the result is 0 or 1 anyway
