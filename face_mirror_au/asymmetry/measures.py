"""The asymmetry of a recording: the list of its measures, each a function that gives rows of `<stem>.asymmetry.csv`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.asymmetry.answers import UNMIRRORED, Answer, Answers, answer_recording
from face_mirror_au.asymmetry.blinks import Blink, find_blinks
from face_mirror_au.asymmetry.comparison import Comparison, SideMeasures, TwoValues, sides_of
from face_mirror_au.asymmetry.in_movement import EYE_DISTANCES, INTENSITY, MILLIMETRES, SHARE, MeasuredMovement, MovementMeter
from face_mirror_au.asymmetry.landmarks import LANDMARK_MEASURES
from face_mirror_au.asymmetry.movements import Movement
from face_mirror_au.asymmetry.recording import Recording
from face_mirror_au.asymmetry.rest import rows_at_rest
from face_mirror_au.asymmetry.rows import AsymmetryRow
from face_mirror_au.asymmetry.whole import Lengths, WholeSides, measure_lengths, measure_sides
from face_mirror_au.asymmetry.zones import OTHER_AUS, ZONES

NO_ZONE = "none"
WHOLE_ZONE = "zone"
BEST = "best"


@dataclass(frozen=True, slots=True)
class Asymmetry:
    """One recording, measured.

    Attributes
    ----------
    recording : Recording
    sides : tuple of WholeSides
        For each pair of sides of the recording, the mirrored one first.
    lengths : Lengths or str
        Or why there are none.
    at_rest : str
        Which frames show the face at rest, in words.
    rest_row : int or None
        Row of a frame at rest, the one in the middle; None where none was measured on both sides.
    movements : tuple of MeasuredMovement
        In order of time, measured in the first pair of sides.
    answers : Answers
        Of the whole recording.
    blinks : tuple of Blink
    """

    recording: Recording
    sides: tuple[WholeSides, ...]
    lengths: Lengths | str
    at_rest: str
    rest_row: int | None
    movements: tuple[MeasuredMovement, ...]
    answers: Answers
    blinks: tuple[Blink, ...] = ()

    def rows(self) -> Iterator[AsymmetryRow]:
        """All numbers, in the order of the table: what `MEASURES` give, then for each movement what `MOVEMENT_MEASURES` give."""
        for measure in MEASURES:
            yield from measure(self)
        for part in self.movements:
            for of_movement in MOVEMENT_MEASURES:
                yield from of_movement(self, part)


def measure_asymmetry(recording: Recording, movements: Iterable[Movement]) -> Asymmetry:
    """Measure a recording and its movements, which are in order of time."""
    given = list(movements)
    at_rest, words = rows_at_rest(recording.time_s, given, recording.baseline, recording.rest)
    lengths = measure_lengths(recording.time_s, recording.landmarks, at_rest)
    _, sides = recording.main_sides
    known = lengths if isinstance(lengths, Lengths) else None
    meter = MovementMeter(recording, sides, known, at_rest)
    return Asymmetry(
        recording,
        tuple(measure_sides(key, recording.time_s, each) for key, each in recording.sides.items()),
        lengths,
        words,
        _middle(at_rest & sides.left_success & sides.right_success),
        tuple(meter.measure(number, movement) for number, movement in enumerate(given, start=1)),
        answer_recording(recording, known),
        find_blinks(recording.time_s, recording.closures),
    )


def _middle(rows: NDArray[np.bool_]) -> int | None:
    found = np.flatnonzero(rows)
    return int(found[len(found) // 2]) if len(found) else None


def whole_recording(found: Asymmetry) -> Iterator[AsymmetryRow]:
    """Peak, its time, and area per second of each zone and action unit, over all frames."""
    for sides in found.sides:
        place = _Place(sides.key)
        for zone in ZONES:
            yield from place.comparison(zone.key, WHOLE_ZONE, sides_of(sides.zones[zone.key]), INTENSITY)
            for au in zone.aus:
                yield from place.comparison(zone.key, au, sides.units[au], INTENSITY)
        for au in OTHER_AUS:
            yield from place.comparison(NO_ZONE, au, sides.units[au], INTENSITY)


def answers(found: Asymmetry) -> Iterator[AsymmetryRow]:
    """Which side of each zone, action unit and length moves less, over all frames."""
    place, zone_of = _Place(BEST), {au: zone.key for zone in ZONES for au in zone.aus}
    for key, answer in found.answers.zones.items():
        yield place.answer(key, WHOLE_ZONE, answer)
    for au, answer in found.answers.units.items():
        yield place.answer(zone_of.get(au, NO_ZONE), au, answer)
    for measure in LANDMARK_MEASURES:
        if measure.key in found.answers.lengths:
            yield place.answer(measure.zone, measure.key, found.answers.lengths[measure.key])


def lengths_at_rest(found: Asymmetry) -> Iterator[AsymmetryRow]:
    """Lengths of the face at rest."""
    if isinstance(found.lengths, Lengths):
        for rest in found.lengths.rest:
            yield _Place(found.lengths.key).values(rest.zone, rest.key, "at_rest", rest.values, EYE_DISTANCES)
        for rest in found.lengths.rest:
            yield _Place(BEST).values(rest.zone, rest.key, "at_rest", found.lengths.in_mm(rest.values), MILLIMETRES)


def blinks(found: Asymmetry) -> Iterator[AsymmetryRow]:
    """By which share of its opening at rest each eye closed in each blink."""
    for blink in found.blinks:
        row = _Place(UNMIRRORED).row(("eye", "blink"), "closure", (blink.left, blink.right), SHARE)
        yield replace(row, start_s=blink.start_s, end_s=blink.end_s)


def lengths_from_rest(found: Asymmetry) -> Iterator[AsymmetryRow]:
    """Peak, its time, and area per second of each landmark measure, over all frames."""
    if isinstance(found.lengths, Lengths):
        for measure in LANDMARK_MEASURES:
            yield from _Place(found.lengths.key).comparison(measure.zone, measure.key, found.lengths.sides[measure.key], EYE_DISTANCES)


def own_zone(found: Asymmetry, part: MeasuredMovement) -> Iterator[AsymmetryRow]:
    """Peak, its time, and area per second of the zone that moves, its action units and its landmark measures."""
    if part.zone is not None:
        yield from _place(found, INTENSITY, part).comparison(part.zone.key, WHOLE_ZONE, sides_of(part.whole), INTENSITY)
        for signal in part.signals:
            yield from _place(found, signal.unit, part).comparison(part.zone.key, signal.key, signal.sides, signal.unit)


def own_answers(found: Asymmetry, part: MeasuredMovement) -> Iterator[AsymmetryRow]:  # noqa: ARG001  (of MOVEMENT_MEASURES)
    """Which side moves less in the movement: by its own action units, and by each of the zone."""
    if part.zone is not None and part.answers is not None:
        place = _Place(BEST, part)
        if part.answer is not None:
            yield place.answer(part.zone.key, WHOLE_ZONE, part.answer)
        for signal in part.signals:
            answer = part.answers.units.get(signal.key) or part.answers.lengths.get(signal.key)
            if answer is not None:
                yield place.answer(part.zone.key, signal.key, answer)


def moved_along(found: Asymmetry, part: MeasuredMovement) -> Iterator[AsymmetryRow]:
    """How far other zones moved along."""
    for along in part.along:
        if along.found is not None:
            place = _place(found, along.unit, part)
            yield place.values(along.pair.other, along.key, along.pair.key, along.found, along.unit)


# A new measure is one more function, and one more entry here.
MEASURES = (whole_recording, answers, lengths_at_rest, lengths_from_rest, blinks)
MOVEMENT_MEASURES = (own_zone, own_answers, moved_along)


@dataclass(frozen=True, slots=True)
class _Place:
    """What rows have in common."""

    sides: str
    part: MeasuredMovement | None = None

    def row(
        self,
        signal: tuple[str, str],
        measure: str,
        pair: tuple[float | None, float | None],
        unit: str,
        symmetry: tuple[float | None, float | None] = (None, None),
    ) -> AsymmetryRow:
        """One row; `signal` is zone and signal, `pair` left and right, `symmetry` difference and ratio."""
        if self.part is None:
            return AsymmetryRow(self.sides, 0, None, None, "", False, *signal, measure, *pair, *symmetry, unit)
        moved = self.part.movement
        stretch = (self.part.number, moved.start_s, moved.end_s, moved.code, moved.proposed)
        return AsymmetryRow(self.sides, *stretch, *signal, measure, *pair, *symmetry, unit)

    def values(self, zone: str, signal: str, measure: str, found: TwoValues, unit: str) -> AsymmetryRow:
        """Two values with their difference and ratio."""
        return self.row((zone, signal), measure, (found.left, found.right), unit, (found.difference, found.ratio))

    def answer(self, zone: str, signal: str, found: Answer) -> AsymmetryRow:
        """The two peaks that an answer rests on, with it."""
        pair, symmetry = (found.sides.left.peak, found.sides.right.peak), (found.sides.difference, found.sides.ratio)
        unit = MILLIMETRES if found.in_mm else INTENSITY
        row = self.row((zone, signal), "peak", pair, unit, symmetry)
        return replace(row, weaker=found.weaker, error=found.error, why=found.why)

    def comparison(self, zone: str, signal: str, sides: Comparison | None, unit: str) -> Iterator[AsymmetryRow]:
        """Peaks, their times and the areas; nothing where nothing was measured."""
        if sides is not None:
            left, right, name = sides.left, sides.right, (zone, signal)
            yield self.row(name, "peak", (left.peak, right.peak), unit, (sides.difference, sides.ratio))
            yield self.row(name, "peak_time", (_time(left), _time(right)), "s")
            yield self.row(name, "area_per_second", (left.area, right.area), unit)


def _place(found: Asymmetry, unit: str, part: MeasuredMovement) -> _Place:
    """A movement's rows, in the sides in which signals of that unit were measured."""
    if unit == EYE_DISTANCES and isinstance(found.lengths, Lengths):
        return _Place(found.lengths.key, part)
    return _Place(found.sides[0].key, part)


def _time(side: SideMeasures) -> float | None:
    """As on the page: where nothing moved, every frame is the peak."""
    return side.time_s if side.peak else None
