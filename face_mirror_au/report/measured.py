"""Movements and landmarks of one recording, measured from its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from face_mirror_au.asymmetry.measures import measured_on_both
from face_mirror_au.asymmetry.movements import Movement, propose_movements
from face_mirror_au.errors import MovementsError
from face_mirror_au.files import display_name
from face_mirror_au.report.face_landmarks import LandmarkSection, measure_landmarks
from face_mirror_au.report.movements import MovementsSection, measure_movements
from face_mirror_au.report.rest import BASELINE_CODE, rows_at_rest
from face_mirror_au.report.result import RunResult, TwoSides
from face_mirror_au.report.svg import figure_settings
from face_mirror_au.tables.movements_csv import ENDING, read_movements

# A row may end this much after the last frame, s: a person rounds.
MAX_BEYOND_S = 0.5


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured beyond the action units of the whole recording.

    Attributes
    ----------
    landmarks : LandmarkSection
    movements : MovementsSection
    file : str
        Name of the table that the movements come from; empty where they were proposed only now.
    unproposable : str
        As `why_unproposable`.
    """

    landmarks: LandmarkSection
    movements: MovementsSection
    file: str
    unproposable: str

    @property
    def moments(self) -> dict[str, int]:
        """The row of the largest moment of each movement, by its title."""
        return {part.title: row for part in self.movements.parts if (row := part.peak_row) is not None}


def first_sides(result: RunResult) -> tuple[str, TwoSides]:
    """The two sides in which movements are measured: of the mirrored pictures where there are some.

    Raises
    ------
    ValueError
        A result without sides is none; `read_result` gives none such.
    """
    if result.mirrored is not None:
        return "mirrored", result.mirrored
    if result.unmirrored is not None:
        return "unmirrored", result.unmirrored
    raise ValueError("the result has no sides")


def propose(result: RunResult) -> list[Movement]:
    """The movements that the program proposes for a recording."""
    _, sides = first_sides(result)
    return propose_movements(result.time_s, sides.left, sides.right)


def why_unproposable(result: RunResult) -> str:
    """Why nothing can be proposed for a recording, in words: it has no measurement; empty where it has one."""
    _, sides = first_sides(result)
    if measured_on_both(sides.left, sides.right).any():
        return ""
    what = "no action unit" if (sides.left_success & sides.right_success).any() else "nothing"
    return f"{what} was measured on both sides in any frame"


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
    proposed = propose(result)
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


def measure_recording(result: RunResult, given: Path | None = None) -> Measured:
    """Measure movements and landmarks; `given` as for `load_movements`."""
    key, sides = first_sides(result)
    movements, name = load_movements(result, given)
    at_rest, words = rows_at_rest(result.time_s, movements, result.metadata)
    with figure_settings():
        landmarks = measure_landmarks(result.time_s, result.landmarks, at_rest, words)
        return Measured(
            landmarks, measure_movements(key, result.time_s, sides, landmarks, movements, at_rest), name, why_unproposable(result)
        )
