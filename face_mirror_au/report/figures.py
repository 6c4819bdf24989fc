"""The figures of the page. Left and right differ by line, marker, hatching and words; colour only adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.asymmetry.comparison import Comparison, measured_on_both
from face_mirror_au.asymmetry.yaw import ACCEPTABLE_YAW, GOOD_YAW
from face_mirror_au.records import FloatArray
from face_mirror_au.report.svg import inline_svg

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# Blue and vermilion of Okabe and Ito's palette, darkened for contrast on white: told apart by people with any kind of colour vision.
LEFT_COLOUR, RIGHT_COLOUR = "#00588f", "#b04a00"
LEFT_FILL, RIGHT_FILL = "#d3e6f3", "#e79a66"
_GAP_FILL, INK = "#e4e4e4", "#3b3b3b"
_WIDTH = 4.2  # inches: still readable at the width of a phone
_TOP = 5.0


def common_top(peaks: Sequence[float]) -> float:
    """Where the intensity axes of a page end: the same for all of its figures, so that they can be compared by eye; 1 to 5."""
    return float(min(_TOP, max(1.0, np.ceil(max(peaks, default=0.0) * 1.02))))


def bars(units: Sequence[tuple[str, Comparison]], top: float, name: str, description: str) -> Markup:
    """Peak of the left and right side of each action unit, the number beside each bar. The axis ends at `top`; else as `inline_svg`."""
    height = 0.5 + 0.62 * len(units)
    figure = new_figure(height)
    # Long names stand above their bars, where they need no margin.
    axes = figure.add_axes((0.12, 0.36 / height, 0.76, 1 - 0.46 / height))
    for row, (label, sides) in enumerate(units):
        axes.text(0, row - 0.46, label, va="center", weight="bold", color=INK)
        for offset, word, value, fill, colour, hatch in (
            (-0.14, "left", sides.left.peak, LEFT_FILL, LEFT_COLOUR, "////"),
            (0.19, "right", sides.right.peak, RIGHT_FILL, RIGHT_COLOUR, ""),
        ):
            axes.barh(row + offset, value, 0.29, facecolor=fill, edgecolor=colour, hatch=hatch, linewidth=1.0)
            axes.text(value + 0.015 * top, row + offset, f"{value:.2f}", va="center", color=INK)
            axes.text(-0.015 * top, row + offset, word, va="center", ha="right", color=INK)
    axes.set(ylim=(len(units) - 0.55, -0.7))
    dress_bars(axes, top)
    return inline_svg(figure, name, description)


class Curves:
    """Draws both sides of one signal after the other over time, in one figure that it keeps: new axes for each would take as long again.

    Parameters
    ----------
    time_s : ndarray, (N,) float64
        Of the frames.
    top : float
        Where the axis of all signals ends.
    unit : str
        Its label.
    """

    def __init__(self, time_s: FloatArray, top: float, unit: str = "intensity") -> None:
        self._figure = new_figure(1.5)
        self._axes = axes = _time_axes(self._figure, time_s, unit)
        self._time_s = time_s
        self._lines = _line(axes, time_s, LEFT_COLOUR, "-", "o"), _line(axes, time_s, RIGHT_COLOUR, (0, (4, 1.6)), "s")
        self._peaks = _peak(axes, LEFT_COLOUR, "o"), _peak(axes, RIGHT_COLOUR, "s")
        axes.set_ylim(0, top)
        axes.set_yticks(np.arange(0, top + 0.5) if top >= 1 else np.linspace(0, top, 3))

    def draw(self, left: FloatArray, right: FloatArray, sides: Comparison, name: str, description: str) -> Markup:
        """Both sides (N,) of a signal, the peaks of `sides` marked, frames without both sides (NaN) shaded; else as `bars`."""
        for shade in list(self._axes.patches):
            shade.remove()
        shade_gaps(self._axes, self._time_s, measured_on_both(left, right))
        for line, peak, values, side in zip(self._lines, self._peaks, (left, right), (sides.left, sides.right), strict=True):
            line.show(values)
            peak.set_data([side.time_s], [side.peak])
            peak.set_visible(side.peak != 0)  # of a side without any, every frame is its peak
        return inline_svg(self._figure, name, description)


def yaw_curve(time_s: FloatArray, yaw_deg: FloatArray, name: str, description: str) -> Markup:
    """The turn of the head (N,) over time, degrees, NaN without a face, between the lines of what is good and acceptable."""
    figure = new_figure(1.5)
    axes = _time_axes(figure, time_s, "yaw, degrees")
    shade_gaps(axes, time_s, np.isfinite(yaw_deg))
    for limit, style in ((GOOD_YAW, (0, (5, 2))), (ACCEPTABLE_YAW, (0, (1, 2)))):
        for sign in (1, -1):
            axes.axhline(sign * limit, color=INK, linewidth=0.9, linestyle=style)
    _line(axes, time_s, INK, "-", "o").show(yaw_deg)
    reach = max(ACCEPTABLE_YAW + 2, float(np.nanmax(np.abs(yaw_deg))) * 1.1)
    axes.set_ylim(-reach, reach)
    return inline_svg(figure, name, description)


def dress_bars(axes: Axes, top: float) -> None:
    """The intensity axis of lying bars, up to `top`."""
    axes.set(xlim=(0, top), yticks=[])
    axes.set_xticks(np.arange(0, top + 0.5))
    axes.set_xlabel("largest intensity", labelpad=1, color=INK)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


def new_figure(height: float) -> Figure:
    """An empty figure of the pages' width; `height` in inches."""
    from matplotlib.figure import Figure  # slow to import, and only needed here

    return Figure(figsize=(_WIDTH, height))


