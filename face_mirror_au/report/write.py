"""From a run's folder to its report page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from face_mirror_au.asymmetry.measures import Asymmetry
from face_mirror_au.files import atomic_text
from face_mirror_au.report.movement_words import title
from face_mirror_au.report.page import render
from face_mirror_au.report.pictures import MAX_MOMENTS, face_pictures, moment_pictures, zone_moments
from face_mirror_au.report.summary import summary_rows
from face_mirror_au.results.asymmetry import asymmetry_of
from face_mirror_au.results.names import ASYMMETRY, REPORT
from face_mirror_au.results.result import read_result
from face_mirror_au.tables.asymmetry_csv import write_asymmetry_csv


def _first_moments(found: Asymmetry) -> dict[str, int]:
    """Rows of the face at rest, and of the largest movement that has an answer."""
    rows = [row for row in summary_rows(found) if row.weaker != "too little"]
    chosen = max(rows, key=lambda row: (row.weaker in ("left", "right"), max(row.left, row.right)), default=None)
    if chosen is None or found.rest_row is None:
        return {}
    return {"At rest": found.rest_row, f"{chosen.name}, largest": chosen.row}


def write_report(
    folder: Path,
    stem: str,
    *,
    faces: bool = True,
    pictures: Mapping[str, bytes] | None = None,
    movements: Path | None = None,
) -> Path:
    """Write `<stem>.report.html` and `<stem>.asymmetry.csv` into the folder of a run; return where the page is.

    Parameters
    ----------
    folder, stem
        Where the run's files lie, and what their names begin with.
    faces : bool
        Whether pictures of the face may be on the page.
    pictures : mapping of str to bytes, optional
        Caption to PNG or JPEG. When not given: the frames of the largest movements, from the run's mirrored videos where it has them.
    movements : Path, optional
        A table of movements. When not given: `<stem>.movements.csv` where it is there; else movements are proposed.

    Raises
    ------
    ResultError
        When a file of the run is missing, damaged, or of another run.
    MovementsError
        When the table of movements is wrong, or does not fit the recording.
    UsageError
        For a picture that is neither PNG nor JPEG.
    OutputError
        When the page cannot be written.
    """
    measured = asymmetry_of(read_result(folder, stem), movements)
    result, found = measured.result, measured.asymmetry
    shown: Mapping[str, bytes] = {}
    first: Mapping[str, bytes] = {}
    if faces:
        moments = {title(part): row for part in found.movements if (row := part.peak_row) is not None}
        moments = dict(list((moments or zone_moments(found.sides[0].zones)).items())[:MAX_MOMENTS])
        at_first = _first_moments(found)
        # All frames at once: each video is decoded once.
        faces_of = face_pictures(result, {*moments.values(), *at_first.values()}) if pictures is None else {}
        shown = moment_pictures(result, moments, faces_of, views=True) if pictures is None else pictures
        first = moment_pictures(result, at_first, faces_of, views=False)
    text = render(measured, shown, first)
    write_asymmetry_csv(result.file(ASYMMETRY), found.rows())
    path = result.file(REPORT)
    with atomic_text(path) as handle:
        handle.write(text)
    return path
