"""The first screen: one row for each movement that was asked for, or each zone, and what the recording is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from face_mirror_au.asymmetry.answers import Answer, Weaker
from face_mirror_au.asymmetry.in_movement import MeasuredMovement
from face_mirror_au.asymmetry.landmarks import LANDMARK_MEASURES
from face_mirror_au.asymmetry.measures import Asymmetry
from face_mirror_au.asymmetry.whole import Lengths
from face_mirror_au.asymmetry.zones import ZONES
from face_mirror_au.report.words import signal_label

MAX_ROWS = 8
# Where the bars end.
_TOP, _TOP_MM = 5.0, 15.0
_ANSWERS = {"alike": "alike", "too little": "too little movement", "unclear": "unclear"}


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One row.

    Attributes
    ----------
    key : str
        Zone's key, or number of the movement.
    name : str
    weaker : str
        See `Answer`.
    answer : str
        In a word or two.
    why : str
        Why it is unclear; else empty.
    signal : str
        What decided.
    left, right, whisker : float
        Share of the bar's length: the two peaks, and the part of each in the 95 % error of their difference.
    figures : str
        The two peaks, their difference and its error.
    length : str
        The zone's length on both sides, mm; empty where none was measured.
    row : int
        Of the frame with the larger peak.
    """

    key: str
    name: str
    weaker: Weaker
    answer: str
    why: str
    signal: str
    left: float
    right: float
    whisker: float
    figures: str
    length: str
    row: int


@dataclass(frozen=True, slots=True)
class ShapeRow:
    """One length of the face at rest on both sides, mm, and whether the sides differ beyond the error."""

    name: str
    left: float
    right: float
    error: float

    @property
    def answer(self) -> str:
        """In words."""
        if abs(self.left - self.right) <= self.error:
            return "no difference beyond the error"
        return f"smaller on the {'left' if self.left < self.right else 'right'}"


def summary_rows(found: Asymmetry) -> list[SummaryRow]:
    """A row for each movement that a person named, else for each zone; none where nothing has an answer."""
    named = [part for part in found.movements if part.movement.code and not part.movement.proposed and part.answer is not None]
    if named:
        return [_of_movement(part) for part in named[:MAX_ROWS]]
    answers = found.answers
    if all(answer.error is None for answer in answers.zones.values()):
        return []
    rows = []
    for zone in ZONES:
        if zone.key in answers.zones:
            lengths = [answers.lengths[each.key] for each in LANDMARK_MEASURES if each.zone == zone.key and each.key in answers.lengths]
            rows.append(_row(zone.key, zone.title, answers.zones[zone.key], lengths))
    return rows


def shape_rows(found: Asymmetry) -> list[ShapeRow]:
    """The lengths of the face at rest."""
    if not isinstance(found.lengths, Lengths):
        return []
    in_mm = [(each, found.lengths.in_mm(each.values)) for each in found.lengths.rest]
    return [ShapeRow(each.name, values.left, values.right, found.lengths.rest_error_mm(each)) for each, values in in_mm]


def _of_movement(part: MeasuredMovement) -> SummaryRow:
    answer, action = part.answer, part.movement.action
    if answer is None or part.answers is None:  # for the type checker: `summary_rows` leaves them out
        raise AssertionError
    lengths = [part.answers.lengths[action.length]] if action.length in part.answers.lengths else []
    return _row(str(part.number), action.word.capitalize(), answer, lengths)


def _row(key: str, name: str, answer: Answer, lengths: Sequence[Answer]) -> SummaryRow:
    sides, top = answer.sides, _TOP_MM if answer.in_mm else _TOP
    shown = [each for each in lengths if each is not answer]
    return SummaryRow(
        key=key,
        name=name,
        weaker=answer.weaker,
        answer=_ANSWERS.get(answer.weaker, f"{answer.weaker} is weaker"),
        why="the difference is within its error" if answer.within_error else answer.why,
        signal=signal_label(answer.au),
        left=min(1.0, sides.left.peak / top),
        right=min(1.0, sides.right.peak / top),
        whisker=0.0 if answer.error is None or sides.too_small else answer.error / top / 2**0.5,
        figures=_figures(answer),
        length="; ".join(f"{signal_label(each.au)}: {_figures(each)}" for each in shown if not each.sides.too_small),
        row=sides.larger.row,
    )


def _figures(answer: Answer) -> str:
    form, unit = ("%.0f", " mm") if answer.in_mm else ("%.1f", "")
    left, right = answer.sides.left.peak, answer.sides.right.peak
    less, more = sorted((left, right))
    error = "" if answer.error is None or answer.sides.too_small else f" (± {form % answer.error})"
    if answer.weaker in ("left", "right"):
        return f"{form % less} of {form % more}{unit}{error}"
    return f"left {form % left}, right {form % right}{unit}{error}"
