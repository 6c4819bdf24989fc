"""`face-mirror-au compare`: visits of one person side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from face_mirror_au.cli.options import DEFAULT_FOLDER
from face_mirror_au.cli.terminal import one_line_errors, print_error, say

_FOLDER = DEFAULT_FOLDER / "compare"


@one_line_errors
def compare(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULT...", help="The folders of the runs of two visits or more, or their tables.")
    ],
    output_dir: Annotated[
        Path,
        typer.Option("-o", "--output-dir", metavar="DIR", help="compare.html and its tables go there.", show_default=f"{_FOLDER}/"),
    ] = _FOLDER,
    dates: Annotated[
        list[str] | None,
        typer.Option("--date", metavar="DATE", help="Of the visits, 2026-04-17: once for each result, in their order."),
    ] = None,
    no_faces: Annotated[bool, typer.Option("--no-faces", help="No pictures of the face on the page.")] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Compare although the model sets or AU models differ; the page warns at its top.")
    ] = False,
) -> None:
    """Compare visits of one person: which side is weaker at each, by how much, and what changed beyond the error; a page and two tables.

    Visits are put in order of date: of --date, else of the results' names (P07_2026-04-17); where one is not known, in the order given.
    What all have is compared: mirrored halves (`mirror`, or `run --views original,left,right`), and the sides of the unmirrored face
    (profile open). Movements are compared that the tables of movements name at two visits or more. Runs with different model sets or AU
    models are refused: their numbers are different quantities. An earlier comparison in the same folder is replaced.
    """
    from face_mirror_au.report.compare import write_comparison

    made = write_comparison(results, output_dir, dates=dates or None, anyway=anyway, faces=not no_faces)
    for warning in made.warnings:
        print_error(warning, "warning", "yellow")
    for path in (made.page, made.table, made.answers):
        say(str(path))
