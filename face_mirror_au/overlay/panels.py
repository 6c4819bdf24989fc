"""Bars of action units on the picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.opencv import opencv
from face_mirror_au.overlay.marks import LEFT_COLOUR, MIDDLE_COLOUR, RIGHT_COLOUR
from face_mirror_au.overlay.scene import Bars, Part
from face_mirror_au.overlay.text import Colour, fitting, put_text
from face_mirror_au.records import Image

TITLES = {Part.LEFT: "LEFT", Part.RIGHT: "RIGHT", Part.WHOLE: "WHOLE FACE"}
COLOURS: dict[Part, Colour] = {Part.LEFT: LEFT_COLOUR, Part.RIGHT: RIGHT_COLOUR, Part.WHOLE: MIDDLE_COLOUR}
MAX_VALUE = 5.0

GROUND: Colour = (26, 22, 18)
TRACK: Colour = (84, 78, 72)
BRIGHT: Colour = (245, 245, 245)
FAINT: Colour = (190, 186, 182)
_COVER = 0.8  # of the ground of a panel: white letters stand out on a white wall, and the picture still shows

# In sizes of the writing.
ROW, TITLE, LABEL_WIDTH, VALUE_WIDTH, PADDING = 1.45, 1.9, 3.3, 2.1, 0.6


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the picture: left, top, width and height in px."""

    x: int
    y: int
    width: int
    height: int


def shade(canvas: Image, box: Box, colour: Colour = GROUND, cover: float = _COVER) -> None:
    """Darken a rectangle, as far as it lies on the canvas, so that writing on it can be read."""
    part = canvas[max(box.y, 0) : max(box.y + box.height, 0), max(box.x, 0) : max(box.x + box.width, 0)]
    if part.size:
        part[...] = opencv().LUT(part, _mixed(colour, cover))


@lru_cache(maxsize=32)
def _mixed(colour: Colour, cover: float) -> NDArray[np.uint8]:
    """What becomes of each value of each channel, (1, 256, 3) uint8."""
    before = np.arange(256)[None, :, None]
    return np.rint(before * (1.0 - cover) + np.array(colour) * cover).astype(np.uint8)


def panel_height(rows: int, unit: int) -> int:
    """Height of a panel with so many rows, px; `unit` is the size of the writing."""
    return round(unit * (TITLE + ROW * rows + PADDING))


def draw_panel(canvas: Image, bars: Bars, box: Box, unit: int) -> None:
    """Draw one part's bars in place. Those of the subject's right grow to the left, all others to the right.

    Parameters
    ----------
    canvas : ndarray, (H, W, 3) uint8
        BGR.
    unit : int
        Size of the writing, px.
    """
    shade(canvas, box)
    pad = round(unit * PADDING)
    inward = bars.part is Part.RIGHT
    edge = box.x + box.width - pad if inward else box.x + pad
    title = fitting(TITLES[bars.part], unit, box.width - 2 * pad, bold=True)
    middle = box.y + round(unit * (TITLE + PADDING / 2) / 2)
    put_text(canvas, title, (edge, middle), unit, COLOURS[bars.part], anchor="right" if inward else "left", bold=True)
    if not bars.measured:
        room = fitting("not measured", unit, box.width - 2 * pad)
        put_text(canvas, room, (edge, middle + round(unit * ROW)), unit, FAINT, anchor="right" if inward else "left")
        return
    for row, (name, value) in enumerate(bars.values):
        y = box.y + round(unit * (TITLE + ROW * (row + 0.5)))
        _draw_row(canvas, (name, value), bars.part, Box(box.x + pad, y, box.width - 2 * pad, 0), unit)


def _draw_row(canvas: Image, entry: tuple[str, float], part: Part, line: Box, unit: int) -> None:
    """Name, bar and value of one action unit, on the line of which `line` is the middle."""
    name, value = entry
    label, number = round(unit * LABEL_WIDTH), round(unit * VALUE_WIDTH)
    length = max(1, line.width - label - number)
    leftwards = part is Part.RIGHT
    name_x, value_x = (line.x + line.width, line.x) if leftwards else (line.x, line.x + line.width)
    put_text(canvas, name, (name_x, line.y), unit, BRIGHT, anchor="right" if leftwards else "left")
    start = line.x + number if leftwards else line.x + label
    thick = max(2, round(unit * 0.62))
    top = line.y - thick // 2
    shade(canvas, Box(start, top, length, thick), TRACK, 1.0)
    if np.isfinite(value):
        filled = round(length * min(max(value, 0.0), MAX_VALUE) / MAX_VALUE)
        shade(canvas, Box(start + length - filled if leftwards else start, top, filled, thick), COLOURS[part], 1.0)
    text = f"{value:.1f}" if np.isfinite(value) else "-"
    put_text(canvas, text, (value_x, line.y), unit, BRIGHT, anchor="left" if leftwards else "right")
