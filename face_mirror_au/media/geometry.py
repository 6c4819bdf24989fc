"""How stored pixels become the picture that is shown: pixel aspect, quarter turns, a flip."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from face_mirror_au.media.source import MAX_PIXELS
from face_mirror_au.opencv import opencv
from face_mirror_au.records import Image

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

# No camera's or disc's pixels are longer: the widest in use is 2:1, anamorphic film. What claims more is damaged.
_LONGEST_PIXEL = Fraction(4)


@dataclass(frozen=True, slots=True)
class Geometry:
    """Stored pixels are scaled to `width` x `height`, turned clockwise by `rotation` degrees, then flipped where `mirrored`.

    Attributes
    ----------
    width, height : int
        Of the picture with square pixels, before the turn.
    rotation : int
    mirrored : bool
    exact : bool
        Whether the file asks for quarter turns only.
    aspect : Fraction or None
        Width to height of a stored pixel where it is not square.
    """

    width: int
    height: int
    rotation: Literal[0, 90, 180, 270] = 0
    mirrored: bool = False
    exact: bool = True
    aspect: Fraction | None = None

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height of the picture as it is shown."""
        return (self.height, self.width) if self.rotation in {90, 270} else (self.width, self.height)

    def turn(self, image: Image) -> Image:
        """Return a picture with square pixels upright, (H, W, 3) or (H, W) uint8; itself where it is upright already."""
        if self.rotation == 0 and not self.mirrored:
            return image
        cv2 = opencv()  # 1.5 ms for 1080p, NumPy 12 ms
        upright: Any = image
        if self.rotation:
            turn = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}[self.rotation]
            upright = cv2.rotate(upright, turn)
        if self.mirrored:
            upright = cv2.flip(upright, 1)
        return np.asarray(upright)


def usable_aspect(aspect: Fraction | None, width: int, height: int) -> Fraction | None:
    """Width to height of a pixel, where it is not square and can be believed; else None."""
    if aspect is None or aspect <= 0 or not 1 / _LONGEST_PIXEL <= aspect <= _LONGEST_PIXEL:
        return None
    shown = square_width(width, aspect)
    return None if shown == width or shown * height > MAX_PIXELS else aspect


def square_width(width: int, aspect: Fraction) -> int:
    """How wide a picture is with square pixels: its height is kept, as players do."""
    return max(1, round(width * aspect))


def geometry_of(picture: VideoFrame, aspect: Fraction | None) -> Geometry:
    """The geometry of a decoded picture whose pixels have this aspect (`usable_aspect`)."""
    width = picture.width if aspect is None else square_width(picture.width, aspect)
    a, b, c, d = _display_matrix(picture)
    mirrored = a * d - b * c < 0
    if mirrored:
        a, c = -a, -c
    clockwise = math.degrees(math.atan2(b, a)) % 360
    nearest = round(clockwise / 90) % 4
    rotation: tuple[Literal[0, 90, 180, 270], ...] = (0, 90, 180, 270)
    exact = abs((clockwise - 90 * nearest + 180) % 360 - 180) < 1
    return Geometry(width, picture.height, rotation[nearest], mirrored, exact, aspect)


def _display_matrix(picture: VideoFrame) -> tuple[float, float, float, float]:
    """Read the display matrix (libavutil/display.h) that the container or the stream attaches to its frames.

    Returns a, b, c, d of x' = a x + c y, y' = b x + d y, with y pointing down.
    """
    try:
        matrix = np.frombuffer(bytes(picture.side_data["DISPLAYMATRIX"]), dtype=np.int32)  # type: ignore[typeddict-item]
        a, b, c, d = (float(matrix[i]) for i in (0, 1, 3, 4))
    except KeyError:
        return 1.0, 0.0, 0.0, 1.0
    except ValueError:
        # PyAV cannot list the side data when one is of a type newer than itself; the turn alone it always knows, counter-clockwise.
        angle = math.radians(-picture.rotation)
        return math.cos(angle), math.sin(angle), -math.sin(angle), math.cos(angle)
    return a, b, c, d


def widened(image: Image, aspect: Fraction) -> Image:
    """A picture whose pixels have this aspect with square ones, (H, W, 3) uint8."""
    cv2 = opencv()
    height, width = image.shape[:2]
    shown = square_width(width, aspect)
    how = cv2.INTER_AREA if shown < width else cv2.INTER_CUBIC
    return np.ascontiguousarray(cv2.resize(image, (shown, height), interpolation=how))


def fitted(image: Image, width: int, height: int) -> Image:
    """A picture of any size in the middle of one of this size, scaled but not stretched, with black beside it; itself when it fits."""
    if image.shape[:2] == (height, width):
        return image
    cv2 = opencv()
    scale = min(width / image.shape[1], height / image.shape[0])
    inner = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = cv2.resize(image, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas: Image = np.zeros((height, width, 3), dtype=np.uint8)
    canvas[top : top + inner[1], left : left + inner[0]] = small
    return canvas
