"""Where the panels stand on the picture: beside the face in a wide one, below it in a high one, and not on the face where there is room."""

from __future__ import annotations

from face_mirror_au.overlay.panels import Box, panel_height
from face_mirror_au.overlay.scene import Part, Scene

_WIDE = 1.15  # width to height from which the bars stand beside the face
# In sizes of the writing: the width of a panel beside the face, and the least that its words and a short bar need.
_WIDTH, _LEAST_WIDTH = 13.0, 9.5
_SHARE = 0.25  # of the picture's width, at most, for a panel beside the face
_BELOW, _LEAST_BELOW = 0.72, 8  # the writing of the bars below a face: this share of the other, or so many px: there is less room
_GAP = 0.8  # around a panel, in sizes of the writing


def place_panels(scene: Scene, width: int, height: int, top: int, unit: int) -> tuple[list[Box], int]:
    """Where the panels of a scene stand: the subject's left always to the right of the subject's right.

    Parameters
    ----------
    width, height : int
        Of the picture, px.
    top : int
        Where heading and banner end, y in px.
    unit : int
        Size of the writing, px.

    Returns
    -------
    list of Box
        One for each of `scene.bars`.
    int
        Size of the writing in them, px.
    """
    if not scene.bars:
        return [], unit
    if width >= _WIDE * height:
        return _beside(scene, width, top, unit), unit
    unit = max(round(_BELOW * unit), min(unit, _LEAST_BELOW))
    gap = round(_GAP * unit)
    boxes = []
    for bars in scene.bars:
        rows = panel_height(len(bars.values), unit)
        x = width // 2 if bars.part is Part.LEFT else gap
        boxes.append(Box(x, max(top, height - gap - rows), width // 2 - gap, rows))
    return boxes, unit


def _beside(scene: Scene, width: int, top: int, unit: int) -> list[Box]:
    gap = round(_GAP * unit)
    # Free to the left and to the right of the face, px.
    before, after = (width / 2, width / 2) if scene.face is None else (float(scene.face.box[0]), width - float(scene.face.box[2]))
    least, most = _LEAST_WIDTH * unit, min(_WIDTH * unit, _SHARE * width)
    pair = 2 * least + 3 * gap
    if len(scene.bars) == 1:
        across = round(most)
        lefts = [width - gap - across if after >= before else gap]
    elif min(before, after) < least + 2 * gap and max(before, after) >= pair:
        # The face stands at one side of the picture, both panels at the other.
        across = round(min(most, (max(before, after) - 3 * gap) / 2))
        first = gap if before > after else width - 2 * (gap + across)
        lefts = [first + gap + across if bars.part is Part.LEFT else first for bars in scene.bars]
    else:
        across = round(min(most, max(least, min(before, after) - 2 * gap)))
        lefts = [width - gap - across if bars.part is Part.LEFT else gap for bars in scene.bars]
    return [Box(x, top + gap, across, panel_height(len(bars.values), unit)) for x, bars in zip(lefts, scene.bars, strict=True)]
