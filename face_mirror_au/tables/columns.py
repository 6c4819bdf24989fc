"""The columns that tables share, each with its meaning, unit and range. Those of signals stand in `pipeline.signals`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from face_mirror_au.errors import UsageError
from face_mirror_au.pipeline.signal import TableColumn
from face_mirror_au.pipeline.signals import SIGNALS
from face_mirror_au.records import INTENSITY_AUS, MORE_AUS, N_LANDMARKS, PRESENCE_AUS

# Of the OpenFace-style table, in their order: what `--columns` may name.
GROUPS: tuple[str, ...] = (*dict.fromkeys(signal.group for signal in SIGNALS), "aus")

# Names that readers of tables look up.
INTENSITY = tuple(f"{au}_r" for au in INTENSITY_AUS)
PRESENCE = tuple(f"{au}_c" for au in PRESENCE_AUS)
RAW = tuple(f"{au}_raw" for au in INTENSITY_AUS)
MORE = f"{MORE_AUS[0]}_"  # how a column begins that only some AU models have


def points(*axes: str) -> tuple[str, ...]:
    """Return the 68 names of each axis, e.g. ``x_0 .. x_67, y_0 .. y_67``."""
    return tuple(f"{axis}_{i}" for axis in axes for i in range(N_LANDMARKS))


def check_groups(groups: Collection[str]) -> None:
    """Raise UsageError for a column group that does not exist."""
    unknown = set(groups) - set(GROUPS)
    if unknown:
        raise UsageError(f"there is no column group '{min(unknown)}'; there are {', '.join(GROUPS)}")


FRAME = TableColumn("frame", "number of the decoded frame, counted from 1", range="1 upwards", kind="whole")
FACE_ID = TableColumn(
    "face_id",
    "which face: one person is followed through a recording; of an image with profile openface, every face has a row",
    range="0 upwards",
    kind="whole",
)
CONFIDENCE = TableColumn(
    "confidence",
    "probability that the landmarks are right, from the fit error of the face model and the detector's score; 0 without a face; "
    "with profile openface the certainty of OpenFace's validator",
    range="0 to 1",
    decimals=2,
)
_MEASURED = "whether the frame was measured; cells without a measurement are empty"
SUCCESS = TableColumn("success", _MEASURED, range="0 or 1", kind="flag")
VIEW = TableColumn("view", "original, left_mirrored (the subject's left half twice) or right_mirrored", range="three words", kind="text")
REASON = TableColumn("reason", "why the frame was not measured; empty where it was", range="text", kind="text")
# In the short formats, as the programs that read them expect.
FRAME_FROM_0 = TableColumn("frame", "number of the decoded frame, counted from 0", range="0 upwards", kind="whole")
SUCCESS_IN_WORDS = TableColumn("success", _MEASURED, range="False or True", kind="flag")


def timestamp(decimals: int) -> TableColumn:
    """The column of the time."""
    return TableColumn("timestamp", "time of the frame from the container, counted from the first frame", "s", "0 upwards", decimals)


# The facial action coding system's names for what OpenFace measures.
AU_NAMES = {
    "AU01": "inner brow raiser", "AU02": "outer brow raiser", "AU04": "brow lowerer", "AU05": "upper lid raiser", "AU06": "cheek raiser",
    "AU07": "lid tightener", "AU09": "nose wrinkler", "AU10": "upper lip raiser", "AU12": "lip corner puller", "AU14": "dimpler",
    "AU15": "lip corner depressor", "AU17": "chin raiser", "AU20": "lip stretcher", "AU23": "lip tightener", "AU25": "lips part",
    "AU26": "jaw drop", "AU28": "lip suck", "AU45": "blink", "AU16": "lower lip depressor", "AU18": "lip pucker", "AU22": "lip funneler",
    "AU34": "cheek puff",
}  # fmt: skip

JUDGED_APART = "judged apart from the intensity"
_RAW = "before correction, smoothing and clipping"
_ONLINE = "; PROVISIONAL: as it came, minus its own 10 % quantile of the frames until then, and clipped"
_ON_SIDE = " on the subject's {side}, seen in the unmirrored face"
_OF_SIDE = "intensity of {unit}" + _ON_SIDE + ", {value}; empty where the bank does not tell the sides apart"
# Behind the action unit in a column's name: meaning and range.
_KINDS = {
    "r": ("intensity of {unit}, final value", "0 to 5"),
    "r_static": ("intensity of {unit} by static models, which compare with no neutral face; final value", "0 to 5"),
    "c": (f"presence of {{unit}}, {JUDGED_APART}", "0 or 1"),
    "raw": (f"intensity of {{unit}} {_RAW}", "any"),
    "online": (f"intensity of {{unit}}{_ONLINE}", "0 to 5"),
    **{side: (_OF_SIDE.replace("{side}", side).replace("{value}", "final value"), "0 to 5") for side in ("left", "right")},
    **{f"{side}_raw": (_OF_SIDE.replace("{side}", side).replace("{value}", _RAW), "any") for side in ("left", "right")},
    **{f"{side}_online": (f"intensity of {{unit}}{_ON_SIDE.replace('{side}', side)}{_ONLINE}", "0 to 5") for side in ("left", "right")},
}


def units(*kinds: str, decimals: int | None, aus: Sequence[str] = INTENSITY_AUS) -> tuple[TableColumn, ...]:
    """The columns of action units, e.g. ``units("left", "right", decimals=4)``: AU01_left, AU01_right, AU02_left, ..."""
    return tuple(
        TableColumn(f"{au}_{kind}", _KINDS[kind][0].format(unit=f"action unit {au[2:]} ({AU_NAMES[au]})"), "-", _KINDS[kind][1], decimals)
        for au in aus
        for kind in kinds
    )
