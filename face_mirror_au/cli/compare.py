"""`face-mirror-au compare`: two visits of one person side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from face_mirror_au.cli.options import DEFAULT_FOLDER
from face_mirror_au.cli.terminal import one_line_errors, print_error, say

_FOLDER = DEFAULT_FOLDER / "compare"


@one_line_errors
def compare(
    first: Annotated[Path, typer.Argument(metavar="DIR1", help="The folder of the run of visit 1.")],
    second: Annotated[Path, typer.Argument(metavar="DIR2", help="The folder of the run of visit 2.")],
    output_dir: Annotated[
        Path, typer.Option("-o", "--output-dir", metavar="DIR", help="compare.html and compare.csv go there.", show_default=f"{_FOLDER}/")
    ] = _FOLDER,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Compare although the model sets or AU models differ; the page warns at its top.")
    ] = False,
) -> None:
    """Compare two visits: left and right, their difference and ratio at both, and the change, as one page and as a table.

    What both visits have is compared: mirrored halves (`mirror`, or `run --views original,left,right`), and the sides of the unmirrored
    face (profile open). Runs with different model sets or AU models are refused: their numbers are different quantities. An earlier
    comparison in the same folder is replaced.
    """
    from face_mirror_au.report.compare import write_comparison

    made = write_comparison(first, second, output_dir, anyway=anyway)
    for warning in made.warnings:
        print_error(warning, "warning", "yellow")
    say(str(made.page))
    say(str(made.table))
