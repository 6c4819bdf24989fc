"""One comparison of two sides, made ready for the page: measures, sentences, figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from face_mirror_au.asymmetry.measures import GATE, Comparison, ZoneComparison, compare_units, compare_zones
from face_mirror_au.asymmetry.zones import OTHER_AUS, ZONES, Zone
from face_mirror_au.records import INTENSITY_AUS, FloatArray
from face_mirror_au.report import figures
from face_mirror_au.report.result import TwoSides
from face_mirror_au.report.words import NEVER_BOTH, NO_SIDES, NOT_MEASURED, au_label, zone_sentence

# A peak that one side reaches so much later is most likely another movement, s.
APART = 0.5


@dataclass(frozen=True, slots=True)
class UnitPart:
    """One action unit; `sides` and `curves` are None where it was not measured, and `missing` says why."""

    au: str
    label: str
    sides: Comparison | None
    curves: Markup | None
    missing: str

    @property
    def apart(self) -> bool:
        """Whether the two peaks lie so far apart that they are most likely of two movements."""
        return self.sides is not None and peaks_apart(self.sides)


@dataclass(frozen=True, slots=True)
class ZonePart:
    """One zone: its sentence, its bars (None where nothing of it was measured) and its action units."""

    zone: Zone
    sentence: str
    found: ZoneComparison | None
    bars: Markup | None
    units: tuple[UnitPart, ...]

    @property
    def apart(self) -> bool:
        """As for an action unit."""
        return self.found is not None and peaks_apart(self.found.sides)

    @property
    def title(self) -> str:
        """As a heading: "Upper face"."""
        name = self.zone.name.removeprefix("the ")
        return name[0].upper() + name[1:]


@dataclass(frozen=True, slots=True)
class SidesSection:
    """All that the page shows of two sides.

    Attributes
    ----------
    key : str
        "mirrored" or "unmirrored": put before the ids of its elements.
    any_measured : bool
        Whether any frame was measured on both sides.
    top : float
        Where the intensity axes of its figures end.
    gap_frames : int
        In how many frames not both sides were measured.
    zones : tuple of ZonePart
    others : tuple of UnitPart
        Action units that are in no zone.
    """

    key: str
    any_measured: bool
    top: float
    gap_frames: int
    zones: tuple[ZonePart, ...]
    others: tuple[UnitPart, ...]

    @property
    def any_units(self) -> bool:
        """Whether any action unit was measured on both sides."""
        return any(unit.sides is not None for unit in (*self.others, *(unit for part in self.zones for unit in part.units)))

    @property
    def any_apart(self) -> bool:
        """Whether anything in its table lies apart."""
        return any(part.apart or any(unit.apart for unit in part.units) for part in self.zones)

    @property
    def measured_zones(self) -> Mapping[str, ZoneComparison | None]:
        """The zones' comparisons by their keys."""
        return {part.zone.key: part.found for part in self.zones}


def peaks_apart(sides: Comparison) -> bool:
    """Whether both sides moved, and their peaks lie more than `APART` from each other."""
    return min(sides.left.peak, sides.right.peak) >= GATE and abs(sides.left.time_s - sides.right.time_s) > APART


def make_section(key: str, time_s: FloatArray, sides: TwoSides) -> SidesSection:
    """Measure and draw; call it inside `figure_settings`."""
    units = compare_units(time_s, sides.left, sides.right)
    zones = compare_zones(time_s, sides.left, sides.right)
    both = sides.left_success & sides.right_success
    any_measured = bool(both.any())
    top = figures.common_top([side.peak for found in units.values() if found is not None for side in (found.left, found.right)])

    def unit(au: str) -> UnitPart:
        found, column = units[au], INTENSITY_AUS.index(au)
        drawn = None
        if found is not None:
            name, left, right = f"{key}-curve-{au}", sides.left[:, column], sides.right[:, column]
            drawn = figures.curves(time_s, left, right, found, top, name, _describe_curves(au, found))
        return UnitPart(au, au_label(au), found, drawn, _why_missing(key, any_measured=any_measured))

    def zone_part(zone: Zone) -> ZonePart:
        measured = [(au, found) for au in zone.aus if (found := units[au]) is not None]
        drawn = (
            figures.bars([(au_label(au), found) for au, found in measured], top, f"{key}-bars-{zone.key}", _describe_bars(zone, measured))
            if measured
            else None
        )
        sentence = zone_sentence(zone, zones[zone.key], any_measured=any_measured)
        return ZonePart(zone, sentence, zones[zone.key], drawn, tuple(unit(au) for au in zone.aus))

    return SidesSection(
        key,
        any_measured,
        top,
        int(np.count_nonzero(~both)),
        tuple(zone_part(zone) for zone in ZONES),
        tuple(unit(au) for au in OTHER_AUS),
    )


def _why_missing(key: str, *, any_measured: bool) -> str:
    if not any_measured:
        return NEVER_BOTH
    return NO_SIDES if key == "unmirrored" else NOT_MEASURED


def _describe_curves(au: str, sides: Comparison) -> str:
    return (
        f"{au_label(au)} over time. The subject's left side, solid line: largest {sides.left.peak:.2f} at {sides.left.time_s:.2f} s. "
        f"The right side, dashed line: largest {sides.right.peak:.2f} at {sides.right.time_s:.2f} s."
    )


def _describe_bars(zone: Zone, units: list[tuple[str, Comparison]]) -> str:
    numbers = "; ".join(f"{au_label(au)}: left {sides.left.peak:.2f}, right {sides.right.peak:.2f}" for au, sides in units)
    return f"Largest intensities of {zone.name}, the subject's left and right side. {numbers}."
