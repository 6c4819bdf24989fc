"""The result of one run, read from its folder: two sides of a face over time, head pose, and the record of the run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_mirror_au.asymmetry.co_movement import RAW_AUS
from face_mirror_au.asymmetry.movements import Movement
from face_mirror_au.asymmetry.recording import Recording, TwoSides
from face_mirror_au.errors import ResultError
from face_mirror_au.files import display_name
from face_mirror_au.pipeline.signals import EYE_CLOSURE
from face_mirror_au.records import ALL_AUS, INTENSITY_AUS, FloatArray, View
from face_mirror_au.results.earlier import listed_files
from face_mirror_au.results.metadata import in_todays_words
from face_mirror_au.results.names import METADATA, PARQUET, TABLES, view_table
from face_mirror_au.results.result_landmarks import read_landmarks
from face_mirror_au.results.result_table import ResultTable

_LEFT = tuple(f"{au}_left" for au in ALL_AUS)
_RIGHT = tuple(f"{au}_right" for au in ALL_AUS)
_MIRRORED = tuple(f"{au}_r" for au in ALL_AUS)
_N = len(INTENSITY_AUS)  # what every run has; the others are read where they are there
_YAW = "pose_Ry"
_CLOSURES = tuple(column.name for column in EYE_CLOSURE.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult(Recording):
    """What the files of one run say.

    Attributes
    ----------
    folder : Path
    stem : str
        What all names of the run's files begin with.
    metadata : mapping
        Content of `<stem>.metadata.json`.
    """

    folder: Path
    stem: str
    metadata: Mapping[str, Any]

    def propose(self) -> list[Movement]:
        """See `Recording`. Of images without times no movement is proposed: they stand for a second each, and that is made up."""
        return [] if self._is_untimed else Recording.propose(self)

    @property
    def unproposable(self) -> str:
        """See `Recording`."""
        return "the images have no times (--fps gives them)" if self._is_untimed else Recording.unproposable.__get__(self)

    @property
    def _is_untimed(self) -> bool:
        return mapping_in(self.metadata, "input").get("timestamps") == "image index"

    def file(self, ending: str) -> Path:
        """A file of this run, e.g. ``file(".report.html")``."""
        return self.folder / (self.stem + ending)

    @property
    def files(self) -> tuple[str, ...]:
        """Endings of the files that the run says it wrote."""
        return listed_files(self.metadata)


def find_result(folder: Path) -> tuple[Path, str]:
    """Find the one result that `folder`, or the folders in it, hold; or that a table belongs to.

    Returns
    -------
    Path
        The folder of the run's files.
    str
        Their stem.

    Raises
    ------
    ResultError
        When there is none, or more than one.
    """
    if folder.is_file() and (stem := _stem_of(folder)):
        return folder.parent, stem
    if not folder.is_dir():
        what = "is no file of a run; give its folder" if folder.exists() else "does not exist; give the folder that a run wrote"
        raise ResultError(f"'{folder}' {what}")
    try:
        found = sorted(folder.glob(f"*{METADATA}")) or sorted(folder.glob(f"*/*{METADATA}"))
    except OSError as error:
        raise ResultError(f"'{folder}' cannot be read: {error.strerror or type(error).__name__}; check its permissions") from error
    if not found and any(folder.glob("*.live.csv")):
        raise ResultError(f"'{folder}' holds a live session; its values are provisional, and there is no page of them")
    if not found:
        raise ResultError(f"'{folder}' holds no result of a run (no *{METADATA}); make one with: face-mirror-au mirror VIDEO -o '{folder}'")
    if len(found) > 1:
        where = "give the folder of one of them"
        if found[0].parent == folder:
            where = "run each recording with -o DIR, into a folder of its own"
        raise ResultError(f"'{folder}' holds {len(found)} results; {where}")
    return found[0].parent, found[0].name.removesuffix(METADATA)


def _stem_of(table: Path) -> str:
    """The stem of the run that a table belongs to; empty where there is none."""
    stems = [path.name.removesuffix(METADATA) for path in table.parent.glob(f"*{METADATA}")]
    return max(
        (stem for stem in stems if table.name in {f"{stem}{ending}" for ending in (".csv", METADATA, *TABLES, *PARQUET)}),
        key=len,
        default="",
    )


def read_result(folder: Path, stem: str) -> RunResult:
    """Read the files of one run.

    Raises
    ------
    ResultError
        When a file is missing or damaged, belongs to another run, or the run compared no sides: one line that says what to do.
    """
    metadata = _read_metadata(folder / (stem + METADATA))
    time_s, measured = _read_times(folder / f"{stem}.raw.csv")
    n_rows = len(time_s)
    found = {"mirrored": _read_mirrored(folder, stem, n_rows), "unmirrored": _read_sides(folder / f"{stem}.sides.csv", n_rows)}
    sides = {key: each for key, each in found.items() if each is not None}
    if not sides:
        raise ResultError(
            f"'{display_name(folder)}' holds no sides to compare; "
            "run the recording with 'face-mirror-au mirror', or 'run --views original,left,right'"
        )
    yaw_deg, closures = _read_original(view_table(folder, stem, View.ORIGINAL), n_rows, metadata)
    return RunResult(
        folder=folder,
        stem=stem,
        metadata=metadata,
        time_s=time_s,
        sides=sides,
        measured=measured,
        yaw_deg=yaw_deg,
        closures=closures,
        landmarks=read_landmarks(folder, stem, n_rows, metadata, mirrored="mirrored" in sides, yaw_deg=yaw_deg),
        baseline=str(metadata.get("baseline", "")),
        rest=rest_stretches(metadata),
        side_errors=side_errors(metadata),
    )


def _read_metadata(path: Path) -> Mapping[str, Any]:
    name = display_name(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ResultError(f"'{name}' is not there: the run did not come to its end; run the recording again") from error
    except OSError as error:
        raise ResultError(f"'{name}' cannot be read: {error.strerror or type(error).__name__}; check its permissions") from error
    except (ValueError, RecursionError) as error:
        raise ResultError(f"'{name}' is damaged; run the recording again") from error
    if not isinstance(content, dict) or "face-mirror-au" not in mapping_in(content, "versions"):
        raise ResultError(f"'{name}' was not written by face-mirror-au; give the folder that a run wrote")
    return in_todays_words(content)


def _read_times(path: Path) -> tuple[FloatArray, dict[str, int]]:
    """Time of each frame, and how many frames of each view were measured."""
    table = ResultTable(path, ("frame", "timestamp", "view", "success"))
    times: dict[str, str] = {}
    measured: dict[str, int] = {}
    for frame, time, view, success in zip(
        table.words("frame"), table.words("timestamp"), table.words("view"), table.success(), strict=True
    ):
        times.setdefault(frame, time)
        measured[view] = measured.get(view, 0) + int(success)
    try:
        time_s = np.array([float(time) for time in times.values()])
    except ValueError as error:
        raise ResultError(f"'{table.name}': a cell of timestamp is no number; run the recording again") from error
    if not len(time_s) or not np.isfinite(time_s).all() or (np.diff(time_s) < 0).any():
        raise ResultError(f"'{table.name}' has no rows, or times that do not grow; run the recording again")
    return time_s, measured


def _read_mirrored(folder: Path, stem: str, n_rows: int) -> TwoSides | None:
    paths = [view_table(folder, stem, view) for view in (View.LEFT_MIRRORED, View.RIGHT_MIRRORED)]
    if not any(path.exists() for path in paths):
        return None
    left, right = (ResultTable(path, ("success", *_MIRRORED[:_N]), _MIRRORED[_N:], rows=n_rows) for path in paths)
    raw = _read_raw(folder / f"{stem}.raw.csv", n_rows)
    return TwoSides(left.intensities(_MIRRORED), right.intensities(_MIRRORED), left.success(), right.success(), raw)


def _read_raw(path: Path, n_rows: int) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Raw intensities of `RAW_AUS` in the two mirrored views."""
    names = [f"{au}_raw" for au in RAW_AUS]
    table = ResultTable(path, ("view", "success", *names))
    values, views = table.numbers(names), np.array(table.words("view"))
    left, right = (values[views == view.value] for view in (View.LEFT_MIRRORED, View.RIGHT_MIRRORED))
    if len(left) != n_rows or len(right) != n_rows:
        raise ResultError(f"'{table.name}' has not a row of each view for each of {n_rows} frames; run the recording again")
    return {au: (left[:, column], right[:, column]) for column, au in enumerate(RAW_AUS)}


