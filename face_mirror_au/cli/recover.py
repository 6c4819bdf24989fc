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
    """Make a result of a run that was stopped, if it ran with `--keep-descriptors`; if not, say what there is.

    The result has the frames that were measured before the stop, and lies where the run would have put it; mirrored and overlay videos are
    not made. Given the folder of a whole result with descriptors, its tables are made anew.

    Exit codes: 0 the result is whole; 1 nothing could be recovered, and nothing was removed; 2 wrong usage; 3 recovered, up to the stop.
    """
    from face_mirror_au.report.page_writer import write_page
    from face_mirror_au.run.recovery import recover as recover_folder
    from face_mirror_au.wording import counted

    made = recover_folder(folder, open_store(weights), au_bank, write_page=write_page)
    if made.files:
        done = "recovered" if made.of_stopped_run else "measured by the run, the values made anew"
        say(f"{counted(made.frames, 'frame')} {done}: {made.table}")
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
