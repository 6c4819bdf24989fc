"""Two sides of a face at two visits: what changed between them. A measure that one visit does not have has no change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from face_mirror_au.asymmetry.comparison import Comparison, ZoneComparison, sides_of
from face_mirror_au.asymmetry.recording import Recording
from face_mirror_au.asymmetry.whole import WholeSides, measure_sides
from face_mirror_au.asymmetry.yaw import HeadPose, head_pose
from face_mirror_au.asymmetry.zones import ZONES

TOO_LITTLE = "too little movement"
NOT_AT = {
    (True, False): "not measured at visit 2",
    (False, True): "not measured at visit 1",
    (False, False): "not measured at either visit",
}
# What is compared of each action unit and zone: "left" and "right" are the peaks (0 to 5), "difference" is (L - R) / (L + R), "ratio"
# min(L, R) / max(L, R). A new measure is one more entry.
CHANGE_MEASURES: Mapping[str, Callable[[Comparison], float | None]] = {
    "left": lambda sides: sides.left.peak,
    "right": lambda sides: sides.right.peak,
    "difference": lambda sides: sides.difference,
    "ratio": lambda sides: sides.ratio,
}


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One number at two visits. Its fields are the columns of `compare.csv`.

    Attributes
    ----------
    sides : str
        "mirrored" or "unmirrored"; "quality" for what is said of a recording.
    of : str
        A zone's key, an action unit, a view, or "head".
    measure : str
    visit_1, visit_2, change : float or None
        At visit 1, at visit 2, and visit 2 minus visit 1.
    note : str
        Why there is no number.
    """

    sides: str
    of: str
    measure: str
    visit_1: float | None
    visit_2: float | None
    change: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """The same two curves at visit 1 and visit 2; None where no frame was measured on both sides."""

    first: Comparison | None
    second: Comparison | None

    def values(self, measure: str) -> tuple[float | None, float | None, float | None]:
        """One of `CHANGE_MEASURES` at visit 1, at visit 2, and visit 2 minus visit 1; None where there is none."""
        first, second = (None if sides is None else CHANGE_MEASURES[measure](sides) for sides in (self.first, self.second))
        return first, second, _step(first, second)

    @property
    def too_small(self) -> bool:
        """Whether it was measured at both visits, and moved too little at both to compare the sides."""
        return self.first is not None and self.second is not None and self.first.too_small and self.second.too_small

    @property
    def measured(self) -> bool:
        """Whether it was measured at both visits."""
        return self.first is not None and self.second is not None

    @property
    def comparable(self) -> bool:
        """Whether it was measured at both visits, and moved enough at one of them."""
        return self.measured and not self.too_small

    @property
    def missing(self) -> str:
        """At which visit it was not measured."""
        return NOT_AT[self.first is not None, self.second is not None]

    def rows(self, key: str, of: str) -> Iterator[ChangeRow]:
        """All measures, of `of` in the sides `key`."""
        for measure in CHANGE_MEASURES:
            values = self.values(measure)
            yield ChangeRow(key, of, measure, *values, self._note if None in values else "")

    @property
    def _note(self) -> str:
        if not self.measured:
            return self.missing
        visits = [str(visit) for visit, sides in ((1, self.first), (2, self.second)) if sides is not None and sides.too_small]
        return f"{TOO_LITTLE} at visit {' and '.join(visits)}"


@dataclass(frozen=True, slots=True)
class SidesChange:
    """Two sides, named by `key`, at both visits."""

    key: str
    first: WholeSides
    second: WholeSides

    def unit(self, au: str) -> Change:
        """An action unit at both visits."""
        return Change(self.first.units[au], self.second.units[au])

    def zone(self, key: str) -> tuple[ZoneComparison | None, ZoneComparison | None]:
        """A zone at visit 1 and at visit 2."""
        return self.first.zones[key], self.second.zones[key]

    def zone_change(self, key: str) -> Change:
        """The same as a change."""
        return Change(*map(sides_of, self.zone(key)))

    @property
    def measured(self) -> bool:
        """Whether any action unit of a zone was measured at both visits."""
        return any(self.unit(au).measured for zone in ZONES for au in zone.aus)

    def rows(self) -> Iterator[ChangeRow]:
        """Its numbers: each zone, then its action units."""
        for zone in ZONES:
            yield from self.zone_change(zone.key).rows(self.key, zone.key)
            for au in zone.aus:
                yield from self.unit(au).rows(self.key, au)


@dataclass(frozen=True, slots=True)
class VisitsChange:
    """Two recordings of one face.

    Attributes
    ----------
    sides : tuple of SidesChange
        What both measured, the mirrored halves first.
    poses : two HeadPose or None
        Of visit 1 and visit 2.
    quality : tuple of ChangeRow
        Frames decoded and measured in each view that both have, and the turn of the head, degrees.
    """

    sides: tuple[SidesChange, ...]
    poses: tuple[HeadPose | None, HeadPose | None]
    quality: tuple[ChangeRow, ...]

    def rows(self) -> Iterator[ChangeRow]:
        """All numbers, in the order of the table."""
        for sides in self.sides:
            yield from sides.rows()
        yield from self.quality


def compare_recordings(first: Recording, second: Recording) -> VisitsChange:
    """Compare what was measured of two recordings."""
    sides = tuple(
        SidesChange(key, *(measure_sides(key, run.time_s, run.sides[key]) for run in (first, second)))
        for key in first.sides
        if key in second.sides
    )
    poses = head_pose(first.yaw_deg), head_pose(second.yaw_deg)
    return VisitsChange(sides, poses, (*_frame_rows(first, second), *_pose_rows(*poses)))


def _frame_rows(first: Recording, second: Recording) -> Iterator[ChangeRow]:
    for view in first.measured:
        if view in second.measured:
            counts = {"decoded": [len(run.time_s) for run in (first, second)], "measured": [run.measured[view] for run in (first, second)]}
            for measure, (before, after) in counts.items():
                yield ChangeRow("quality", view, measure, before, after, after - before)


def _pose_rows(first: HeadPose | None, second: HeadPose | None) -> Iterator[ChangeRow]:
    for measure, name in (("turn", "median_deg"), ("yaw", "signed_deg")):
        before, after = (None if pose is None else float(getattr(pose, name)) for pose in (first, second))
        change = _step(before, after)
        yield ChangeRow("quality", "head", measure, before, after, change, "" if change is not None else "head pose not known")


def _step(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else second - first
