"""What an overlay shows of one frame: from its result and online values to words, numbers and places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from face_mirror_au.asymmetry.yaw import ACCEPTABLE_YAW
from face_mirror_au.asymmetry.zones import ZONES
from face_mirror_au.errors import LandmarksError
from face_mirror_au.numerics.reflection import Midline, midline_of_landmarks
from face_mirror_au.pipeline.own_descriptor import descriptor_of, failure_reason
from face_mirror_au.records import INTENSITY_AUS, Face, FloatArray, OnlineValues, View
from face_mirror_hooks.records import FrameResult

SHOWN_AUS = tuple(au for zone in ZONES for au in zone.aus)
"""The action units of the report's zones, from brow to mouth."""
_COLUMNS = [INTENSITY_AUS.index(au) for au in SHOWN_AUS]

PROVISIONAL = "PROVISIONAL online values, 0 to 5"
HALVES, SIDES, WHOLE = "bars: each half mirrored", "bars: sides of the unmirrored face", "bars: whole face"


class Part(Enum):
    """Which part of the face a set of bars belongs to. Left and right are the subject's."""

    LEFT = "left"
    RIGHT = "right"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Bars:
    """Action units of one part of the face.

    Attributes
    ----------
    values : tuple of (str, float)
        Action unit and its online value, 0 to 5; NaN where this part was not measured.
    """

    part: Part
    values: tuple[tuple[str, float], ...]

    @property
    def measured(self) -> bool:
        """Whether there is any value."""
        return any(np.isfinite(value) for _, value in self.values)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is drawn on one frame.

    Attributes
    ----------
    heading : str
        What the values are; empty when there are none.
    moment : str
        Frame and time.
    midline : Midline or None
        Across which the halves are mirrored.
    bars : tuple of Bars
        Empty in a frame that was not measured.
    origin : str
        What the bars were measured in.
    angles : str
        Of the head; empty when they are not known.
    turned : str
        That the head is turned too far for left against right; empty when it is not.
    failed : str
        Why there is no measurement; empty when there is one.
    """

    heading: str
    moment: str
    face: Face | None = None
    midline: Midline | None = None
    bars: tuple[Bars, ...] = ()
    origin: str = ""
    angles: str = ""
    turned: str = ""
    failed: str = ""


def scene_of(result: FrameResult, values: Mapping[View, OnlineValues]) -> Scene:
    """Say what is to be drawn.

    Parameters
    ----------
    values : mapping of View to OnlineValues
        Of this frame; views that are not in it have no bars.
    """
    moment = f"frame {result.index + 1}   {result.time_s:.2f} s"
    original = result.view(View.ORIGINAL)
    descriptor = None if original is None else descriptor_of(original)
    if original is None or descriptor is None:
        reason = "no original view" if original is None else failure_reason(original)
        return Scene(PROVISIONAL, moment, face=None if original is None else original.face, failed=" ".join(reason.split()))
    pitch, yaw, roll = np.degrees(descriptor.head_pose[3:])
    bars, origin = bars_of(values)
    return Scene(
        PROVISIONAL if bars else "",
        moment,
        face=original.face,
        midline=_midline(original.face),
        bars=bars,
        origin=origin,
        angles=f"yaw {_degrees(yaw)}  pitch {_degrees(pitch)}  roll {_degrees(roll)}",
        turned=_turned(float(yaw)),
    )


def bars_of(values: Mapping[View, OnlineValues]) -> tuple[tuple[Bars, ...], str]:
    """The subject's left and right from the mirrored views, or from the sides of the original; else the whole face.

    Returns
    -------
    tuple of Bars
    str
        What they were measured in.
    """
    left, right, whole = (values.get(view) for view in (View.LEFT_MIRRORED, View.RIGHT_MIRRORED, View.ORIGINAL))
    parts: dict[Part, FloatArray] = {}
    origin = HALVES
    if left is not None and right is not None:
        parts = {Part.LEFT: left.corrected, Part.RIGHT: right.corrected}
    elif whole is not None and whole.sides is not None:
        parts, origin = {Part.LEFT: whole.sides[0], Part.RIGHT: whole.sides[1]}, SIDES
    elif whole is not None:
        parts, origin = {Part.WHOLE: whole.corrected}, WHOLE
    if not parts:
        return (), ""
    shown = np.array([each[_COLUMNS] for each in parts.values()])
    # One that the AU models do not measure at all takes no line.
    kept = np.isfinite(shown).any(axis=0) | ~np.isfinite(shown).any()
    names = [(position, au) for position, au in enumerate(SHOWN_AUS) if kept[position]]
    return tuple(
        Bars(part, tuple((au, float(numbers[position])) for position, au in names)) for part, numbers in zip(parts, shown, strict=True)
    ), origin


def _midline(face: Face | None) -> Midline | None:
    try:
        return None if face is None else midline_of_landmarks(face.landmarks)
    except LandmarksError:
        return None


def _degrees(angle: float) -> str:
    rounded = round(float(angle))
    return f"{'-' if rounded < 0 else '+' if rounded else ''}{abs(rounded)}°"


def _turned(yaw: float) -> str:
    if abs(yaw) <= ACCEPTABLE_YAW:
        return ""
    # Positive about the camera's axis that points down: the face turns towards the left of the picture.
    side = "right" if yaw > 0 else "left"
    return f"Head turned {abs(yaw):.1f}° to the subject's {side}: sides not comparable"
