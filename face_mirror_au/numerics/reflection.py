"""The mirrored views: one half of the face, and the same half reflected across the facial midline.

Left and right are the subject's. The subject looks at the camera, so the left half lies to the right of the midline in the picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import atan2, hypot

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import LandmarksError
from face_mirror_au.records import Float32Array, FloatArray, Image, View

# iBUG's 68 points: the inner ends of the brows, whose middle is the glabella, and the tip of the chin.
BROW_ENDS = (21, 22)
CHIN = 8

# Half the width of the strip in which one half passes into the other, in units of the way from glabella to chin (3 px on a face of 150 px).
BLEND = 0.02
# Weights of the blend are whole numbers, so that both sides of the midline round alike.
_FULL = np.uint16(256)

# Pairs of iBUG's points, the subject's right one first; what is in no pair lies in the middle of the face.
_PAIRS = (
    *((point, 16 - point) for point in range(8)),  # jaw
    *((point, 43 - point) for point in range(17, 22)),  # brows
    (31, 35), (32, 34),  # base of the nose
    (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46),  # eyes
    (48, 54), (49, 53), (50, 52), (58, 56), (59, 55), (60, 64), (61, 63), (67, 65),  # lips
)  # fmt: skip
RIGHT_POINTS: NDArray[np.int64] = np.array([right for right, _ in _PAIRS])
LEFT_POINTS: NDArray[np.int64] = np.array([left for _, left in _PAIRS])


@dataclass(frozen=True, slots=True)
class Midline:
    """The line across which a face is reflected.

    Attributes
    ----------
    x, y : float
        A point of it in frame pixels: the glabella.
    down_x, down_y : float
        Unit vector from the glabella to the chin.
    length : float
        From the glabella to the chin in pixels: the scale of the face.
    """

    x: float
    y: float
    down_x: float
    down_y: float
    length: float

    @property
    def roll(self) -> float:
        """Angle in radians of the axis to the subject's left, across the midline: the roll of a face that is symmetric about it."""
        return atan2(-self.down_x, self.down_y)

    @property
    def matrix(self) -> FloatArray:
        """The reflection as an affine map, (2, 3) float64; it is its own inverse."""
        down = np.array([self.down_x, self.down_y])
        linear = 2.0 * np.outer(down, down) - np.eye(2)
        origin = np.array([self.x, self.y])
        return np.column_stack([linear, origin - linear @ origin])

    @property
    def halved(self) -> Midline:
        """The same line in a picture of half the size, whose pixels are the means of four."""
        return Midline((self.x - 0.5) / 2.0, (self.y - 0.5) / 2.0, self.down_x, self.down_y, self.length / 2.0)

    def seen_from(self, x: float, y: float) -> Midline:
        """The same line where the place (x, y) is the origin."""
        return replace(self, x=self.x - x, y=self.y - y)

    def to_left(self, points: Float32Array | FloatArray) -> FloatArray:
        """Signed distance in pixels of points (..., 2) from the midline, positive on the subject's left: (...,) float64."""
        return np.asarray((points[..., 0] - self.x) * self.down_y - (points[..., 1] - self.y) * self.down_x, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a picture: pixels from (left, top) to before (right, bottom)."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def between(cls, low: FloatArray, high: FloatArray, image: Image) -> Part:
        """What lies between two places, x, y (2,), inside the picture."""
        size = image.shape[1::-1]
        (left, top), (right, bottom) = (np.clip(np.round(place), 0, size).astype(int).tolist() for place in (low, high))
        return cls(left, top, right, bottom)

    def of(self, image: Image) -> Image:
        """What it shows of a picture, not a copy."""
        return image[self.top : self.bottom, self.left : self.right]


def midline_of_landmarks(landmarks: Float32Array) -> Midline:
    """Return the midline of 68 landmarks (68, 2) in frame pixels: from the glabella, between points 21 and 22, to the chin, point 8.

    Raises
    ------
    LandmarksError
        When the two are less than a pixel apart or not finite.
    """
    x, y = (float(value) for value in landmarks[list(BROW_ENDS)].mean(axis=0, dtype=np.float64))
    across, down = float(landmarks[CHIN, 0]) - x, float(landmarks[CHIN, 1]) - y
    length = hypot(across, down)
    if not 1.0 <= length < np.inf:
        raise LandmarksError("the landmarks of glabella and chin fall together; such a face has no midline")
    return Midline(x, y, across / length, down / length, length)


def mirror_views(image: Image, midline: Midline, views: Iterable[View]) -> dict[View, Image]:
    """Mirrored pictures in memory of their own; see `Mirror`."""
    return Mirror().views(image, midline, views)


class Mirror:
    """Makes mirrored pictures, in memory that it keeps: the next call writes over them.

    The kept half stays as it is, the other half is its bilinear reflection: exact where the midline is vertical or horizontal and lies on a
    pixel's middle or edge, within 3.5 grey levels of exact interpolation elsewhere. In a strip of `BLEND` on both sides of the midline a
    share of the other half fades out, which takes the crease away; the shares of a point and its reflection add up to one, so the picture
    is symmetric in the strip too.

    Where the kept half ends at the frame's edge there is nothing to reflect, and the picture is black. So is what a landmark model sees
    beyond the edge on the kept side, and nothing that could be taken for a face is made up. Measured on 48 rendered faces whose kept cheek
    is cut by the edge: the landmarks' mean error is 0.044 (black), 0.048 (repeated edge) and 0.051 (reflected edge) of the eye distance for
    PFLD, 0.047, 0.048 and 0.077 for the attention mesh; with a reflected edge the detectors find a second face in most of these pictures.

    Parameters
    ----------
    black : int
        The value of black.
    """

    def __init__(self, black: int = 0) -> None:
        self._black = black
        # New memory for each picture would cost as much as the reflection itself: the system clears it page by page.
        self._pictures: dict[View, Image] = {}
        self._reflected: Image = np.empty((0, 0), np.uint8)
        self._parts: dict[View, Part] = {}

    def views(self, image: Image, midline: Midline, views: Iterable[View], part: Part | None = None) -> dict[View, Image]:
        """Build the pictures of mirrored views, each of the frame's size.

        Parameters
        ----------
        image : ndarray, (H, W, 3) or (H, W) uint8
        midline : Midline
            In pixels of `image`, pixel middles at whole numbers.
        views : iterable of View
            `ORIGINAL` gives `image` itself, not a copy.
        part : Part, optional
            What is needed of the mirrored pictures; the rest is black.

        Returns
        -------
        dict of View to ndarray, of the shape of `image`, uint8
            In the order of `views`.
        """
        wanted = tuple(views)
        mirrored = [view for view in wanted if view is not View.ORIGINAL]
        if mirrored:
            part = part or Part(0, 0, image.shape[1], image.shape[0])
            self._make_room(image, mirrored, part)
            if part.of(image).size:
                self._fill(image, midline, mirrored, part)
        return {view: image if view is View.ORIGINAL else self._pictures[view] for view in wanted}

    def _make_room(self, image: Image, views: Sequence[View], part: Part) -> None:
        for view in views:
            if view not in self._pictures or self._pictures[view].shape != image.shape:
                # Memory of zeros is there only where somebody writes: what lies beside a part costs nothing.
                self._pictures[view] = np.zeros(image.shape, np.uint8)
                if self._black:
                    self._pictures[view][:] = self._black
            elif self._parts[view] != part:
                self._parts[view].of(self._pictures[view])[:] = self._black
            self._parts[view] = part
        if self._reflected.shape != part.of(image).shape:
            self._reflected = np.empty(part.of(image).shape, np.uint8)

    def _fill(self, image: Image, midline: Midline, views: Sequence[View], part: Part) -> None:
        import cv2  # at first use: a parent process must be able to load this module and still fork safely

        size, line = (part.right - part.left, part.bottom - part.top), midline.seen_from(part.left, part.top)
        # One reflection serves both views. It is an affine map: the same pixels as from cv2.remap, without its maps (1080p: 5.4 ms against
        # 8.7 ms on one core).
        matrix = line.matrix
        matrix[:, 2] += (part.left, part.top)  # from places in the part to places in the picture
        source, reflected, flags = part.of(image), self._reflected, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cv2.warpAffine(image, matrix, size, dst=reflected, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=(self._black,) * 3)
        on_left, (places, left_share) = _on_left(line, *size), _strip(line, *size)
        rows, columns = np.divmod(places, size[0])
        here, there = source[rows, columns].astype(np.uint16), _pixels(reflected)[places].astype(np.uint16)
        for view in views:
            keep_left, picture = view is View.LEFT_MIRRORED, part.of(self._pictures[view])
            picture[:] = reflected if keep_left else source
            cv2.copyTo(source if keep_left else reflected, on_left, picture)
            share = (left_share if keep_left else _FULL - left_share).reshape(-1, *(1,) * (image.ndim - 2))
            picture[rows, columns] = (share * here + (_FULL - share) * there + _FULL // 2) // _FULL


def _pixels(image: Image) -> Image:
    """A picture (H, W, ...) as a list of pixels (H * W, ...), not a copy."""
    return image.reshape(-1, *image.shape[2:])


def join_halves(left: Image, right: Image, midline: Midline) -> Image:
    """The unmirrored picture (H, W, 3) from the two mirrored ones: each pixel from the one that keeps its half."""
    height, width = left.shape[:2]
    picture = np.where(_on_left(midline, width, height)[..., np.newaxis] == 1, left, right)
    return np.ascontiguousarray(picture)


def _on_left(midline: Midline, width: int, height: int) -> NDArray[np.uint8]:
    """Mask (H, W) uint8 of the pixels on the subject's left: 1, else 0."""
    across = (np.arange(width, dtype=np.float32) - np.float32(midline.x)) * np.float32(midline.down_y)
    down = (np.arange(height, dtype=np.float32) - np.float32(midline.y)) * np.float32(midline.down_x)
    return np.asarray(across[np.newaxis, :] >= down[:, np.newaxis]).view(np.uint8)


def _strip(midline: Midline, width: int, height: int) -> tuple[NDArray[np.intp], NDArray[np.uint16]]:
    """Pixels near the midline: their numbers, row by row, (n,), and what the left half weighs in each when it is kept, (n,) uint16."""
    half = max(1.0, BLEND * midline.length)
    upright = abs(midline.down_y) >= abs(midline.down_x)
    # Along the midline's steeper axis each line of pixels is crossed once, in `middle`.
    if upright:
        along = np.arange(height)
        middle = midline.x + (along - midline.y) * (midline.down_x / midline.down_y)
    else:
        along = np.arange(width)
        middle = midline.y + (along - midline.x) * (midline.down_y / midline.down_x)
    reach = int(np.ceil(half * np.sqrt(2.0))) + 1
    limit = width if upright else height
    # Far outside the frame a midline may be anywhere; clipped, its strip is empty all the same.
    first = np.floor(np.clip(middle, -2.0 * reach, limit + 2.0 * reach)).astype(np.intp) - reach
    crossing = first[:, np.newaxis] + np.arange(2 * reach + 2)
    lines = np.broadcast_to(along[:, np.newaxis], crossing.shape)
    inside = (crossing >= 0) & (crossing < limit)
    rows, columns = (lines[inside], crossing[inside]) if upright else (crossing[inside], lines[inside])
    distance = midline.to_left(np.stack([columns, rows], axis=-1).astype(np.float64))
    share = np.rint(np.clip(0.5 + distance / (2.0 * half), 0.0, 1.0) * _FULL).astype(np.uint16)
    return rows * width + columns, share


def reflect_points(points: Float32Array | FloatArray, midline: Midline) -> FloatArray:
    """Reflect points (N, 2) in frame pixels: (N, 2) float64, in the same order."""
    matrix = midline.matrix
    # einsum, not matmul: BLAS may sum in another order on another machine.
    return np.asarray(np.einsum("ij,nj->ni", matrix[:, :2], points.astype(np.float64)) + matrix[:, 2])


def reflect_landmarks(landmarks: Float32Array, midline: Midline, keep: View) -> Float32Array:
    """Landmarks of a mirrored view, made from those of the original: the kept half and its reflection.

    Points of the middle of the face (bridge of the nose, chin, middle of the lips) go to the nearest place on the midline. So does a point
    of the kept half that lies beyond the midline (a mouth that is drawn to one side): in the picture it is not there.

    Parameters
    ----------
    landmarks : ndarray, (68, 2) float32
        Of the original view, frame pixels, iBUG order. They must come from a model that keeps asymmetry (docs/architecture.md).
    keep : View
        `ORIGINAL` returns `landmarks`.

    Returns
    -------
    ndarray, (68, 2) float32
        iBUG order.
    """
    if keep is View.ORIGINAL:
        return landmarks
    kept, other, sign = (LEFT_POINTS, RIGHT_POINTS, 1.0) if keep is View.LEFT_MIRRORED else (RIGHT_POINTS, LEFT_POINTS, -1.0)
    points = landmarks.astype(np.float64)
    reach = np.zeros(len(points))
    reach[kept] = np.maximum(sign * midline.to_left(points[kept]), 0.0)
    to_kept_side = sign * np.array([midline.down_y, -midline.down_x])
    on_midline = (points + reflect_points(points, midline)) / 2.0
    result = on_midline + reach[:, np.newaxis] * to_kept_side
    result[other] = on_midline[kept] - reach[kept, np.newaxis] * to_kept_side
    return result.astype(np.float32)
