"""Which side moves less: left, right, alike, unclear, or too little to say.

The number that decides is the difference of the peaks of one action unit on both sides, seen in the unmirrored face where the AU models
tell its sides apart, else in the mirrored views. Its error is how far alike sides seem to differ, on faces with known truth: see
`Recording.side_errors`. A side is named only beyond it, and where neither the other way of measuring nor the lengths contradict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.asymmetry.comparison import Comparison, compare_sides, compare_units
from face_mirror_au.asymmetry.landmarks import LANDMARK_MEASURES
from face_mirror_au.asymmetry.recording import Recording
from face_mirror_au.asymmetry.whole import Lengths
from face_mirror_au.asymmetry.zones import ZONES, Zone
from face_mirror_au.records import ALL_AUS, FloatArray

Weaker = Literal["left", "right", "alike", "unclear", "too little"]
UNMIRRORED, MIRRORED = "unmirrored", "mirrored"
# Two sides are alike where the whole interval of their difference lies within this, or this share of the larger one.
ALIKE, ALIKE_SHARE = 0.5, 0.2
# The largest of several differences is more often large by chance than one of them.
OF_SEVERAL = 1.25
# The mirrored views scatter more than the sides of the unmirrored face, and drift as the head turns.
MIRRORED_FACTOR = 2.0
MAX_YAW_DEG = 16.0
# With a smaller share of the frames measured, nothing is said.
ENOUGH_FRAMES = 0.5
_WITHIN = " is within its error"
# Of a landmark measure: (L - R) / (L + R) beyond which it contradicts.
CONTRADICTS = 0.3
# Two lengths are alike where the whole interval of their difference lies within so many mm, or `ALIKE_SHARE` of the larger one.
ALIKE_MM = 2.0
# Of 95 % of a normal distribution.
_TWO_SIDED = 1.96


@dataclass(frozen=True, slots=True)
class Answer:
    """Which side moves less.

    Attributes
    ----------
    weaker : str
        "left" or "right" (the subject's), "alike", "unclear" or "too little".
    error : float or None
        What 95 % of faces without a difference stay below; None where nobody knows it.
    why : str
        Why it is unclear; else empty.
    sides : Comparison
        The two peaks: intensities, or mm of a landmark measure.
    au : str
        The action unit or landmark measure that decided.
    """

    weaker: Weaker
    error: float | None
    why: str
    sides: Comparison
    au: str

    @property
    def in_mm(self) -> bool:
        """Whether a landmark measure decided, and the peaks are mm; else they are intensities."""
        return self.au not in ALL_AUS

    @property
    def within_error(self) -> bool:
        """Whether it is unclear because the difference is smaller than its error, and for no other reason."""
        return self.why.endswith(_WITHIN)

    @property
    def apart(self) -> float:
        """The difference in units of its error; infinite where that is not known."""
        return float("inf") if self.error is None else abs(_difference(self.sides)) / self.error


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of a recording, or of one movement.

    Attributes
    ----------
    units : mapping of str to Answer
        Of each action unit that was measured on both sides.
    lengths : mapping of str to Answer
        Of each landmark measure that was measured on both sides, by its key.
    zones : mapping of str to Answer
        Of each zone with such an action unit, by its key.
    """

    units: Mapping[str, Answer]
    lengths: Mapping[str, Answer]
    zones: Mapping[str, Answer]


def answer_recording(recording: Recording, lengths: Lengths | None, inside: NDArray[np.bool_] | None = None) -> Answers:
    """Answer for each action unit and zone.

    Parameters
    ----------
    recording : Recording
    lengths : Lengths or None
    inside : ndarray, (N,) bool, optional
        The frames of a movement; all when not given.
    """
    rows = np.ones(len(recording.time_s), bool) if inside is None else inside
    found = {
        key: compare_units(recording.time_s, _within(sides.left, rows), _within(sides.right, rows))
        for key, sides in recording.sides.items()
    }
    against = {} if lengths is None else _signs_of_lengths(lengths, rows)
    zone_of = {au: zone.key for zone in ZONES for au in zone.aus}
    units = {}
    for au in ALL_AUS:
        ways = {key: sides for key, of_way in found.items() if (sides := of_way.get(au)) is not None}
        if ways:
            units[au] = _answer_unit(au, ways, recording, against.get(zone_of.get(au, ""), ()))
    of_lengths = {} if lengths is None or not lengths.errors_known else _answer_lengths(recording, lengths, rows, units)
    zones = {zone.key: answer for zone in ZONES if (answer := answer_zone(zone, units, of_lengths)) is not None}
    return Answers(units, of_lengths, zones)


def answer_zone(zone: Zone, units: Mapping[str, Answer], lengths: Mapping[str, Answer]) -> Answer | None:
    """Answer by action units, else by a length; None where nothing was measured.

    The action unit whose sides differ the most, in units of their error, decides; one whose error nobody knows counts only where that
    holds for all. Where no action unit names a side, a length may, or may say that the sides are alike in what the units leave unclear.
    """
    by_units = _by_units([units[au] for au in zone.aus if au in units])
    if by_units is not None and by_units.weaker in ("left", "right"):
        return by_units
    of_zone = [(measure, lengths[measure.key]) for measure in LANDMARK_MEASURES if measure.zone == zone.key and measure.key in lengths]
    for measure, answer in of_zone:
        if answer.weaker in ("left", "right") and answer.apart >= OF_SEVERAL:
            return answer
        other = [au for au in zone.aus if au in units and units[au].weaker == "unclear" and au not in measure.aus]
        if answer.weaker == "alike" and not other and by_units is not None and by_units.within_error:
            return answer
    return by_units


def _by_units(measured: Sequence[Answer]) -> Answer | None:
    of_zone = [each for each in measured if each.error is not None] or measured
    moved = [each for each in of_zone if each.weaker != "too little"]
    if not moved:
        return max(of_zone, key=lambda each: each.sides.larger.peak, default=None)
    strongest = max(moved, key=lambda each: each.apart)
    if strongest.weaker in ("left", "right"):
        if strongest.apart >= OF_SEVERAL or len(moved) == 1:
            return strongest
        return replace(strongest, weaker="unclear", why=f"the difference of {strongest.au} is hardly larger than its error")
    unclear = next((each for each in moved if each.weaker == "unclear"), None)
    return unclear or max(moved, key=lambda each: each.sides.larger.peak)


def _answer_unit(au: str, ways: Mapping[str, Comparison], recording: Recording, lengths: tuple[float, ...]) -> Answer:
    key = UNMIRRORED if UNMIRRORED in ways else MIRRORED
    sides, known = ways[key], recording.side_errors.get(au)
    error = None if known is None else known * (1.0 if key == UNMIRRORED else MIRRORED_FACTOR)
    against = ""
    if error is not None:
        against = _contradiction(_difference(sides), error, ways.get(MIRRORED) if key == UNMIRRORED else None, lengths)
    return _decide(Answer("unclear", error, _why_unclear(sides, error, recording), sides, au), against)


def _answer_lengths(recording: Recording, lengths: Lengths, inside: NDArray[np.bool_], units: Mapping[str, Answer]) -> dict[str, Answer]:
    """The answers of the landmark measures, in mm."""
    found = {}
    for measure in LANDMARK_MEASURES:
        left, right = (np.where(inside, side, np.nan) * lengths.mm for side in lengths.curves(measure))
        sides = compare_sides(recording.time_s, left, right, measure.gate * lengths.mm)
        if sides is None:
            continue
        difference = _difference(sides)
        error = float(np.hypot(lengths.error_mm(measure), _TWO_SIDED * lengths.scale.spread * difference))
        of_zone = [unit for zone in ZONES if zone.key == measure.zone for au in zone.aus if (unit := units.get(au)) is not None]
        opposite = any(_says_a_side(unit) and _difference(unit.sides) * difference < 0 for unit in of_zone)
        against = "the action units say the other side" if opposite else ""
        found[measure.key] = _decide(Answer("unclear", error, _why_unclear(sides, error, recording), sides, measure.key), against)
    return found


def _decide(open_: Answer, against: str) -> Answer:
    """Answer what is still unclear.

    Parameters
    ----------
    open_ : Answer
        With its error, and why no difference would say anything; empty where one would.
    against : str
        What names the other side; empty when nothing does.
    """
    sides, error, difference = open_.sides, open_.error, _difference(open_.sides)
    if sides.too_small:
        return replace(open_, weaker="too little", why="")
    if open_.why or error is None:
        return open_
    if abs(difference) > error:
        weaker: Weaker = "right" if difference > 0 else "left"
        return replace(open_, why=against) if against else replace(open_, weaker=weaker)
    if abs(difference) + error <= max(ALIKE_MM if open_.in_mm else ALIKE, ALIKE_SHARE * sides.larger.peak):
        return replace(open_, weaker="alike")
    size = f"{abs(difference):.1f} mm" if open_.in_mm else f"{abs(difference):.2f}"
    return replace(open_, why=f"the difference of {size}{_WITHIN}")


def _says_a_side(unit: Answer) -> bool:
    """Whether an action unit names a side, or would where its error is not known."""
    unknown = unit.error is None and unit.weaker != "too little" and abs(unit.sides.difference or 0.0) > CONTRADICTS
    return unknown or unit.weaker in ("left", "right")


def _why_unclear(sides: Comparison, error: float | None, recording: Recording) -> str:
    """Why no difference of the two peaks would say anything; empty when it does."""
    if len(recording.time_s) < 2:
        return "a single picture shows no movement"
    if recording.measured_share < ENOUGH_FRAMES:
        return f"a face was measured in {100 * recording.measured_share:.0f} % of the frames only"
    turned = _largest_turn(recording, sides)
    if turned > MAX_YAW_DEG:
        return f"the head was turned by {turned:.0f} degrees"
    if sides.apart:
        return "the two sides moved at different moments"
    return "nobody has measured how large the error of these AU models is" if error is None else ""


def _contradiction(difference: float, error: float, mirrored: Comparison | None, lengths: tuple[float, ...]) -> str:
    """What names the other side; empty when nothing does."""
    if mirrored is not None and _difference(mirrored) * difference < 0 and abs(_difference(mirrored)) > error:
        return "the mirrored views say the other side"
    return "the lengths say the other side" if any(length * difference < 0 for length in lengths) else ""


def _difference(sides: Comparison) -> float:
    return sides.left.peak - sides.right.peak


def _largest_turn(recording: Recording, sides: Comparison) -> float:
    """Of the head at the two peaks, degrees to either side; 0 where nobody knows."""
    if recording.yaw_deg is None:
        return 0.0
    turns = np.abs(recording.yaw_deg[[sides.left.row, sides.right.row]])
    return float(np.nanmax(turns)) if np.isfinite(turns).any() else 0.0


def _signs_of_lengths(lengths: Lengths, inside: NDArray[np.bool_]) -> dict[str, tuple[float, ...]]:
    """By zone: the clear differences of its landmark measures."""
    found: dict[str, tuple[float, ...]] = {}
    for measure in LANDMARK_MEASURES:
        left, right = (_peak(side[inside]) for side in lengths.curves(measure))
        if np.isfinite(left + right) and max(left, right) >= measure.gate and abs(left - right) > CONTRADICTS * (left + right):
            found[measure.zone] = (*found.get(measure.zone, ()), left - right)
    return found


def _within(values: FloatArray, rows: NDArray[np.bool_]) -> FloatArray:
    """Rows outside count as not measured: row numbers stay those of the recording."""
    return np.where(rows[:, np.newaxis], values, np.nan)


def _peak(values: FloatArray) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else float("nan")
