"""The landmarks of a run, read back as positions of brow, lids and mouth corner on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from face_mirror_au.asymmetry.landmarks import POSITIONS, Millimetres, eye_distance, millimetres, mirrored_positions, side_positions
from face_mirror_au.asymmetry.recording import LandmarkSides
from face_mirror_au.pipeline.signals import LENGTHS
from face_mirror_au.records import N_LANDMARKS, FloatArray, View
from face_mirror_au.results.names import view_table
from face_mirror_au.results.networks import not_for_sides
from face_mirror_au.results.result_table import ResultTable
from face_mirror_au.tables import columns

if TYPE_CHECKING:
    from face_mirror_au.results.result import RunResult

NOT_IN_TABLES = "the run's tables hold no landmarks: run the recording again in the openface format, with the columns of the landmarks"

_POINTS = columns.points("x", "y")
_FACING = tuple(column.name for column in LENGTHS.columns)
_CORNER = [list(POSITIONS).index(name) for name in ("corner_out", "corner_down")]
_OPENING = list(POSITIONS).index("eye_opening")


def read_landmarks(
    folder: Path, stem: str, n_rows: int, metadata: Mapping[str, Any], *, mirrored: bool, yaw_deg: FloatArray | None = None
) -> LandmarkSides | str:
    """Read the landmarks that serve best, see `asymmetry.landmarks`.

    Returns
    -------
    LandmarkSides or str
        Or why there are none.

    Raises
    ------
    ResultError
    """
    table = _table(view_table(folder, stem, View.ORIGINAL), n_rows, (*_POINTS, *_FACING))
    original, facing = _points(table, n_rows), _facing(table)
    scale = Millimetres() if facing is None else millimetres(facing.iris, facing.openings, yaw_deg)
    if original is None:
        return NOT_IN_TABLES
    models = metadata.get("models")
    why_not = not_for_sides(models if isinstance(models, dict) else {})
    if mirrored:
        paths = [view_table(folder, stem, view) for view in (View.LEFT_MIRRORED, View.RIGHT_MIRRORED)]
        halves = [points for path in paths if (points := _points(_table(path, n_rows, _POINTS), n_rows)) is not None]
        if len(halves) < len(paths):
            return NOT_IN_TABLES
        distance = eye_distance(original)
        left, right = (mirrored_positions(half, distance) for half in halves)
        if facing is not None:
            for side, turned in ((left, facing.left), (right, facing.right)):
                side[:, _CORNER] = (side[:, _CORNER] + turned[:, _CORNER]) / 2
        return LandmarkSides(left, right, mirrored=True, scale=scale, errors_known=not why_not)
    if facing is not None:
        return LandmarkSides(facing.left, facing.right, mirrored=False, scale=scale)
    if why_not:
        return why_not
    distance = eye_distance(original)
    return LandmarkSides(side_positions(original, distance, left=True), side_positions(original, distance, left=False), mirrored=False)


def read_points(result: RunResult) -> FloatArray | None:
    """Landmarks of the original picture, (N, 68, 2) float64 px, NaN without a face; None where the run's tables have none."""
    n_rows = len(result.time_s)
    return _points(_table(view_table(result.folder, result.stem, View.ORIGINAL), n_rows, _POINTS), n_rows)


@dataclass(frozen=True, slots=True)
class _Facing:
    """Of the mesh turned to look straight ahead: positions (N, 4) of both sides, and irises (N, 2), eye distances."""

    left: FloatArray
    right: FloatArray
    iris: FloatArray

    @property
    def openings(self) -> FloatArray:
        return np.stack([self.left[:, _OPENING], self.right[:, _OPENING]], axis=1)


def _table(path: Path, n_rows: int, names: tuple[str, ...]) -> ResultTable | None:
    return ResultTable(path, ("success",), names, rows=n_rows) if path.exists() else None


def _points(table: ResultTable | None, n_rows: int) -> FloatArray | None:
    """Landmarks (N, 68, 2) px; None where the table, or its columns, are not there."""
    if table is None or any(name not in table for name in _POINTS):
        return None
    return np.asarray(table.numbers(_POINTS).reshape(n_rows, 2, N_LANDMARKS).transpose(0, 2, 1))


def _facing(table: ResultTable | None) -> _Facing | None:
    if table is None or any(name not in table for name in _FACING):
        return None
    values, n = table.numbers(_FACING), len(POSITIONS)
    return _Facing(values[:, :n], values[:, n : 2 * n], values[:, 2 * n :])
