"""`face-mirror-au movements`: a proposal of when the person did what, to be corrected in a text editor or a spreadsheet."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from face_mirror_au.cli.terminal import one_line_errors, say
from face_mirror_au.errors import OutputError
from face_mirror_au.wording import counted


@one_line_errors
def movements(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of a run's files, or one that holds the folder of exactly one run.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace a table that somebody has changed.")] = False,
) -> None:
    """Write <stem>.movements.csv beside a run's tables: start_s, end_s and action of each movement, proposed from the action units.

    Correct it, then `face-mirror-au report DIR` measures those movements. Actions: BL baseline, RE raise eyebrows, FR frown, ES and ET
    close eyes softly and tightly, BK blink, WN wrinkle nose, SS and BS soft and big smile, SE and SO say E and O, PL pucker lips, BC blow
    cheeks, LT lower teeth; or in words: rest, brow raise, gentle eye closure, smile, big smile, snarl, pucker; empty: not named.
    """
    from face_mirror_au.files import display_name
    from face_mirror_au.results.result import find_result, read_result
    from face_mirror_au.tables.movements_csv import ENDING, movements_text, write_movements

    result = read_result(*find_result(folder))
    proposed = result.propose()
    path = result.file(ENDING)
    if path.exists() and not force and _content(path) != movements_text(proposed):
        raise OutputError(f"'{display_name(path)}' was changed by somebody; --force replaces it with the proposal")
    write_movements(path, proposed)
    if why := result.unproposable:
        say(f"{why}, so no movement can be proposed")
    else:
        again = f"face-mirror-au report {shlex.quote(str(folder))}"
        say(f"{counted(len(proposed), 'movement')} proposed; correct the table, then run: {again}")
    say(str(path))


def _content(path: Path) -> str | None:
    """The file's text; None where it is none, which is not what we wrote."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
