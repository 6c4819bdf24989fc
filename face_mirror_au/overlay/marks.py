"""The face on the picture: landmarks, box and midline."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.numerics.reflection import LEFT_POINTS, RIGHT_POINTS, Midline
from face_mirror_au.opencv import opencv
from face_mirror_au.overlay.text import Colour, blend
from face_mirror_au.records import Face, Float32Array, Image

LEFT_COLOUR: Colour = (233, 180, 86)  # a light blue and an orange that colour-blind people tell apart, as the report's, made for the dark
RIGHT_COLOUR: Colour = (0, 159, 230)
MIDDLE_COLOUR: Colour = (255, 255, 255)
_INK: Colour = (20, 20, 20)

_SHIFT = 4  # binary digits behind the point of OpenCV's coordinates: whole pixels would make lines tremble
_PARTS = 4  # of a pixel, to which dots are placed
_LEAST_RADIUS = 1.2  # px
_DASH = 0.03  # length of a dash of the midline, in ways from glabella to chin
_FAR = 1e5  # px; beyond it OpenCV's whole numbers would overflow


def draw_face(canvas: Image, face: Face, midline: Midline | None, unit: float) -> None:
    """Draw box, midline and landmarks in place: the subject's left blue, the right orange, the middle white.

    Parameters
    ----------
    canvas : ndarray, (H, W, 3) uint8
        BGR.
    unit : float
        Size of the writing on the picture, px; lines go with it.
    """
    thin = max(1, round(unit / 14))
    _draw_box(canvas, face.box, thin)
    if midline is not None:
        _draw_midline(canvas, midline, thin)
    # As large as the face allows: neighbours on the lips must stay apart.
    radius = max(_LEAST_RADIUS, min(unit / 5, float(np.ptp(face.landmarks[:, 0])) / 90))
    for colour, points in _coloured(face.landmarks):
        for point in np.clip(np.nan_to_num(points), -_FAR, _FAR).tolist():
            _dot(canvas, point, radius + max(0.8, radius * 0.35), _INK)
            _dot(canvas, point, radius, colour)


def _coloured(landmarks: Float32Array) -> list[tuple[Colour, Float32Array]]:
    sided = {*LEFT_POINTS.tolist(), *RIGHT_POINTS.tolist()}
    middle = [point for point in range(len(landmarks)) if point not in sided]
    return [(MIDDLE_COLOUR, landmarks[middle]), (LEFT_COLOUR, landmarks[LEFT_POINTS]), (RIGHT_COLOUR, landmarks[RIGHT_POINTS])]


def _fixed(point: Float32Array) -> tuple[int, int]:
    x, y = np.clip(np.nan_to_num(point), -_FAR, _FAR) * 2**_SHIFT
    return round(float(x)), round(float(y))


def _dot(canvas: Image, point: Sequence[float], radius: float, colour: Colour) -> None:
    x, y = (floor(each * _PARTS + 0.5) for each in point)
    mask = _disc(round(radius, 2), x % _PARTS, y % _PARTS)
    reach = mask.shape[0] // 2
    blend(canvas, mask, (x // _PARTS - reach, y // _PARTS - reach), colour)


@lru_cache(maxsize=256)
def _disc(radius: float, x: int, y: int) -> NDArray[np.uint8]:
    """A smooth disc as a mask, its middle x and y parts of a pixel right of and below that of the mask's middle pixel."""
    reach = ceil(radius + 1.0)
    across = np.arange(-reach, reach + 1)
    distance = np.hypot(across[None, :] - x / _PARTS, across[:, None] - y / _PARTS)
    mask: NDArray[np.uint8] = np.rint(255 * np.clip(radius + 0.5 - distance, 0.0, 1.0)).astype(np.uint8)
    mask.setflags(write=False)
    return mask


def _line(canvas: Image, start: Float32Array, end: Float32Array, colour: Colour, thickness: int) -> None:
    cv2 = opencv()
    cv2.line(canvas, _fixed(start), _fixed(end), _INK, thickness + max(1, thickness // 2), cv2.LINE_AA, _SHIFT)
    cv2.line(canvas, _fixed(start), _fixed(end), colour, thickness, cv2.LINE_AA, _SHIFT)


def _draw_box(canvas: Image, box: Float32Array, thickness: int) -> None:
    """The corners of the box: whole lines would hide the edge of the face."""
    x1, y1, x2, y2 = box
    arm = 0.12 * min(x2 - x1, y2 - y1)
    for x, inward_x in ((x1, arm), (x2, -arm)):
        for y, inward_y in ((y1, arm), (y2, -arm)):
            corner = np.array([x, y], dtype=np.float32)
            for way in ((inward_x, 0.0), (0.0, inward_y)):
                _line(canvas, corner, corner + np.array(way, dtype=np.float32), MIDDLE_COLOUR, thickness)


def _draw_midline(canvas: Image, midline: Midline, thickness: int) -> None:
    start, down = np.array([midline.x, midline.y]), np.array([midline.down_x, midline.down_y])
    for place in np.arange(-0.2, 1.05, 3 * _DASH):
        ends = (start + down * midline.length * share for share in (place, place + _DASH))
        first, last = (np.asarray(end, dtype=np.float32) for end in ends)
        _line(canvas, first, last, MIDDLE_COLOUR, thickness)
