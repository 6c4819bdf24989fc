"""Which side moves less, at each visit, and whether the difference of the sides changed by more than its error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import hypot, isfinite
from typing import Literal

from face_mirror_au.asymmetry.answers import ALIKE, ALIKE_MM, Answer, Answers
from face_mirror_au.asymmetry.change import at_visits
from face_mirror_au.asymmetry.comparison import ZoneComparison
from face_mirror_au.asymmetry.in_movement import INTENSITY, MILLIMETRES, MeasuredMovement
from face_mirror_au.asymmetry.measures import Asymmetry
from face_mirror_au.asymmetry.zones import ZONES, Zone

Verdict = Literal["smaller", "larger", "changed", "no change", "unclear"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A zone or a movement at one visit.

    Attributes
    ----------
    answer : Answer
        Which side moves less.
    followed : Answer or None
        The same of the one signal that is followed through all visits; None where it was not measured.
    row : int
        Of the frame in which it is largest.
    """

    answer: Answer
    followed: Answer | None
    row: int

    @property
    def apart(self) -> float | None:
        """Left minus right of the signal that is followed; None where that says nothing."""
        return (
            None
            if self.followed is None or _says_nothing(self.followed)
            else self.followed.sides.left.peak - self.followed.sides.right.peak
        )

    @property
    def error(self) -> float | None:
        """What 95 % of faces without a difference stay below; None as for `apart`."""
        return None if self.followed is None or _says_nothing(self.followed) else self.followed.error


@dataclass(frozen=True, slots=True)
class Step:
    """What became of left minus right between two visits.

    Attributes
    ----------
    verdict : str
        "smaller" or "larger": so is the size of the difference; "changed": left minus right did, its size not; "no change": none beyond
        the error; "unclear".
    change, error : float or None
        Left minus right of the later visit minus that of the earlier one, and what 95 % of faces that did not change stay below.
    why : str
        Why it is unclear.
    held_back : bool
        Whether the difference is smaller because the stronger side moved less, and not because the weaker one moved more.
    """

    verdict: Verdict
    change: float | None = None
    error: float | None = None
    why: str = ""
    held_back: bool = False


@dataclass(frozen=True, slots=True)
class Trend:
    """A zone, or a movement that two visits or more have, through all visits.

    Attributes
    ----------
    key : str
        The zone's key, or the movement's code.
    name : str
        As a heading.
    zone : Zone
        The zone that moves.
    wholes : tuple of ZoneComparison or None
        The zone in the first pair of sides, at each visit.
    signal : str
        The action unit or length that is followed: differences of two action units are no change of either.
    visits : tuple of Seen or None
        None where a visit has no answer.
    """

    key: str
    name: str
    zone: Zone
    wholes: tuple[ZoneComparison | None, ...]
    signal: str
    visits: tuple[Seen | None, ...]

    @property
    def known(self) -> bool:
        """Whether the error of what is followed is known at any visit."""
        return any(seen is not None and seen.followed is not None and seen.followed.error is not None for seen in self.visits)

    @property
    def unit(self) -> str:
        """Of what is followed: "intensity" or "mm"."""
        followed = next((seen.followed for seen in self.visits if seen is not None and seen.followed is not None), None)
        return MILLIMETRES if followed is not None and followed.in_mm else INTENSITY

    @property
    def seen(self) -> list[tuple[int, Seen]]:
        """The visits with an answer, from 1."""
        return [(number, seen) for number, seen in enumerate(self.visits, 1) if seen is not None]

    def step(self, first: int, last: int) -> Step:
        """What became of the difference between two visits, numbered from 1."""
        found = [(number, self.visits[number - 1]) for number in (first, last)]
        unclear = [(number, why) for number, seen in found if (why := _why_not(seen))]
        if unclear:
            reasons = list(dict.fromkeys(why for _, why in unclear))
            return Step("unclear", why="; ".join(f"{why} at {at_visits([n for n, each in unclear if each == why])}" for why in reasons))
        before, after = (seen.followed for _, seen in found if seen is not None and seen.followed is not None)
        return _step(before, after)


@dataclass(frozen=True, slots=True)
class TrendRow:
    """One visit of one trend. Its fields are the columns of `compare.answers.csv`.

    Attributes
    ----------
    of : str
        A zone's key, or the code of a movement.
    visit : int
        From 1, in the order of the visits.
    date : str
        Of the visit, "2026-04-17"; empty where nobody knows it.
    result : str
        What the names of the result's files begin with.
    answer : str
        The side that moves less: "left", "right", "alike", "unclear" or "too little"; empty where the visit has none.
    decided_by : str
        The action unit or length that decided.
    why : str
        Why the answer is unclear.
    signal, unit : str
        What is followed through all visits, and its unit: "intensity" or "mm".
    left, right : float or None
        Its two peaks.
    apart, error : float or None
        Left minus right, and what 95 % of faces without a difference stay below; None where left and right say nothing.
    change, change_error : float or None
        `apart` minus that of the first visit, and the same error of it.
    verdict : str
        See `Step`; empty at the first visit.
    """

    of: str
    visit: int
    date: str
    result: str
    answer: str
    decided_by: str
    why: str
    signal: str
    unit: str
    left: float | None
    right: float | None
    apart: float | None
    error: float | None
    change: float | None
    change_error: float | None
    verdict: str


