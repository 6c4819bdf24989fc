"""`face-mirror-au report`: the page of a recording that was measured before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from face_mirror_au.cli.terminal import one_line_errors, say


@one_line_errors
def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of a run's files, or one that holds the folder of exactly one run.")
    ],
    no_faces: Annotated[bool, typer.Option("--no-faces", help="No pictures of the face on the page.")] = False,
    movements: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Another table of movements (start_s,end_s,action) than <stem>.movements.csv.")
    ] = None,
) -> None:
    """Write <stem>.report.html beside a run's tables: left against right, on one page that opens and prints without a network.

    Its numbers are in <stem>.asymmetry.csv, too.

    The run must have measured both sides: `mirror`, or `run --views original,left,right`. Pictures come from the mirrored videos, where
    the run wrote them. An earlier page of the same name is replaced.
    """
    from face_mirror_au.report.write import write_report
    from face_mirror_au.results.result import find_result

    path = write_report(*find_result(folder), faces=not no_faces, movements=movements)
    say(str(path))
