"""What the page shows of two sides at each visit: sentences, figures and pictures of numbers that were measured before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from face_mirror_au.asymmetry.change import Change, SidesChange
from face_mirror_au.asymmetry.comparison import Comparison
from face_mirror_au.asymmetry.recording import Recording
from face_mirror_au.asymmetry.trends import Trend
from face_mirror_au.asymmetry.whole import TOO_LITTLE
from face_mirror_au.asymmetry.zones import ZONES, Zone
from face_mirror_au.records import ALL_AUS, View
from face_mirror_au.report.change_words import trend_sentence, zone_change_sentence
from face_mirror_au.report.figures import common_top
from face_mirror_au.report.pictures import data_uri, face_pictures, jpeg
from face_mirror_au.report.visit_figures import VisitCurves, trend_figure, visit_bars, visit_curves
from face_mirror_au.report.words import au_label
from face_mirror_au.results.visits import Visit

AT_REST = "rest"


@dataclass(frozen=True, slots=True)
class VisitsSection:
    """Two sides at each visit, and their figures.

    Attributes
    ----------
    top : float
        Where the intensity axes of its figures end.
    bars, curves : mapping of str to Markup
        By the zone's key, and by the action unit; only of what was measured at two visits and moved enough at one of them.
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
        everywhere = f"{TOO_LITTLE} at {'both' if len(self.change.visits) == 2 else 'all'} visits"
        for au in (au for zone in ZONES for au in zone.aus if au not in self.curves):
            change = self.change.unit(au)
            why = everywhere if change.too_small else change.missing
            found.setdefault(why, []).append(au_label(au))
        return found

    def sentence(self, zone: Zone) -> str:
        """What a zone's two sides did."""
        return zone_change_sentence(zone, self.change.zone(zone.key))


@dataclass(frozen=True, slots=True)
class TrendSection:
    """A trend in words, and drawn where its error is known; nothing is drawn where nobody knows the error."""

    trend: Trend
    sentence: str
    figure: Markup | None

    @property
    def name(self) -> str:
        """Put before the sentence; empty where it names the zone itself."""
        return "" if self.figure is None else self.trend.name


def draw_trend(trend: Trend) -> TrendSection:
    """Draw a trend; call it inside `figure_settings`."""
    if not trend.known:
        return TrendSection(trend, zone_change_sentence(trend.zone, trend.wholes), None)
    sentence = trend_sentence(trend)
    return TrendSection(
        trend, sentence, trend_figure(trend, f"trend-{trend.key}", f"{trend.name}: which side is weaker, and by how much; {sentence}")
    )


def visit_pictures(visits: Sequence[Visit], trends: Sequence[Trend]) -> dict[str, list[str]]:
    """Pictures of each visit as parts of the page, by `AT_REST` and the trends' keys: the face at rest, and where a movement is largest.

    An empty text where a visit has none; raises ResultError when a video is damaged.
    """
    found: dict[str, list[str]] = {key: [] for key in (AT_REST, *(trend.key for trend in trends))}
    for place, visit in enumerate(visits):
        rows = {AT_REST: visit.asymmetry.rest_row}
        rows |= {trend.key: None if (seen := trend.visits[place]) is None else seen.row for trend in trends}
        faces = face_pictures(visit.result, {row for row in rows.values() if row is not None})
        for key, row in rows.items():
            image = None if row is None else faces.get(row, {}).get(View.ORIGINAL)
            found[key].append("" if image is None else data_uri(jpeg(image)))
    return {key: pictures for key, pictures in found.items() if any(pictures)}


def draw_visits(runs: Sequence[Recording], change: SidesChange) -> VisitsSection:
    """Draw two sides at each visit; call it inside `figure_settings`."""
    top = common_top([peak for sides in change.visits for peak in sides.peaks])
    moved = {au: found for zone in ZONES for au in zone.aus if (found := change.unit(au)).comparable}
    bars = {}
    for zone in ZONES:
        shown = [(au, moved[au]) for au in zone.aus if au in moved]
        if shown:
            bars[zone.key] = visit_bars(shown, top, f"{change.key}-bars-{zone.key}", _describe_bars(zone, shown))
    curves = {}
    for au, found in moved.items():
        ends = (found.measured[0] - 1, found.measured[-1] - 1)
        drawn = [_curves(runs[place], change.key, au, found.visits[place]) for place in ends]
        curves[au] = visit_curves(drawn[0], drawn[1], top, f"{change.key}-curves-{au}", _describe_curves(au, found))
    return VisitsSection(change, top, bars, curves)


def _curves(run: Recording, key: str, au: str, found: Comparison | None) -> VisitCurves:
    column, sides = ALL_AUS.index(au), run.sides[key]
    moment = 0.0 if found is None else found.larger.time_s
    return VisitCurves(run.time_s - moment, sides.left[:, column], sides.right[:, column])


def _then(change: Change, side: str) -> str:
    return ", then ".join("not measured" if value is None else f"{value:.2f}" for value in change.at(side))


def _describe_bars(zone: Zone, units: list[tuple[str, Change]]) -> str:
    told = [f"{au_label(au)}: left {_then(change, 'left')}; right {_then(change, 'right')}" for au, change in units]
    return f"Largest intensities of {zone.name} from visit to visit. {'. '.join(told)}."


def _describe_curves(au: str, change: Change) -> str:
    first, last = change.measured[0], change.measured[-1]
    return (
        f"{au_label(au)} around its largest movement; visit {first} dashed, visit {last} solid. Largest from visit to visit: the subject's "
        f"left {_then(change, 'left')}, the right {_then(change, 'right')}."
    )
