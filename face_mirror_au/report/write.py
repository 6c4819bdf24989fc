"""From a run's folder to its report page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from face_mirror_au.io.files import atomic_text
from face_mirror_au.report.page import make_sections, render
from face_mirror_au.report.pictures import peak_pictures
from face_mirror_au.report.result import read_result

ENDING = ".report.html"


def write_report(folder: Path, stem: str, *, faces: bool = True, pictures: Mapping[str, bytes] | None = None) -> Path:
    """Write `<stem>.report.html` into the folder of a run; return where it is.

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

    Raises
    ------
    ResultError
        When a file of the run is missing, damaged, or of another run.
    UsageError
        For a picture that is neither PNG nor JPEG.
    OutputError
        When the page cannot be written.
    """
    result = read_result(folder, stem)
    sections = make_sections(result)
    shown: Mapping[str, bytes] = {}
    if faces:
        shown = peak_pictures(result, sections[0].measured_zones) if pictures is None else pictures
    text = render(result, sections, shown).encode("utf-8", "replace").decode("utf-8")  # metadata may hold lone surrogates
    path = result.file(ENDING)
    with atomic_text(path) as handle:
        handle.write(text)
    return path
