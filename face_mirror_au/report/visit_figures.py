"""The figures of a comparison: two visits over each other. Visits differ by line, width and words; colour only adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from face_mirror_au.asymmetry.change import Change
from face_mirror_au.records import FloatArray
from face_mirror_au.report.figures import INK, LEFT_COLOUR, LEFT_FILL, RIGHT_COLOUR, RIGHT_FILL, dress_bars, new_figure
from face_mirror_au.report.svg import inline_svg
from face_mirror_au.report.words import au_label

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

# Shown before and after the largest movement, s: one movement of a protocol and what is around it.
AROUND_S = 4.0

_FIRST_STYLE = (0, (3, 1.5))


@dataclass(frozen=True, slots=True)
class VisitCurves:
    """One action unit at one visit: intensities (N,) of both sides, NaN without a measurement; `time_s` from the largest movement, s."""

    time_s: FloatArray
    left: FloatArray
    right: FloatArray


def visit_bars(units: Sequence[tuple[str, Change]], top: float, name: str, description: str) -> Markup:
    """Peaks of both sides at both visits, the number beside each bar; visit 1 is the thin bar above that of visit 2.

    The units were measured at both visits. The axis ends at `top`; else as `inline_svg`.
    """
    height = 0.5 + 1.0 * len(units)
    figure = new_figure(height)
    axes = figure.add_axes((0.17, 0.36 / height, 0.71, 1 - 0.46 / height))
    for row, (au, change) in enumerate(units):
        axes.text(0.01 * top, row - 0.44, au_label(au), va="center", weight="bold", color=INK)
        for offset, word, side, fill, colour, hatch in (
            (-0.2, "left", "left", LEFT_FILL, LEFT_COLOUR, "////"),
            (0.22, "right", "right", RIGHT_FILL, RIGHT_COLOUR, ""),
        ):
            first, second, _ = change.values(side)
            for visit, shift, value, thick in ((1, -0.1, first, 0.12), (2, 0.09, second, 0.2)):
                pattern = hatch if visit == 2 else ""
                axes.barh(row + offset + shift, value or 0.0, thick, facecolor=fill, edgecolor=colour, hatch=pattern, linewidth=0.9)
                axes.text((value or 0.0) + 0.015 * top, row + offset + shift, f"{value or 0.0:.2f}", va="center", color=INK, fontsize=7)
                axes.text(-0.015 * top, row + offset + shift, f"{word} {visit}", va="center", ha="right", color=INK, fontsize=7)
    axes.set(ylim=(len(units) - 0.5, -0.65))
    dress_bars(axes, top)
    return inline_svg(figure, name, description)


def visit_curves(first: VisitCurves, second: VisitCurves, top: float, name: str, description: str) -> Markup:
    """Both visits over each other, the subject's left side in one panel, the right side in the other; parameters as for `visit_bars`."""
    figure = new_figure(1.55)
    for start, side, colour in ((0.105, "left", LEFT_COLOUR), (0.565, "right", RIGHT_COLOUR)):
        axes = figure.add_axes((start, 0.25, 0.415, 0.62))
        axes.plot(second.time_s, getattr(second, side), color=colour, linewidth=1.7)
        axes.plot(first.time_s, getattr(first, side), color=INK, linewidth=1.3, linestyle=_FIRST_STYLE)
        axes.set_title(f"subject's {side}", fontsize=8, color=INK, pad=2)
        _dress(axes, first, second, top)
        if side == "left":
            axes.set_ylabel("intensity", labelpad=2, color=INK)
    return inline_svg(figure, name, description)


def _dress(axes: Axes, first: VisitCurves, second: VisitCurves, top: float) -> None:
    from matplotlib.ticker import MaxNLocator

    start = max(-AROUND_S, min(first.time_s[0], second.time_s[0]))
    end = min(AROUND_S, max(first.time_s[-1], second.time_s[-1]))
    axes.set_xlim(start, end if end > start else start + 1)
    axes.set_ylim(0, top)
    axes.set_yticks(np.arange(0, top + 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(lambda value, _position: f"{value:g}")
    axes.set_xlabel("s from the largest movement", labelpad=1, color=INK)
    axes.axvline(0, color="#a8a8a8", linewidth=0.7, zorder=0)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