def _time_axes(figure: Figure, time_s: FloatArray, label: str) -> Axes:
    axes = figure.add_axes((0.125, 0.25, 0.845, 0.7))
    end = time_s[-1] if time_s[-1] > time_s[0] else time_s[0] + 1
    axes.set_xlim(time_s[0], end)
    axes.set_xlabel("time, s", labelpad=1, color=INK)
    axes.set_ylabel(label, labelpad=2, color=INK)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    return axes


class _Curve:
    """A curve in axes. A line needs two neighbours: a frame that was measured between two that were not is a dot."""

    def __init__(self, time_s: FloatArray, line: Line2D, dots: Line2D) -> None:
        self._time_s, self._line, self._dots = time_s, line, dots

    def show(self, values: FloatArray) -> None:
        there = np.concatenate([[False], np.isfinite(values), [False]])
        lonely = there[1:-1] & ~there[:-2] & ~there[2:]
        self._line.set_ydata(values)
        self._dots.set_data(self._time_s[lonely], values[lonely])


def _line(axes: Axes, time_s: FloatArray, colour: str, style: str | tuple[int, tuple[float, ...]], marker: str) -> _Curve:
    (line,) = axes.plot(time_s, np.zeros(len(time_s)), color=colour, linewidth=1.4, linestyle=style)
    (dots,) = axes.plot([], [], marker, color=colour, markersize=2.5)
    return _Curve(time_s, line, dots)


def _peak(axes: Axes, colour: str, marker: str) -> Line2D:
    (peak,) = axes.plot([], [], marker, color=colour, markersize=5, markerfacecolor="white", markeredgewidth=1.4, clip_on=False)
    return peak


def shade_gaps(axes: Axes, time_s: FloatArray, measured: NDArray[np.bool_]) -> None:
    """Shade where no face was measured, from half-way after the last measured frame to half-way before the next one."""
    for first, last in gaps(measured):
        start = time_s[0] if first == 0 else (time_s[first - 1] + time_s[first]) / 2
        end = time_s[-1] if last == len(measured) - 1 else (time_s[last] + time_s[last + 1]) / 2
        axes.axvspan(start, end, facecolor=_GAP_FILL, edgecolor="#a8a8a8", hatch="xxx", linewidth=0)


def gaps(measured: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last row of every stretch of rows without a measurement; `measured` is (N,) bool."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], measured, [True]]).astype(np.int8)))
    return [(int(first), int(after) - 1) for first, after in edges.reshape(-1, 2)]
