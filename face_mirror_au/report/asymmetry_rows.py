"""The numbers of the page as rows of `<stem>.asymmetry.csv`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from face_mirror_au.asymmetry.measures import Comparison, SideMeasures
from face_mirror_au.report.face_landmarks import LandmarkSection
from face_mirror_au.report.measured import Measured
from face_mirror_au.report.movements import MovementPart
from face_mirror_au.report.sections import SidesSection
from face_mirror_au.tables.asymmetry_csv import AsymmetryRow

NO_ZONE = "none"
WHOLE_ZONE = "zone"


@dataclass(frozen=True, slots=True)
class _Place:
    """What rows have in common."""

    sides: str
    part: MovementPart | None = None

    def row(
        self,
        zone: str,
        signal: str,
        measure: str,
        pair: tuple[float | None, float | None],
        symmetry: tuple[float | None, float | None],
        unit: str,
    ) -> AsymmetryRow:
        """One row; `pair` is left and right, `symmetry` difference and ratio."""
        moved = None if self.part is None else self.part.movement
        number, proposed, code = (0, False, "") if self.part is None or moved is None else (self.part.number, moved.proposed, moved.code)
        start, end = (None, None) if moved is None else (moved.start_s, moved.end_s)
        return AsymmetryRow(self.sides, number, start, end, code, proposed, zone, signal, measure, *pair, *symmetry, unit)

    def comparison(self, zone: str, signal: str, sides: Comparison | None, unit: str) -> Iterator[AsymmetryRow]:
        """Peaks, their times and the areas; nothing where nothing was measured."""
        if sides is None:
            return
        left, right = sides.left, sides.right
        yield self.row(zone, signal, "peak", (left.peak, right.peak), (sides.difference, sides.ratio), unit)
        yield self.row(zone, signal, "peak_time", (_time(left), _time(right)), (None, None), "s")
        yield self.row(zone, signal, "area_per_second", (left.area, right.area), (None, None), unit)


def asymmetry_rows(sections: Iterable[SidesSection], measured: Measured) -> Iterator[AsymmetryRow]:
    """All numbers that the page shows of two sides, and the action units that it shows as curves only."""
    for section in sections:
        yield from _whole(section)
    yield from _landmarks(measured.landmarks)
    for part in measured.movements.parts:
        yield from _movement(_Place(measured.movements.sides, part), part, measured.landmarks)


def _whole(section: SidesSection) -> Iterator[AsymmetryRow]:
    place = _Place(section.key)
    for part in section.zones:
        yield from place.comparison(part.zone.key, WHOLE_ZONE, None if part.found is None else part.found.sides, "intensity")
        for unit in part.units:
            yield from place.comparison(part.zone.key, unit.au, unit.sides, "intensity")
    for unit in section.others:
        yield from place.comparison(NO_ZONE, unit.au, unit.sides, "intensity")


def _landmarks(section: LandmarkSection) -> Iterator[AsymmetryRow]:
    place = _Place(_sides(section))
    for rest in section.rest:
        yield place.row(rest.zone, rest.key, "at_rest", (rest.left, rest.right), (rest.difference, rest.ratio), "eye distances")
    for part in section.parts:
        yield from place.comparison(part.measure.zone, part.measure.key, part.sides, "eye distances")


def _movement(place: _Place, part: MovementPart, landmarks: LandmarkSection) -> Iterator[AsymmetryRow]:
    if part.zone is None:
        return
    lengths = _Place(_sides(landmarks), part)
    yield from place.comparison(part.zone.key, WHOLE_ZONE, None if part.whole is None else part.whole.sides, "intensity")
    for signal in part.signals:
        of = place if signal.unit == "intensity" else lengths
        yield from of.comparison(part.zone.key, signal.key, signal.sides, signal.unit)
    for along in part.along:
        if along.found is not None:
            of = lengths if along.kind == "landmarks" else place
            moved = along.found
            yield of.row(
                along.pair.other, along.key, along.pair.key, (moved.left, moved.right), (moved.difference, moved.ratio), along.unit
            )


def _sides(section: LandmarkSection) -> str:
    return "mirrored" if section.mirrored else "unmirrored"


def _time(side: SideMeasures) -> float | None:
    """As on the page: where nothing moved, every frame is the peak."""
    return side.time_s if side.peak else None
