"""The movements of a run: of the table that a person wrote, or as the program proposes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

from face_mirror_au.asymmetry.movements import Movement
from face_mirror_au.asymmetry.rest import BASELINE_CODE
from face_mirror_au.errors import MovementsError
from face_mirror_au.files import display_name
from face_mirror_au.results.result import RunResult
from face_mirror_au.tables.movements_csv import ENDING, read_movements

# A row may end this much after the last frame, s: a person rounds.
MAX_BEYOND_S = 0.5


def load_movements(result: RunResult, given: Path | None = None) -> tuple[list[Movement], str]:
    """The movements of a recording: of the given table, of the one beside the result, or proposed.

    A row that is exactly what the program proposes counts as proposed: nobody has changed it.

    Returns
    -------
    list of Movement
    str
        Name of the table; empty where there is none.

    Raises
    ------
    MovementsError
        When the table is wrong, a movement holds no frame of the recording or ends far beyond it, or rest lies in a movement.
    """
    proposed = result.propose()
    path = given or result.file(ENDING)
    if given is None and not path.is_file():
        return proposed, ""
    read = read_movements(path)
    _check(result, read, display_name(path))
    known = {(one.start_s, one.end_s, one.code) for one in proposed}
    return [replace(one, proposed=(one.start_s, one.end_s, one.code) in known) for one in read], display_name(path)


def _check(result: RunResult, movements: Sequence[Movement], name: str) -> None:
    for movement in movements:
        if not movement.rows(result.time_s).any():
            raise MovementsError(
                f"'{name}', line {movement.line}: no frame lies between {movement.start_s:g} and {movement.end_s:g} s, and the recording "
                f"goes from {result.time_s[0]:g} to {result.time_s[-1]:g} s; correct the movement, or remove it"
            )
        if movement.end_s > result.time_s[-1] + MAX_BEYOND_S:
            raise MovementsError(
                f"'{name}', line {movement.line}: end_s {movement.end_s:g} is after the end of the recording, {result.time_s[-1]:g} s; "
                "correct it"
            )
    rest = [movement for movement in movements if movement.code == BASELINE_CODE]
    others = [movement for movement in movements if movement.code != BASELINE_CODE]
    for pair in product(rest, others):
        if pair[0].overlaps(pair[1]):
            first, second = sorted(pair, key=lambda one: one.line)
            raise MovementsError(
                f"'{name}': line {first.line} ({_row_words(first)}) and line {second.line} ({_row_words(second)}) overlap; rest and a "
                "movement cannot be at the same time; correct the times"
            )


def _row_words(movement: Movement) -> str:
    return f"{movement.code or 'no action'}, {movement.start_s:g} to {movement.end_s:g} s"
