"""`face-mirror-au recover`: what can be made of a run that was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from face_mirror_au.cli.options import Bank, Weights, open_store
from face_mirror_au.cli.terminal import ExitCode, one_line_errors, print_error, say


@one_line_errors
def recover(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder <stem>.unfinished of a stopped run, or that of a result with descriptors.")
    ],
    weights: Weights = None,
    au_bank: Bank = None,
) -> None:
    """Make final values of a run that was stopped, from the descriptors that `--keep-descriptors` kept; or say what cannot be had.

    The result goes where the run would have put it. Of a whole result with descriptors, the values are made anew. A result that was whole
    when its run was stopped is put in its place.

    Exit codes: 0 the result is whole; 1 nothing could be recovered, and nothing was removed; 2 wrong usage; 3 recovered, from the frames
    that the stopped run had measured.
    """
    from face_mirror_au.recovery import recover as recover_folder
    from face_mirror_au.wording import counted

    made = recover_folder(folder, open_store(weights), au_bank)
    if made.files:
        say(f"{counted(made.frames, 'frame')} recovered: {made.table}")
        say(f"  beside it: {', '.join(path.name for path in made.files[1:])}")
    else:
        say(f"the result was whole, and is in its place now: {made.table}")
    for problem in made.problems:
        print_error(problem, "partial", "yellow")
    for warning in made.warnings:
        print_error(warning, "warning", "yellow")
    if made.page is not None:
        say(f"  left against right: {made.page}")
    if made.problems:
        raise typer.Exit(ExitCode.PARTIAL)