def _read_sides(path: Path, n_rows: int) -> TwoSides | None:
    if not path.exists():
        return None
    left_raw, right_raw = ([f"{au}_{side}_raw" for au in RAW_AUS] for side in ("left", "right"))
    table = ResultTable(path, ("success", *_LEFT[:_N], *_RIGHT[:_N], *left_raw, *right_raw), (*_LEFT[_N:], *_RIGHT[_N:]), rows=n_rows)
    left, right = table.numbers(left_raw), table.numbers(right_raw)
    raw = {au: (left[:, column], right[:, column]) for column, au in enumerate(RAW_AUS)}
    return TwoSides(table.intensities(_LEFT), table.intensities(_RIGHT), table.success(), table.success(), raw)


def _read_original(path: Path, n_rows: int, metadata: Mapping[str, Any]) -> tuple[FloatArray | None, FloatArray | None]:
    """Yaw in degrees, and closures of the eyes; each None where the run's format, columns or landmarks leave it out."""
    if not path.exists() and mapping_in(metadata, "settings").get("format") == "face-mirror":
        return None, None
    table = ResultTable(path, ("success",), (_YAW, *_CLOSURES), rows=n_rows)
    yaw_deg = np.degrees(table.numbers((_YAW,))[:, 0]) if _YAW in table else None
    return yaw_deg, table.numbers(_CLOSURES) if all(name in table for name in _CLOSURES) else None


def mapping_in(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object in the metadata; empty where there is none, or something else."""
    value = content.get(key)
    return value if isinstance(value, dict) else {}


def rest_stretches(metadata: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    """The stretches at rest that a run found, s; none where its metadata tell of none, or are not as a run writes them."""
    found = mapping_in(metadata, "rest").get("stretches")
    try:
        return tuple((float(start), float(end)) for start, end in found) if isinstance(found, list) else ()
    except (TypeError, ValueError):
        return ()


def side_errors(metadata: Mapping[str, Any]) -> dict[str, float]:
    """How far alike sides seem to differ, by action unit; none where the metadata tell nothing of it, or not as a run writes it."""
    told = mapping_in(mapping_in(metadata, "models"), "side_errors")
    return {str(au): float(error) for au, error in told.items() if isinstance(error, int | float) and error > 0}
