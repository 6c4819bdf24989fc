"""Two sides of a face at two visits, made ready for the page and the table: measures, sentences, figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from face_mirror_au.asymmetry.change import MEASURES, Change
from face_mirror_au.asymmetry.measures import Comparison, ZoneComparison, compare_units, compare_zones
from face_mirror_au.asymmetry.zones import ZONES, Zone
from face_mirror_au.records import INTENSITY_AUS
from face_mirror_au.report.change_words import NOT_AT, zone_change_sentence
from face_mirror_au.report.figures import common_top
from face_mirror_au.report.quality import head_pose, view_qualities
from face_mirror_au.report.result import RunResult, TwoSides
from face_mirror_au.report.visit_figures import VisitCurves, visit_bars, visit_curves
from face_mirror_au.report.words import TOO_LITTLE, au_label


@dataclass(frozen=True, slots=True)
class Row:
    """One number at two visits, as it stands on the page and in `compare.csv`.

    Attributes
    ----------
    sides : str
        "mirrored" or "unmirrored"; "quality" for what is said of a recording.
    of : str
        A zone's key, an action unit, a view, or "head".
    measure : str
    first, second, change : float or None
        At visit 1, at visit 2, and visit 2 minus visit 1.
    note : str
        Why there is no number.
    """

    sides: str
    of: str
    measure: str
    first: float | None
    second: float | None
    change: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class UnitChange:
    """One action unit at two visits; `curves` is None where it was not measured, or moved too little, at both."""

    au: str
    label: str
    change: Change
    curves: Markup | None


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """One zone at two visits: its sentence, its bars (None where nothing of it moved, or was measured at both) and its action units."""

    zone: Zone
    sentence: str
    change: Change
    bars: Markup | None
    units: tuple[UnitChange, ...]

    @property
    def title(self) -> str:
        """As a heading: "Upper face"."""
        name = self.zone.name.removeprefix("the ")
        return name[0].upper() + name[1:]


@dataclass(frozen=True, slots=True)
class SidesChange:
    """All that the page shows of two sides at two visits; `key` is "mirrored" or "unmirrored", `top` where the axes end."""

    key: str
    top: float
    zones: tuple[ZoneChange, ...]

    @property
    def measured(self) -> bool:
        """Whether any action unit was measured at both visits."""
        return any(unit.change.measured for part in self.zones for unit in part.units)

    @property
    def not_drawn(self) -> Mapping[str, list[str]]:
        """Why no curves were drawn, to the action units of which that is true."""
        found: dict[str, list[str]] = {}
        for unit in (unit for part in self.zones for unit in part.units if unit.curves is None):
            first, second = unit.change.first, unit.change.second
            why = f"{TOO_LITTLE} at both visits" if unit.change.measured else NOT_AT[first is not None, second is not None]
            found.setdefault(why, []).append(unit.label)
        return found

    def rows(self) -> Iterator[Row]:
        """Its numbers: each zone, then its action units."""
        for part in self.zones:
            yield from _rows(self.key, part.zone.key, part.change)
            for unit in part.units:
                yield from _rows(self.key, unit.au, unit.change)


def compare_visits(first: RunResult, second: RunResult) -> list[SidesChange]:
    """Compare what both runs measured, the mirrored halves first; call it inside `figure_settings`."""
    found = []
    for key in ("mirrored", "unmirrored"):
        sides = getattr(first, key), getattr(second, key)
        if sides[0] is not None and sides[1] is not None:
            found.append(_Maker(key, first, second, *sides).make())
    return found


class _Maker:
    """One pair of sides at two visits."""

    def __init__(self, key: str, first: RunResult, second: RunResult, first_sides: TwoSides, second_sides: TwoSides) -> None:
        self.key = key
        self.runs = ((first, first_sides), (second, second_sides))
        units = [compare_units(run.time_s, sides.left, sides.right) for run, sides in self.runs]
        self.units = {au: Change(units[0][au], units[1][au]) for au in INTENSITY_AUS}
        self.zones = [compare_zones(run.time_s, sides.left, sides.right) for run, sides in self.runs]
        measured = [sides for change in self.units.values() for sides in (change.first, change.second) if sides is not None]
        self.top = common_top([side.peak for sides in measured for side in (sides.left, sides.right)])

    def make(self) -> SidesChange:
        return SidesChange(self.key, self.top, tuple(self._zone(zone) for zone in ZONES))

    def _zone(self, zone: Zone) -> ZoneChange:
        first, second = (zones[zone.key] for zones in self.zones)
        moved = [(au, self.units[au]) for au in zone.aus if self.units[au].measured and not self.units[au].too_small]
        bars = visit_bars(moved, self.top, f"{self.key}-bars-{zone.key}", _describe_bars(zone, moved)) if moved else None
        units = tuple(UnitChange(au, au_label(au), self.units[au], self._curves(au)) for au in zone.aus)
        return ZoneChange(zone, zone_change_sentence(zone, first, second), Change(_sides(first), _sides(second)), bars, units)

    def _curves(self, au: str) -> Markup | None:
        change, column = self.units[au], INTENSITY_AUS.index(au)
        if not change.measured or change.too_small:
            return None
        first, second = (
            VisitCurves(run.time_s - _moment(found), sides.left[:, column], sides.right[:, column])
            for (run, sides), found in zip(self.runs, (change.first, change.second), strict=True)
        )
        return visit_curves(first, second, self.top, f"{self.key}-curves-{au}", _describe_curves(au, change))


def _sides(found: ZoneComparison | None) -> Comparison | None:
    return None if found is None else found.sides


def _moment(sides: Comparison | None) -> float:
    """Time of the larger peak, s."""
    return 0.0 if sides is None else max((sides.left, sides.right), key=lambda side: side.peak).time_s


def _rows(key: str, of: str, change: Change) -> Iterator[Row]:
    note = _note(change)
    for measure in MEASURES:
        values = change.values(measure)
        yield Row(key, of, measure, *values, note if None in values else "")


def _note(change: Change) -> str:
    if not change.measured:
        return NOT_AT[change.first is not None, change.second is not None]
    visits = [str(visit) for visit, sides in ((1, change.first), (2, change.second)) if sides is not None and sides.too_small]
    return f"{TOO_LITTLE} at visit {' and '.join(visits)}"


def quality_rows(first: RunResult, second: RunResult) -> list[Row]:
    """Frames decoded and measured in each view that both runs have, and the turn of the head, degrees."""
    runs = (first, second)
    views = [{view.key: view for view in view_qualities(run)} for run in runs]
    rows = []
    for key in views[0]:
        if key in views[1]:
            before, after = views[0][key], views[1][key]
            for measure in ("decoded", "measured"):
                values = getattr(before, measure), getattr(after, measure)
                rows.append(Row("quality", key, measure, *values, values[1] - values[0]))
    poses = [head_pose(run.yaw_deg) for run in runs]
    medians = [None if pose is None else pose.median_deg for pose in poses]
    signed = [
        None if pose is None or run.yaw_deg is None else float(np.nanmedian(run.yaw_deg)) for run, pose in zip(runs, poses, strict=True)
    ]
    for measure, (before_deg, after_deg) in (("turn", medians), ("yaw", signed)):
        change = None if before_deg is None or after_deg is None else after_deg - before_deg
        rows.append(Row("quality", "head", measure, before_deg, after_deg, change, "" if change is not None else "head pose not known"))
    return rows


def _describe_bars(zone: Zone, units: list[tuple[str, Change]]) -> str:
    told = []
    for au, change in units:
        left, right = change.values("left"), change.values("right")
        told.append(f"{au_label(au)}: left {left[0]:.2f}, then {left[1]:.2f}; right {right[0]:.2f}, then {right[1]:.2f}")
    return f"Largest intensities of {zone.name} at visit 1 and visit 2. {'. '.join(told)}."


def _describe_curves(au: str, change: Change) -> str:
    left, right = change.values("left"), change.values("right")
    return (
        f"{au_label(au)} around its largest movement; visit 1 dashed, visit 2 solid. The subject's left: largest {left[0]:.2f}, "
        f"then {left[1]:.2f}. The right: largest {right[0]:.2f}, then {right[1]:.2f}."
    )