def trends_of(visits: Sequence[Asymmetry]) -> list[Trend]:
    """The trends of recordings of one face, in the order of the visits.

    Each movement that a person named at one visit, and that another one has, too; of several of one name at a visit, the largest. Then
    each zone in which no such movement is, over the whole recordings.
    """
    coded = [_coded(found) for found in visits]
    named = [part.movement.code for found in visits for part in found.movements if not part.movement.proposed]
    codes = [code for code in dict.fromkeys(named) if sum(code in each for each in coded) > 1]
    trends = []
    for code in codes:
        parts = [each.get(code) for each in coded]
        there = next(part for part in parts if part is not None)
        zone = there.zone
        if zone is not None:
            wholes = tuple(None if part is None else part.whole for part in parts)
            answers = [
                None if part is None or part.answer is None or part.answers is None else (part.answer, part.answers) for part in parts
            ]
            trends.append(_trend(code, there.movement.action.word.capitalize(), zone, wholes, answers))
    covered = {trend.zone.key for trend in trends}
    for zone in ZONES:
        if zone.key not in covered:
            of_zone = [None if zone.key not in each.answers.zones else (each.answers.zones[zone.key], each.answers) for each in visits]
            trends.append(_trend(zone.key, zone.title, zone, tuple(each.sides[0].zones[zone.key] for each in visits), of_zone))
    return trends


def trend_rows(trends: Sequence[Trend], names: Sequence[tuple[str, str]]) -> Iterator[TrendRow]:
    """The rows of `compare.answers.csv`; `names` are date and result of each visit."""
    for trend in trends:
        for number, (seen, name) in enumerate(zip(trend.visits, names, strict=True), 1):
            yield _row(trend, number, name, seen)


def _row(trend: Trend, number: int, name: tuple[str, str], seen: Seen | None) -> TrendRow:
    step = None if number == 1 else trend.step(1, number)
    change = (None, None, "") if step is None else (step.change, step.error, step.verdict)
    row = TrendRow(trend.key, number, *name, "", "", "", trend.signal, trend.unit, None, None, None, None, *change)
    if seen is None:
        return row
    told = replace(row, answer=seen.answer.weaker, decided_by=seen.answer.au, why=seen.answer.why, apart=seen.apart, error=seen.error)
    if seen.followed is None:
        return told
    return replace(told, left=seen.followed.sides.left.peak, right=seen.followed.sides.right.peak)


def _coded(found: Asymmetry) -> dict[str, MeasuredMovement]:
    """By code: the movement of that name with an answer, the largest of several."""
    coded: dict[str, MeasuredMovement] = {}
    for part in found.movements:
        code = part.movement.code
        if code and part.answer is not None and (code not in coded or _size(part) > _size(coded[code])):
            coded[code] = part
    return coded


def _size(part: MeasuredMovement) -> float:
    return 0.0 if part.answer is None else part.answer.sides.larger.peak


def _trend(
    key: str, name: str, zone: Zone, wholes: tuple[ZoneComparison | None, ...], found: Sequence[tuple[Answer, Answers] | None]
) -> Trend:
    signal = _followed([each[0] for each in found if each is not None])
    visits = tuple(None if each is None else _seen(*each, signal) for each in found)
    return Trend(key, name, zone, wholes, signal, visits)


def _seen(answer: Answer, answers: Answers, signal: str) -> Seen:
    return Seen(answer, answers.units.get(signal) or answers.lengths.get(signal), answer.sides.larger.row)


def _followed(answers: Sequence[Answer]) -> str:
    """The signal that names a side most clearly at any visit; else the one that is the furthest apart in units of its error."""
    clearest = max(answers, key=lambda each: (each.weaker in ("left", "right"), isfinite(each.apart), each.apart), default=None)
    return "" if clearest is None else clearest.au


def _says_nothing(followed: Answer) -> bool:
    """Whether left minus right is no measure of the sides: too little moved, or something other than its size stands against it."""
    return followed.weaker == "too little" or (followed.weaker == "unclear" and not followed.within_error)


def _why_not(seen: Seen | None) -> str:
    """Why a visit has no difference that another one could be compared with; empty where it has."""
    if seen is None or seen.followed is None:
        return "not measured"
    if seen.followed.weaker == "too little":
        return "too little movement"
    return seen.followed.why if _says_nothing(seen.followed) else ""


def _step(before: Answer, after: Answer) -> Step:
    apart = [each.sides.left.peak - each.sides.right.peak for each in (before, after)]
    # Errors of one person at two visits are not independent: their sum of squares is the most that is claimed for them.
    error = hypot(before.error or 0.0, after.error or 0.0)
    change, size = apart[1] - apart[0], abs(apart[1]) - abs(apart[0])
    if abs(change) <= error:
        return Step("no change", change, error)
    if abs(size) <= error:
        return Step("changed", change, error)
    return Step("smaller" if size < 0 else "larger", change, error, held_back=size < 0 and _held_back(before, after))


def _held_back(before: Answer, after: Answer) -> bool:
    """Sides grow alike also when the stronger one is held back: that must not be read as a gain of the weaker one."""
    weaker, stronger = ("left", "right") if before.sides.left.peak < before.sides.right.peak else ("right", "left")
    gain, loss = (
        sign * (getattr(after.sides, side).peak - getattr(before.sides, side).peak) for side, sign in ((weaker, 1), (stronger, -1))
    )
    return bool(gain < (ALIKE_MM if before.in_mm else ALIKE) and loss > gain)
