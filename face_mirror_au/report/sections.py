"""What the page shows of two sides over a whole recording: sentences and figures of numbers that were measured before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from face_mirror_au.asymmetry.comparison import Comparison
from face_mirror_au.asymmetry.landmarks import LANDMARK_MEASURES
from face_mirror_au.asymmetry.recording import TwoSides
from face_mirror_au.asymmetry.whole import Lengths, WholeSides
from face_mirror_au.asymmetry.zones import ZONES, Zone
from face_mirror_au.records import ALL_AUS, FloatArray
from face_mirror_au.report import figures
from face_mirror_au.report.words import NEVER_BOTH, NO_SIDES, NOT_MEASURED, signal_label, zone_sentence


@dataclass(frozen=True, slots=True)
class SidesSection:
    """Two sides and their figures.

    Attributes
    ----------
    top : float
        Where the intensity axes of its figures end.
    bars, curves : mapping of str to Markup
        By the zone's key, and by the action unit; only of what was measured.
    """

    found: WholeSides
    top: float
    bars: Mapping[str, Markup]
    curves: Mapping[str, Markup]

    @property
    def key(self) -> str:
        """Put before the ids of its elements."""
        return self.found.key

    @property
    def any_measured(self) -> bool:
        """Whether any frame was measured on both sides."""
        return bool(self.found.both.any())

    @property
    def gap_frames(self) -> int:
        """In how many frames not both sides were measured."""
        return int(np.count_nonzero(~self.found.both))

    @property
    def any_units(self) -> bool:
        """Whether any action unit was measured on both sides."""
        return any(sides is not None for sides in self.found.units.values())

    @property
    def any_apart(self) -> bool:
        """Whether the peaks of anything in its table lie apart."""
        zones = [found.sides for found in self.found.zones.values() if found is not None]
        units = [self.found.units[au] for zone in ZONES for au in zone.aus]
        return any(sides is not None and sides.apart for sides in (*zones, *units))

    @property
    def missing(self) -> str:
        """Why an action unit has no numbers."""
        if not self.any_measured:
            return NEVER_BOTH
        return NO_SIDES if self.key == "unmirrored" else NOT_MEASURED

    def sentence(self, zone: Zone) -> str:
        """Which side of a zone moved more."""
        return zone_sentence(zone, self.found.zones[zone.key], any_measured=self.any_measured)


def draw_sides(time_s: FloatArray, sides: TwoSides, found: WholeSides) -> SidesSection:
    """Draw two sides over a whole recording; call it inside `figure_settings`."""
    top = figures.common_top(found.peaks)
    measured = {au: sides_of for au, sides_of in found.units.items() if sides_of is not None}
    drawn_bars, drawn_curves = {}, {}
    for zone in ZONES:
        shown = [(signal_label(au), measured[au]) for au in zone.aus if au in measured]
        if shown:
            drawn_bars[zone.key] = figures.bars(shown, top, f"{found.key}-bars-{zone.key}", _describe_bars(zone, shown))
    curves = figures.Curves(time_s, top)
    for au, compared in measured.items():
        column = ALL_AUS.index(au)
        description = _describe_curves(f"{signal_label(au)} over time", compared, "%.2f")
        both = sides.left[:, column], sides.right[:, column]
        drawn_curves[au] = curves.draw(*both, compared, f"{found.key}-curve-{au}", description)
    return SidesSection(found, top, drawn_bars, drawn_curves)


def draw_lengths(time_s: FloatArray, lengths: Lengths) -> dict[str, Markup]:
    """The curves of the landmark measures that were measured on both sides, by their keys; call it inside `figure_settings`."""
    peaks = [side.peak for sides in lengths.sides.values() if sides is not None for side in (sides.left, sides.right)]
    top = float(max(0.1, np.ceil(max(peaks, default=0.0) * 10.2) / 10))
    drawn, curves = {}, figures.Curves(time_s, top, "eye distances")
    for measure in LANDMARK_MEASURES:
        sides = lengths.sides[measure.key]
        if sides is not None:
            description = _describe_curves(f"{measure.name} over time, eye distances from rest", sides, "%.3f")
            name = f"landmark-curve-{measure.key}"
            drawn[measure.key] = curves.draw(*lengths.curves(measure), sides, name, description)
    return drawn


def _describe_curves(what: str, sides: Comparison, form: str) -> str:
    return (
        f"{what}. The subject's left side, solid line: largest {form % sides.left.peak} at {sides.left.time_s:.2f} s. "
        f"The right side, dashed line: largest {form % sides.right.peak} at {sides.right.time_s:.2f} s."
    )


def _describe_bars(zone: Zone, units: list[tuple[str, Comparison]]) -> str:
    numbers = "; ".join(f"{label}: left {sides.left.peak:.2f}, right {sides.right.peak:.2f}" for label, sides in units)
    return f"Largest intensities of {zone.name}, the subject's left and right side. {numbers}."
