"""The landmarks of a run, read back as positions of brow, lids and mouth corner on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from face_mirror_au.asymmetry.landmarks import eye_distance, mirrored_positions, side_positions
from face_mirror_au.asymmetry.recording import LandmarkSides
from face_mirror_au.records import N_LANDMARKS, FloatArray, View
from face_mirror_au.results.names import view_table
from face_mirror_au.results.networks import not_for_sides
from face_mirror_au.results.result_table import ResultTable
from face_mirror_au.tables import columns

NOT_IN_TABLES = "the run's tables hold no landmarks: run the recording again in the openface format, with the columns of the landmarks"

_POINTS = columns.points("x", "y")


def read_landmarks(folder: Path, stem: str, n_rows: int, metadata: Mapping[str, Any], *, mirrored: bool) -> LandmarkSides | str:
    """Read the landmarks that serve best, see `asymmetry.landmarks`.

    Returns
    -------
    LandmarkSides or str
        Or why there are none.

    Raises
    ------
    ResultError
    """
    original = _read_points(view_table(folder, stem, View.ORIGINAL), n_rows)
    if original is None:
        return NOT_IN_TABLES
    distance = eye_distance(original)
    if not mirrored:
        models = metadata.get("models")
        why_not = not_for_sides(models if isinstance(models, dict) else {})
        if why_not:
            return why_not
        return LandmarkSides(side_positions(original, distance, left=True), side_positions(original, distance, left=False), mirrored=False)
    halves = [_read_points(view_table(folder, stem, view), n_rows) for view in (View.LEFT_MIRRORED, View.RIGHT_MIRRORED)]
    if halves[0] is None or halves[1] is None:
        return NOT_IN_TABLES
    return LandmarkSides(mirrored_positions(halves[0], distance), mirrored_positions(halves[1], distance), mirrored=True)


def _read_points(path: Path, n_rows: int) -> FloatArray | None:
    """Landmarks (N, 68, 2) px; None where the table, or its columns, are not there."""
    if not path.exists():
        return None
    table = ResultTable(path, ("success",), _POINTS, rows=n_rows)
    if any(name not in table for name in _POINTS):
        return None
    values = table.numbers(_POINTS)
    return np.asarray(values.reshape(n_rows, 2, N_LANDMARKS).transpose(0, 2, 1))
