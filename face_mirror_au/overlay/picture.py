"""One frame's overlay: where everything stands on the picture."""

from __future__ import annotations

from face_mirror_au.overlay.layout import place_panels
from face_mirror_au.overlay.marks import draw_face
from face_mirror_au.overlay.panels import BRIGHT, FAINT, Box, draw_panel, shade
from face_mirror_au.overlay.scene import Scene
from face_mirror_au.overlay.text import Colour, fitting, put_text, text_width
from face_mirror_au.records import Image

ALERT: Colour = (40, 40, 190)
WARNING: Colour = (0, 120, 190)

_WRITING = 0.030  # size of the writing, as a share of the picture's shorter side; about 10 px at least, where the picture allows it
_SMALLEST, _READABLE = 5, 10
_LINE = 1.7  # height of a line of the heading, in sizes of the writing


def writing_size(width: int, height: int) -> int:
    """Size of the writing on a picture of that size, px."""
    shorter = min(width, height)
    return max(_SMALLEST, round(shorter * _WRITING), min(_READABLE, round(shorter / 30)))


def draw_scene(canvas: Image, scene: Scene) -> None:
    """Draw a scene on the canvas (H, W, 3) uint8 BGR, in place."""
    unit = writing_size(canvas.shape[1], canvas.shape[0])
    if scene.face is not None:
        draw_face(canvas, scene.face, scene.midline, unit)
    below = _draw_heading(canvas, scene, unit)
    if scene.failed:
        _draw_banner(canvas, f"NOT MEASURED: {scene.failed}", below, unit, ALERT)
    elif scene.turned:
        _draw_banner(canvas, scene.turned, below, unit, WARNING)
    # Below the banner's place whether there is one or not: bars that jump cannot be followed.
    boxes, size = place_panels(scene, canvas.shape[1], canvas.shape[0], below + _banner_height(unit), unit)
    for bars, box in zip(scene.bars, boxes, strict=True):
        draw_panel(canvas, bars, box, size)


def _draw_heading(canvas: Image, scene: Scene, unit: int) -> int:
    """What the values are, where they come from, when, and how the head is held. Returns where it ends, y in px."""
    width, line, pad = canvas.shape[1], round(unit * _LINE), round(unit * 0.6)
    lines = [(scene.heading, scene.moment, True)]
    if scene.angles:
        lines.append((scene.angles, scene.origin, False))
    shade(canvas, Box(0, 0, width, line * len(lines) + pad // 2))
    for row, (left, right, bold) in enumerate(lines):
        y = round(line * (row + 0.5)) + pad // 4
        room = width - 2 * pad
        said = fitting(left, unit, room, bold=bold)
        put_text(canvas, said, (pad, y), unit, BRIGHT, bold=bold)
        rest = room - text_width(said, unit, bold=bold) - unit
        put_text(canvas, fitting(right, unit, rest), (width - pad, y), unit, FAINT, anchor="right")
    return line * len(lines) + pad // 2


def _banner_height(unit: int) -> int:
    return round(unit * 2)


def _draw_banner(canvas: Image, text: str, top: int, unit: int, colour: Colour) -> None:
    """A coloured line across the picture."""
    width, height = canvas.shape[1], _banner_height(unit)
    shade(canvas, Box(0, top, width, height), colour, 0.92)
    said = fitting(text, unit, width - 2 * unit, bold=True)
    put_text(canvas, said, (width // 2, top + height // 2), unit, BRIGHT, anchor="middle", bold=True)
