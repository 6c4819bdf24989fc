"""The figures of a comparison: visits over each other, and left minus right from visit to visit. Colour only adds to lines and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from face_mirror_au.asymmetry.change import Change
from face_mirror_au.asymmetry.trends import Seen, Trend
from face_mirror_au.records import FloatArray
from face_mirror_au.report.figures import INK, LEFT_COLOUR, LEFT_FILL, RIGHT_COLOUR, RIGHT_FILL, dress_bars, new_figure
from face_mirror_au.report.svg import inline_svg
from face_mirror_au.report.words import au_label

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

# Shown before and after the largest movement, s: one movement of a protocol and what is around it.
AROUND_S = 4.0
# Where the axis of a difference ends at the least, in intensities and mm: what is small shall look small.
_REACH, _REACH_MM = 2.0, 6.0
_NAMED, _ALIKE, _QUIET, _BAND = "#a11616", "#2c6e3f", "#56606e", "#dfe4ea"

_FIRST_STYLE = (0, (3, 1.5))


@dataclass(frozen=True, slots=True)
class VisitCurves:
    """One action unit at one visit: intensities (N,) of both sides, NaN without a measurement; `time_s` from the largest movement, s."""

    time_s: FloatArray
    left: FloatArray
    right: FloatArray


def trend_figure(trend: Trend, name: str, description: str) -> Markup:
    """Left minus right of the signal that is followed, at each visit, in the band of its 95 % error; else as `inline_svg`."""
    in_mm = trend.unit == "mm"
    told = [(place, seen, seen.apart, seen.error or 0.0) for place, seen in enumerate(trend.visits) if seen is not None]
    shown = [(place, seen, apart, error) for place, seen, apart, error in told if apart is not None]
    reach = max([_REACH_MM if in_mm else _REACH, *(1.75 * (abs(apart) + error) for _, _, apart, error in shown)])
    figure = new_figure(1.75)
    axes = figure.add_axes((0.17, 0.16, 0.81, 0.8))
    axes.axhline(0, color=INK, linewidth=0.8)
    if shown:
        places, middle, reach_of = (
            np.array(values) for values in zip(*((place, apart, error) for place, _, apart, error in shown), strict=True)
        )
        axes.fill_between(places, middle - reach_of, middle + reach_of, color=_BAND, linewidth=0)
        axes.plot(places, middle, color=INK, linewidth=1.2)
        axes.errorbar(places, middle, yerr=reach_of, fmt="none", ecolor=INK, elinewidth=1.0, capsize=4)
    for place, seen, apart, error in shown:
        colour, fill, marker = _mark(seen)
        axes.plot([place], [apart], marker, color=colour, markersize=6.5, markerfacecolor=fill, markeredgewidth=1.4, zorder=3)
        label = f"{abs(apart):.1f} ± {error:.1f}{' mm' if in_mm else ''}"
        axes.annotate(label, (place, apart + error), (0, 3), textcoords="offset points", ha="center", color=INK, fontsize=7)
    for place, there in enumerate(trend.visits):
        if there is None or there.apart is None:
            words = "not measured" if there is None or there.followed is None else there.followed.weaker
            axes.text(place, 0.08 * reach, words, ha="center", color=_QUIET, fontsize=7)
            axes.plot([place], [0], "x", color=_QUIET, markersize=5)
    axes.set(xlim=(-0.5, len(trend.visits) - 0.5), ylim=(-reach, reach))
    axes.set_xticks(range(len(trend.visits)), [f"visit {number}" for number in range(1, len(trend.visits) + 1)])
    axes.set_ylabel(f"by how much{', mm' if in_mm else ''}", labelpad=2, color=INK)
    for y, side in ((0.93, "right"), (0.04, "left")):
        axes.text(0.01, y, f"{side} weaker", transform=axes.transAxes, color=INK, fontsize=7)
    axes.locator_params(axis="y", nbins=5)
    axes.yaxis.set_major_formatter(lambda value, _position: f"{abs(value):g}")
    return inline_svg(figure, name, description)


def _mark(seen: Seen) -> tuple[str, str, str]:
    """Colour, fill and marker by what the signal says: a side, alike, or neither."""
    answer = seen.answer if seen.followed is None else seen.followed
    if answer.weaker in ("left", "right"):
        return _NAMED, _NAMED, "D"
    return (_ALIKE, _ALIKE, "o") if answer.weaker == "alike" else (_QUIET, "white", "o")


def visit_bars(units: Sequence[tuple[str, Change]], top: float, name: str, description: str) -> Markup:
    """Peaks of both sides at each visit, the number beside each bar, in order from above; the bar of the last visit is the thick one.

    The axis ends at `top`; else as `inline_svg`.
    """
    visits = max(len(change.visits) for _, change in units)
    step = 0.19  # of a unit of height, which is an inch for two visits
    whole = 0.24 + 2 * step * visits
    height = 0.5 + whole * len(units)
    figure = new_figure(height)
    axes = figure.add_axes((0.17, 0.36 / height, 0.71, 1 - 0.46 / height))
    for row, (au, change) in enumerate(units):
        above = row * whole
        axes.text(0.01 * top, above + 0.1, au_label(au), va="center", weight="bold", color=INK)
        for offset, word, fill, colour, hatch in (
            (0.0, "left", LEFT_FILL, LEFT_COLOUR, "////"),
            (step * visits, "right", RIGHT_FILL, RIGHT_COLOUR, ""),
        ):
            for place, value in enumerate(change.at(word)):
                is_last = place == visits - 1
                y = above + 0.28 + offset + step * place
                label = "not measured" if value is None else f"{value:.2f}"
                pattern = hatch if is_last else ""
                axes.barh(y, value or 0.0, 0.17 if is_last else 0.11, facecolor=fill, edgecolor=colour, hatch=pattern, linewidth=0.9)
                axes.text((value or 0.0) + 0.015 * top, y, label, va="center", color=INK, fontsize=7)
                axes.text(-0.015 * top, y, f"{word} {place + 1}", va="center", ha="right", color=INK, fontsize=7)
    axes.set(ylim=(whole * len(units), 0))
    dress_bars(axes, top)
    return inline_svg(figure, name, description)


def visit_curves(first: VisitCurves, last: VisitCurves, top: float, name: str, description: str) -> Markup:
    """Two visits over each other, the subject's left side in one panel, the right side in the other; parameters as for `visit_bars`."""
    figure = new_figure(1.55)
    for start, side, colour in ((0.105, "left", LEFT_COLOUR), (0.565, "right", RIGHT_COLOUR)):
        axes = figure.add_axes((start, 0.25, 0.415, 0.62))
        axes.plot(last.time_s, getattr(last, side), color=colour, linewidth=1.7)
        axes.plot(first.time_s, getattr(first, side), color=INK, linewidth=1.3, linestyle=_FIRST_STYLE)
        axes.set_title(f"subject's {side}", fontsize=8, color=INK, pad=2)
        _dress(axes, first, last, top)
        if side == "left":
            axes.set_ylabel("intensity", labelpad=2, color=INK)
    return inline_svg(figure, name, description)


def _dress(axes: Axes, first: VisitCurves, last: VisitCurves, top: float) -> None:
    from matplotlib.ticker import MaxNLocator

    start = max(-AROUND_S, min(first.time_s[0], last.time_s[0]))
    end = min(AROUND_S, max(first.time_s[-1], last.time_s[-1]))
    axes.set_xlim(start, end if end > start else start + 1)
    axes.set_ylim(0, top)
    axes.set_yticks(np.arange(0, top + 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(lambda value, _position: f"{value:g}")
    axes.set_xlabel("s from the largest movement", labelpad=1, color=INK)
    axes.axvline(0, color="#a8a8a8", linewidth=0.7, zorder=0)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
