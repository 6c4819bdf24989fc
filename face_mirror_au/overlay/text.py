"""Text on pictures, with smooth letters of any size."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.records import Image

if TYPE_CHECKING:
    from PIL import ImageFont

Colour = tuple[int, int, int]
"""Blue, green, red; 0 to 255."""
Anchor = Literal["left", "middle", "right"]

_KEPT_TEXTS = 2048  # a frame has about 60, and most stand in the next one, too


@lru_cache(maxsize=32)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    import matplotlib as mpl  # ships a free font; OpenCV's own strokes have neither degrees nor a readable small size
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / name), size)


@lru_cache(maxsize=_KEPT_TEXTS)
def text_mask(text: str, size: int, bold: bool = False) -> NDArray[np.uint8]:
    """How much of each pixel a line of text covers.

    Parameters
    ----------
    size : int
        Of the font, px.

    Returns
    -------
    ndarray, (h, w) uint8
        0 to 255; as high as the font, whatever the letters. (h, 0) for an empty text.
    """
    from PIL import Image as Pictures
    from PIL import ImageDraw

    font = _font(size, bold)
    ascent, descent = font.getmetrics()
    picture = Pictures.new("L", (int(np.ceil(font.getlength(text))), ascent + descent))
    if picture.width:
        ImageDraw.Draw(picture).text((0, ascent), text, fill=255, font=font, anchor="ls")
    mask = np.array(picture, dtype=np.uint8)
    mask.setflags(write=False)
    return mask


def text_width(text: str, size: int, *, bold: bool = False) -> int:
    """How wide a line of text is, px."""
    return int(text_mask(text, size, bold).shape[1])


def fitting(text: str, size: int, width: int, *, bold: bool = False) -> str:
    """The text, cut short with "…" where it is wider than `width` px."""
    if text_width(text, size, bold=bold) <= width:
        return text
    for end in range(len(text) - 1, 0, -1):
        if text_width(text[:end] + "…", size, bold=bold) <= width:
            return text[:end] + "…"
    return ""


def put_text(
    canvas: Image, text: str, place: tuple[int, int], size: int, colour: Colour, *, anchor: Anchor = "left", bold: bool = False
) -> None:
    """Write a line of text in place. What reaches beyond the picture is cut off.

    Parameters
    ----------
    canvas : ndarray, (H, W, 3) uint8
        BGR.
    place : (int, int)
        x of the anchor, and y of the line's middle, px.
    size : int
        Of the font, px.
    anchor : str
        Which end of the text, or its middle, stands at x.
    """
    mask = text_mask(text, size, bold)
    x = place[0] - {"left": 0, "middle": mask.shape[1] // 2, "right": mask.shape[1]}[anchor]
    blend(canvas, mask, (x, place[1] - mask.shape[0] // 2), colour)


def blend(canvas: Image, mask: NDArray[np.uint8], corner: tuple[int, int], colour: Colour) -> None:
    """Put a colour on the canvas (H, W, 3), as far as the mask (h, w) covers; its upper left corner at `corner`, x and y in px."""
    height, width = canvas.shape[:2]
    x, y = corner
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + mask.shape[1], width), min(y + mask.shape[0], height)
    if left >= right or top >= bottom:
        return
    cover = mask[top - y : bottom - y, left - x : right - x, None].astype(np.uint16)
    under = canvas[top:bottom, left:right]
    mixed = under * (255 - cover) + np.array(colour, dtype=np.uint16) * cover
    under[...] = ((mixed + 127) // 255).astype(np.uint8)
