"""Every column that we write: its name, meaning, unit and range, in one place."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from face_mirror_au.errors import UsageError
from face_mirror_au.files import atomic_text, name_cell
from face_mirror_au.records import INTENSITY_AUS, N_LANDMARKS, PRESENCE_AUS

Group = Literal["pose", "landmarks", "landmarks3d", "shape", "aus"]
GROUPS: tuple[Group, ...] = ("pose", "landmarks", "landmarks3d", "shape", "aus")

N_SHAPE = 34  # local shape parameters of OpenFace's PDM

KEYS = ("frame", "face_id", "timestamp", "confidence", "success")
HEAD_POSE = ("pose_Tx", "pose_Ty", "pose_Tz", "pose_Rx", "pose_Ry", "pose_Rz")
FIT = ("p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty")
SHAPE = tuple(f"p_{i}" for i in range(N_SHAPE))
INTENSITY = tuple(f"{au}_r" for au in INTENSITY_AUS)
PRESENCE = tuple(f"{au}_c" for au in PRESENCE_AUS)
# In `<stem>.sides.csv`: an action unit's sides stand beside each other, the subject's left first.
SIDES = tuple(f"{au}_{side}" for au in INTENSITY_AUS for side in ("left", "right"))
RAW_SIDES = tuple(f"{name}_raw" for name in SIDES)
RAW = tuple(f"{au}_raw" for au in INTENSITY_AUS)
# In `<stem>.live.csv`: provisional, and never under the name of a final value.
ONLINE = tuple(f"{au}_online" for au in INTENSITY_AUS)
ONLINE_SIDES = tuple(f"{name}_online" for name in SIDES)


def points(*axes: str) -> tuple[str, ...]:
    """Return the 68 names of each axis, e.g. ``x_0 .. x_67, y_0 .. y_67``."""
    return tuple(f"{axis}_{i}" for axis in axes for i in range(N_LANDMARKS))


# The facial action coding system's names for what OpenFace measures.
AU_NAMES = {
    "AU01": "inner brow raiser", "AU02": "outer brow raiser", "AU04": "brow lowerer", "AU05": "upper lid raiser", "AU06": "cheek raiser",
    "AU07": "lid tightener", "AU09": "nose wrinkler", "AU10": "upper lip raiser", "AU12": "lip corner puller", "AU14": "dimpler",
    "AU15": "lip corner depressor", "AU17": "chin raiser", "AU20": "lip stretcher", "AU23": "lip tightener", "AU25": "lips part",
    "AU26": "jaw drop", "AU28": "lip suck", "AU45": "blink",
}  # fmt: skip

_JUDGED_APART = "judged apart from the intensity"
_SIDE_KINDS = ("left", "right", "left_raw", "right_raw")
_ONLINE_KINDS = {"online": "", **{f"{side}_online": f" on the subject's {side}, seen in the unmirrored face" for side in ("left", "right")}}
_AXES = {"x": "to the right in the picture", "y": "down in the picture", "z": "away from the camera"}
_RIGID = {"r": ("rotation about", "rad", "-pi to pi"), "t": ("position along", "px", "any")}


@dataclass(frozen=True, slots=True)
class ColumnMeaning:
    """What a column holds. `unit` is "-" for numbers without one."""

    meaning: str
    unit: str
    range: str


_FIXED = {
    "frame": ColumnMeaning("number of the decoded frame, counted from 1", "-", "1 upwards"),
    "face_id": ColumnMeaning("which face: one person is followed through a recording", "-", "0 upwards"),
    "timestamp": ColumnMeaning("time of the frame from the container, counted from the first frame", "s", "0 upwards"),
    "confidence": ColumnMeaning(
        "probability that the landmarks are right, from the fit error of the face model and the detector's score; 0 without a face",
        "-",
        "0 to 1",
    ),
    "success": ColumnMeaning("whether the frame was measured; cells without a measurement are empty", "-", "0 or 1"),
    "view": ColumnMeaning("original, left_mirrored (the subject's left half twice) or right_mirrored", "-", "three words"),
    "reason": ColumnMeaning("why the frame was not measured; empty where it was", "-", "text"),
    "row": ColumnMeaning("row of the table, counted from 1", "-", "1 upwards"),
    "image": ColumnMeaning("name of the image file of that row", "-", "text"),
    # Of the table of the report page's numbers.
    "sides": ColumnMeaning("where the sides were measured: mirrored (each half made into a whole face) or unmirrored", "-", "two words"),
    "movement": ColumnMeaning("number of the movement on the report page; 0: the whole recording", "-", "0 upwards"),
    "start_s": ColumnMeaning("beginning of the movement; empty for the whole recording", "s", "0 upwards"),
    "end_s": ColumnMeaning("end of the movement; empty for the whole recording", "s", "above 0"),
    "action": ColumnMeaning("code of the movement; empty for the whole recording, and where it has no name", "-", "two letters"),
    "proposed": ColumnMeaning("whether the program proposed the movement and nobody changed it", "-", "0 or 1"),
    "zone": ColumnMeaning("part of the face: upper, eye, midface, mouth, or none", "-", "text"),
    "signal": ColumnMeaning("action unit, landmark measure, or zone: the largest of its action units in each frame", "-", "text"),
    "measure": ColumnMeaning("peak, peak_time, area_per_second, at_rest, or the pair of zones that moved together", "-", "text"),
    "left": ColumnMeaning("number of the subject's left side", "see unit", "any"),
    "right": ColumnMeaning("number of the subject's right side", "see unit", "any"),
    "difference": ColumnMeaning("(left - right) / (left + right); empty below the gate", "-", "-1 to 1"),
    "ratio": ColumnMeaning("smaller / larger of left and right; empty below the gate", "-", "0 to 1"),
    "unit": ColumnMeaning("of left and right: intensity, eye distances (of the outer corners), or s", "-", "text"),
    "p_scale": ColumnMeaning("scale of the fitted face model", "px/mm", "above 0"),
}

# Where the short formats differ, as the programs that read them expect.
_SHORT = {
    "frame": ColumnMeaning("number of the decoded frame, counted from 0", "-", "0 upwards"),
    "success": ColumnMeaning("whether the frame was measured; cells without a measurement are empty", "-", "False or True"),
}


@dataclass(frozen=True, slots=True)
class FileColumns:
    """The columns of one file. `short`: in a short format, where frames count from 0 and success is False or True."""

    file: str
    columns: tuple[str, ...]
    short: bool = False

    def meaning(self, name: str) -> ColumnMeaning:
        """What one of the columns holds in this file."""
        return _SHORT[name] if self.short and name in _SHORT else describe_column(name)


def describe_column(name: str) -> ColumnMeaning:
    """Return what a column holds.

    Raises
    ------
    UsageError
        For a column that no writer knows: a column without a meaning is not written.
    """
    described = _FIXED.get(name) or _describe_au(name) or _describe_geometry(name)
    if described is None:
        raise UsageError(f"the column '{name}' has no description; add one in io/columns.py")
    return described


def _describe_au(name: str) -> ColumnMeaning | None:
    au, _, kind = name.partition("_")
    label = AU_NAMES.get(au)
    if label is None:
        return None
    if kind == "r":
        return ColumnMeaning(f"intensity of action unit {au[2:]} ({label}), final value", "-", "0 to 5")
    if kind == "c":
        return ColumnMeaning(f"presence of action unit {au[2:]} ({label}), {_JUDGED_APART}", "-", "0 or 1")
    if kind in _SIDE_KINDS:
        side, _, raw = kind.partition("_")
        value = "before correction, smoothing and clipping" if raw else "final value"
        return ColumnMeaning(
            f"intensity of action unit {au[2:]} ({label}) on the subject's {side}, seen in the unmirrored face, {value}; "
            "empty where the bank does not tell the sides apart",
            "-",
            "any" if raw else "0 to 5",
        )
    if kind == "raw":
        return ColumnMeaning(f"intensity of action unit {au[2:]} ({label}) before correction, smoothing and clipping", "-", "any")
    return _describe_online(au, label, kind)


def _describe_online(au: str, label: str, kind: str) -> ColumnMeaning | None:
    if kind not in _ONLINE_KINDS:
        return None
    return ColumnMeaning(
        f"intensity of action unit {au[2:]} ({label}){_ONLINE_KINDS[kind]}; PROVISIONAL: as it came, minus its own 10 % quantile of the "
        "frames until then, and clipped",
        "-",
        "0 to 5",
    )


def _describe_geometry(name: str) -> ColumnMeaning | None:
    return _describe_point(name) or _describe_pose(name)


def _describe_point(name: str) -> ColumnMeaning | None:
    if found := re.fullmatch(r"([xy])_([0-9]+)", name):
        return ColumnMeaning(f"landmark {found[2]} (iBUG 68): position {_AXES[found[1]]}", "px", "within the picture, or a little outside")
    if found := re.fullmatch(r"([XYZ])_([0-9]+)", name):
        return ColumnMeaning(f"landmark {found[2]} (iBUG 68) in the camera's frame: position {_AXES[found[1].lower()]}", "mm", "any")
    return None


def _describe_pose(name: str) -> ColumnMeaning | None:
    if found := re.fullmatch(r"pose_([TR])([xyz])", name):
        axis = found[2]
        if found[1] == "T":
            return ColumnMeaning(f"position of the head along {axis}, {_AXES[axis]}", "mm", "any")
        return ColumnMeaning(f"rotation of the head about {axis} ({_AXES[axis]})", "rad", "-pi to pi")
    if found := re.fullmatch(r"p_([rt])([xyz])", name):
        what, unit, values = _RIGID[found[1]]
        return ColumnMeaning(f"fitted face model: {what} {found[2]} ({_AXES[found[2]]})", unit, values)
    if found := re.fullmatch(r"p_([0-9]+)", name):
        return ColumnMeaning(f"fitted face model: local shape parameter {found[1]}", "mm", "any, mostly -30 to 30")
    return None


def write_columns_dictionary(
    path: Path, files: Iterable[FileColumns | str], bank: str = "", *, presence_above: float | None = None, empty: Collection[str] = ()
) -> None:
    """Write the dictionary: column, file, meaning, unit, range.

    A column has one row, which names all files that hold it; more rows where it means something else in one of them (`frame` counts from 0
    in the short formats).

    Parameters
    ----------
    path : Path
    files : iterable of FileColumns or str
        A plain string is a column of which no file is named.
    bank : str
        Name of the action unit models, put behind the meaning of the AU columns.
    presence_above : float, optional
        The intensity above which these models call an action unit present; None: they judge it apart.
    empty : collection of str
        Action units that these models leave empty.

    Raises
    ------
    OutputError
        When the file cannot be written.
    UsageError
        When a column has no description.
    """
    found: dict[tuple[str, ColumnMeaning], list[str]] = {}
    for given in files:
        each = FileColumns("", (given,)) if isinstance(given, str) else given
        for name in each.columns:
            found.setdefault((name, each.meaning(name)), []).append(each.file)
    with atomic_text(path) as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(("column", "file", "meaning", "unit", "range"))
        for (name, described), names in found.items():
            meaning = described.meaning
            if presence_above is not None:
                meaning = meaning.replace(_JUDGED_APART, f"1 where the intensity, before smoothing, is above {presence_above:g}")
            if bank and name.startswith("AU"):
                meaning += f"; {'left empty by the ' if name[:4] in empty else ''}models: {bank}"
            writer.writerow((name, "; ".join(map(name_cell, dict.fromkeys(names))), meaning, described.unit, described.range))
