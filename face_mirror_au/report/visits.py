"""What the page shows of two sides at two visits: sentences and figures of numbers that were measured before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from face_mirror_au.asymmetry.change import TOO_LITTLE, Change, SidesChange
from face_mirror_au.asymmetry.comparison import Comparison
from face_mirror_au.asymmetry.recording import Recording
from face_mirror_au.asymmetry.zones import ZONES, Zone
from face_mirror_au.records import ALL_AUS
from face_mirror_au.report.change_words import zone_change_sentence
from face_mirror_au.report.figures import common_top
from face_mirror_au.report.visit_figures import VisitCurves, visit_bars, visit_curves
from face_mirror_au.report.words import au_label


@dataclass(frozen=True, slots=True)
class VisitsSection:
    """Two sides at two visits, and their figures.

    Attributes
    ----------
    top : float
        Where the intensity axes of its figures end.
    bars, curves : mapping of str to Markup
        By the zone's key, and by the action unit; only of what was measured at both visits and moved enough at one of them.
    """

    change: SidesChange
    top: float
    bars: Mapping[str, Markup]
    curves: Mapping[str, Markup]

    @property
    def key(self) -> str:
        """Put before the ids of its elements."""
        return self.change.key

    @property
    def not_drawn(self) -> Mapping[str, list[str]]:
        """Why no curves were drawn, to the action units of which that is true."""
        found: dict[str, list[str]] = {}
        for au in (au for zone in ZONES for au in zone.aus if au not in self.curves):
            change = self.change.unit(au)
            found.setdefault(f"{TOO_LITTLE} at both visits" if change.measured else change.missing, []).append(au_label(au))
        return found

    def sentence(self, zone: Zone) -> str:
        """What a zone's two sides did."""
        return zone_change_sentence(zone, *self.change.zone(zone.key))


def draw_visits(first: Recording, second: Recording, change: SidesChange) -> VisitsSection:
    """Draw two sides at two visits; call it inside `figure_settings`."""
    top = common_top([*change.first.peaks, *change.second.peaks])
    moved = {au: found for zone in ZONES for au in zone.aus if (found := change.unit(au)).comparable}
    bars = {}
    for zone in ZONES:
        shown = [(au, moved[au]) for au in zone.aus if au in moved]
        if shown:
            bars[zone.key] = visit_bars(shown, top, f"{change.key}-bars-{zone.key}", _describe_bars(zone, shown))
    curves = {}
    for au, found in moved.items():
        visits = [_curves(run, change.key, au, sides) for run, sides in ((first, found.first), (second, found.second))]
        curves[au] = visit_curves(visits[0], visits[1], top, f"{change.key}-curves-{au}", _describe_curves(au, found))
    return VisitsSection(change, top, bars, curves)


def _curves(run: Recording, key: str, au: str, found: Comparison | None) -> VisitCurves:
    column, sides = ALL_AUS.index(au), run.sides[key]
    moment = 0.0 if found is None else found.larger.time_s
    return VisitCurves(run.time_s - moment, sides.left[:, column], sides.right[:, column])


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
