"""Two sides of a face at two or more visits: what changed from the first to the last. A visit without a measure has no number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from face_mirror_au.asymmetry.comparison import Comparison, ZoneComparison, sides_of
from face_mirror_au.asymmetry.measures import Asymmetry
from face_mirror_au.asymmetry.recording import Recording
from face_mirror_au.asymmetry.whole import TOO_LITTLE, WholeSides
from face_mirror_au.asymmetry.yaw import HeadPose, head_pose
from face_mirror_au.asymmetry.zones import ZONES

# What is compared of each action unit and zone: "left" and "right" are the peaks (0 to 5), "difference" is (L - R) / (L + R), "ratio"
# min(L, R) / max(L, R). A new measure is one more entry.
CHANGE_MEASURES: Mapping[str, Callable[[Comparison], float | None]] = {
    "left": lambda sides: sides.left.peak,
    "right": lambda sides: sides.right.peak,
    "difference": lambda sides: sides.difference,
    "ratio": lambda sides: sides.ratio,
}


def at_visits(visits: Sequence[int]) -> str:
    """Visits by their numbers, from 1: "visit 1", "visit 1, 2 and 4"."""
    *others, last = map(str, visits)
    return f"visit {', '.join(others)}{' and ' if others else ''}{last}"


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One number at each visit: a row of `compare.csv`.

    Attributes
    ----------
    sides : str
        "mirrored" or "unmirrored"; "quality" for what is said of a recording.
    of : str
        A zone's key, an action unit, a view, or "head".
    measure : str
    visits : tuple of float or None
        At each visit, in their order: the columns visit_1, visit_2 and so on.
    change : float or None
        The last visit minus the first.
    note : str
        Why there is no number.
    """

    sides: str
    of: str
    measure: str
    visits: tuple[float | None, ...]
    change: float | None
    note: str = ""

    @staticmethod
    def columns(visits: int) -> tuple[str, ...]:
        """The columns of `compare.csv` for so many visits."""
        return ("sides", "of", "measure", *(f"visit_{number}" for number in range(1, visits + 1)), "change", "note")

    @property
    def cells(self) -> tuple[str | float | None, ...]:
        """The row in the order of `columns`."""
        return (self.sides, self.of, self.measure, *self.visits, self.change, self.note)


@dataclass(frozen=True, slots=True)
class Change:
    """The same two curves at each visit; None where no frame was measured on both sides."""

    visits: tuple[Comparison | None, ...]

    def at(self, measure: str) -> tuple[float | None, ...]:
        """One of `CHANGE_MEASURES` at each visit; None where there is none."""
        return tuple(None if sides is None else CHANGE_MEASURES[measure](sides) for sides in self.visits)

    def step(self, measure: str) -> float | None:
        """The last visit minus the first; None where one of them has no number."""
        return _step(self.at(measure))

    @property
    def measured(self) -> tuple[int, ...]:
        """The visits at which it was measured, from 1."""
        return tuple(number for number, sides in enumerate(self.visits, 1) if sides is not None)

    @property
    def too_small(self) -> bool:
        """Whether it was measured at all visits, and moved too little at all of them to compare the sides."""
        return all(sides is not None and sides.too_small for sides in self.visits)

    @property
    def comparable(self) -> bool:
        """Whether it was measured at two visits or more, and moved enough at one of them."""
        return len(self.measured) > 1 and not all(sides.too_small for sides in self.visits if sides is not None)

    @property
    def missing(self) -> str:
        """At which visits it was not measured."""
        without = [number for number in range(1, len(self.visits) + 1) if number not in self.measured]
        if len(without) == len(self.visits):
            return f"not measured at {'either' if len(without) == 2 else 'any'} visit"
        return f"not measured at {at_visits(without)}" if without else ""

    @property
    def little(self) -> str:
        """At which visits it moved too little to compare the sides."""
        little = [number for number, sides in enumerate(self.visits, 1) if sides is not None and sides.too_small]
        return f"{TOO_LITTLE} at {at_visits(little)}" if little else ""

    def rows(self, key: str, of: str) -> Iterator[ChangeRow]:
        """All measures, of `of` in the sides `key`."""
        for measure in CHANGE_MEASURES:
            values = self.at(measure)
            yield ChangeRow(key, of, measure, values, _step(values), (self.missing or self.little) if None in values else "")


@dataclass(frozen=True, slots=True)
class SidesChange:
    """Two sides, named by `key`, at each visit."""

    key: str
    visits: tuple[WholeSides, ...]

    def unit(self, au: str) -> Change:
        """An action unit at each visit."""
        return Change(tuple(sides.units[au] for sides in self.visits))

    def zone(self, key: str) -> tuple[ZoneComparison | None, ...]:
        """A zone at each visit."""
        return tuple(sides.zones[key] for sides in self.visits)

    def zone_change(self, key: str) -> Change:
        """The same as a change."""
        return Change(tuple(map(sides_of, self.zone(key))))

    @property
    def measured(self) -> bool:
        """Whether any action unit of a zone was measured at two visits or more."""
        return any(len(self.unit(au).measured) > 1 for zone in ZONES for au in zone.aus)

    def rows(self) -> Iterator[ChangeRow]:
        """Its numbers: each zone, then its action units."""
        for zone in ZONES:
            yield from self.zone_change(zone.key).rows(self.key, zone.key)
            for au in zone.aus:
                yield from self.unit(au).rows(self.key, au)


@dataclass(frozen=True, slots=True)
class VisitsChange:
    """Recordings of one face, in the order of the visits.

    Attributes
    ----------
    sides : tuple of SidesChange
        What all measured, the mirrored halves first.
    poses : tuple of HeadPose or None
        Of each visit.
    quality : tuple of ChangeRow
        Frames decoded and measured in each view that all have, and the turn of the head, degrees.
    """

    sides: tuple[SidesChange, ...]
    poses: tuple[HeadPose | None, ...]
    quality: tuple[ChangeRow, ...]

    def rows(self) -> Iterator[ChangeRow]:
        """All numbers, in the order of the table."""
        for sides in self.sides:
            yield from sides.rows()
        yield from self.quality


def compare_recordings(found: Sequence[Asymmetry]) -> VisitsChange:
    """Compare what was measured of two recordings or more, in the order of the visits."""
    of_visits = [{sides.key: sides for sides in each.sides} for each in found]
    sides = tuple(
        SidesChange(key, tuple(each[key] for each in of_visits)) for key in of_visits[0] if all(key in each for each in of_visits)
    )
    runs = [each.recording for each in found]
    poses = tuple(head_pose(run.yaw_deg) for run in runs)
    return VisitsChange(sides, poses, (*_frame_rows(runs), *_pose_rows(poses)))


def _frame_rows(runs: Sequence[Recording]) -> Iterator[ChangeRow]:
    for view in runs[0].measured:
        if all(view in run.measured for run in runs):
            counts = {"decoded": [len(run.time_s) for run in runs], "measured": [run.measured[view] for run in runs]}
            for measure, numbers in counts.items():
                yield ChangeRow("quality", view, measure, tuple(numbers), numbers[-1] - numbers[0])


def _pose_rows(poses: Sequence[HeadPose | None]) -> Iterator[ChangeRow]:
    for measure, name in (("turn", "median_deg"), ("yaw", "signed_deg")):
        values = tuple(None if pose is None else float(getattr(pose, name)) for pose in poses)
        yield ChangeRow("quality", "head", measure, values, _step(values), "head pose not known" if None in values else "")


def _step(values: Sequence[float | None]) -> float | None:
    return None if values[0] is None or values[-1] is None else values[-1] - values[0]
