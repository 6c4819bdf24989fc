"""From a run's folder to its report page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from face_mirror_au.files import atomic_text
from face_mirror_au.report.asymmetry_rows import asymmetry_rows
from face_mirror_au.report.measured import measure_recording
from face_mirror_au.report.page import make_sections, render
from face_mirror_au.report.pictures import peak_pictures, zone_moments
from face_mirror_au.report.result import read_result
from face_mirror_au.tables import asymmetry_csv
from face_mirror_au.tables.asymmetry_csv import write_asymmetry_csv

ENDING = ".report.html"


def write_report(
    folder: Path,
    stem: str,
    *,
    faces: bool = True,
    pictures: Mapping[str, bytes] | None = None,
    movements: Path | None = None,
    recording: Path | None = None,
) -> Path:
    """Write `<stem>.report.html` and `<stem>.asymmetry.csv` into the folder of a run; return where the page is.

    Parameters
    ----------
    folder : Path
        Where the run's files lie.
    stem : str
        What their names begin with.
    faces : bool
        Whether pictures of the face may be on the page.
    pictures : mapping of str to bytes, optional
        Caption to PNG or JPEG. When not given: the frames of the largest movements, from the run's mirrored videos where it has them.
    movements : Path, optional
        A table of movements. When not given: `<stem>.movements.csv` where it is there; else movements are proposed.
    recording : Path, optional
        The run's input, for its pictures beside the mirrored ones.

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
    result = read_result(folder, stem)
    sections = make_sections(result)
    measured = measure_recording(result, movements)
    shown: Mapping[str, bytes] = {}
    if faces:
        moments = measured.moments or zone_moments(sections[0].measured_zones)
        shown = peak_pictures(result, moments, recording) if pictures is None else pictures
    text = render(result, sections, shown, measured).encode("utf-8", "replace").decode("utf-8")  # metadata may hold lone surrogates
    write_asymmetry_csv(result.file(asymmetry_csv.ENDING), asymmetry_rows(sections, measured))
    path = result.file(ENDING)
    with atomic_text(path) as handle:
        handle.write(text)
    return path
