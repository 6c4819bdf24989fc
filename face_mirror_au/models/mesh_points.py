"""Which point of MediaPipe's face mesh lies where: index lists of the refined parts, and the way from 478 points to iBUG's 68."""

from __future__ import annotations

import numpy as np

from face_mirror_au.numerics.eyelids import EyePoints
from face_mirror_au.records import Float32Array, FloatArray

N_MESH = 478
N_SURFACE = 468  # the face's surface; the last ten are the irises

# MediaPipe's graph `tensors_to_face_landmarks_with_attention`: the surface points that each refined output replaces, in the output's order.
# Right and left are the subject's; MediaPipe names these outputs by the side of the picture.
LIPS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415,
    76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306, 184, 74, 73, 72, 11, 302, 303, 304, 408,
    62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292, 183, 42, 41, 38, 12, 268, 271, 272, 407,
)  # fmt: skip
RIGHT_EYE = (
    33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173,
    130, 25, 110, 24, 23, 22, 26, 112, 243, 247, 30, 29, 27, 28, 56, 190,
    226, 31, 228, 229, 230, 231, 232, 233, 244, 113, 225, 224, 223, 222, 221, 189,
    35, 124, 46, 53, 52, 65, 143, 111, 117, 118, 119, 120, 121, 128, 245, 156, 70, 63, 105, 66, 107, 55, 193,
)  # fmt: skip
LEFT_EYE = (
    263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398,
    359, 255, 339, 254, 253, 252, 256, 341, 463, 467, 260, 259, 257, 258, 286, 414,
    446, 261, 448, 449, 450, 451, 452, 453, 464, 342, 445, 444, 443, 442, 441, 413,
    265, 353, 276, 283, 282, 295, 372, 340, 346, 347, 348, 349, 350, 357, 465, 383, 300, 293, 334, 296, 336, 285, 417,
)  # fmt: skip
RIGHT_IRIS = (468, 469, 470, 471, 472)
LEFT_IRIS = (473, 474, 475, 476, 477)
# The irises have no depth of their own: MediaPipe gives them the mean depth of the eyelids' edges, the first 16 points of the eye lists.
N_LID_POINTS = 16

# Of each eye, the subject's left first: corners, and opposite points of the lids' edges above and below the iris.
MESH_EYES = (EyePoints((362, 263), (385, 386, 387), (380, 374, 373)), EyePoints((33, 133), (160, 159, 158), (144, 145, 153)))

# Of each iris, the subject's left first: the points of its edge at the height of its middle.
IRIS_EDGES = ((474, 476), (469, 471))

# The outer corners of the eyes: their line is the roll of a mesh.
RIGHT_OUTER_CORNER, LEFT_OUTER_CORNER = 33, 263

# iBUG's 68 points: (point, next point, share of the way to the next), chosen by what iBUG's drawing says the points are, not by fitting
# to other landmarks. Where iBUG spaces points evenly along a line (jaw from the ear to the chin, brow, bridge of the nose) and the mesh
# has no point there, the place lies between two neighbours of that line; the shares come from lengths along the mean 3D mesh of three
# clips, the same for both sides.
_JAW_RIGHT = (
    (127, 127, 0.0), (234, 93, 0.35), (93, 132, 0.66), (132, 58, 0.81),
    (58, 172, 0.94), (136, 150, 0.20), (150, 149, 0.67), (176, 148, 0.36),
)  # fmt: skip
_JAW_LEFT = (
    (400, 377, 0.36), (379, 378, 0.67), (365, 379, 0.20), (288, 397, 0.94),
    (361, 288, 0.81), (323, 361, 0.66), (454, 323, 0.35), (356, 356, 0.0),
)  # fmt: skip
_BROWS = (
    (70, 70, 0.0), (63, 105, 0.12), (105, 66, 0.18), (66, 107, 0.12), (107, 107, 0.0),
    (336, 336, 0.0), (296, 336, 0.12), (334, 296, 0.18), (293, 334, 0.12), (300, 300, 0.0),
)  # fmt: skip
_NOSE_BRIDGE = ((168, 168, 0.0), (6, 197, 0.71), (195, 5, 0.37), (4, 4, 0.0))
_NOSE_BASE = (75, 97, 2, 326, 305)
_EYES = (33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380)
_OUTER_LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181)
_INNER_LIPS = (78, 82, 13, 312, 308, 317, 14, 87)

IBUG_FROM_MESH: tuple[tuple[int, int, float], ...] = (
    *_JAW_RIGHT, (152, 152, 0.0), *_JAW_LEFT, *_BROWS, *_NOSE_BRIDGE,
    *((point, point, 0.0) for point in (*_NOSE_BASE, *_EYES, *_OUTER_LIPS, *_INNER_LIPS)),
)  # fmt: skip

_POINT = np.array([point for point, _, _ in IBUG_FROM_MESH])
_NEXT = np.array([following for _, following, _ in IBUG_FROM_MESH])
_SHARE = np.array([share for _, _, share in IBUG_FROM_MESH], dtype=np.float32)[:, np.newaxis]


def landmarks_from_mesh(mesh: Float32Array | FloatArray) -> Float32Array:
    """Return iBUG's 68 points, (68, 2) float32, of a mesh (478, 3); both in frame pixels, or both in mm."""
    start = mesh[_POINT, :2]
    return np.asarray(start + _SHARE * (mesh[_NEXT, :2] - start), dtype=np.float32)


def corners_and_irises(mesh: FloatArray | Float32Array) -> FloatArray:
    """The middle between the corners, and that of the iris, of each eye: (2, 2, 2) in the unit of the mesh (478, 3); the left eye first."""
    return np.stack(
        [
            [mesh[list(points.corners), :2].mean(axis=0), mesh[iris[0], :2]]
            for points, iris in zip(MESH_EYES, (LEFT_IRIS, RIGHT_IRIS), strict=True)
        ]
    )


def iris_diameters(mesh: FloatArray) -> FloatArray:
    """Visible diameter of both irises at the height of their middle, (2,) float64 in the unit of the mesh (478, 3); the left eye first."""
    ends = mesh[np.array(IRIS_EDGES), :2]
    return np.asarray(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=-1))
