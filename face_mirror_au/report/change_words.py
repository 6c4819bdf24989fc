"""What a comparison of visits says in words: which side is weaker, by how much, and what changed beyond the error. Never "better"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from face_mirror_au.asymmetry.answers import Answer
from face_mirror_au.asymmetry.change import Change, at_visits
from face_mirror_au.asymmetry.comparison import GATE, Comparison, ZoneComparison, sides_of
from face_mirror_au.asymmetry.trends import Seen, Step, Trend
from face_mirror_au.asymmetry.whole import TOO_LITTLE
from face_mirror_au.asymmetry.zones import Zone
from face_mirror_au.report.words import ALIKE, signal_label

# Choices of words, not clinical limits; both are printed on the page.
AS_MUCH = GATE  # a peak that changed by less than this "moved about as much"
AS_ALIKE = ALIKE  # a size of the difference that changed by less than this: "about as alike"


def trend_sentence(trend: Trend) -> str:
    """Which side is weaker now, which one was at the first visit, and whether the difference changed by more than its error.

    Without the name of the trend, which is put before it.
    """
    seen = trend.seen
    if not seen:
        return f"{Change((None,) * len(trend.visits)).missing}."
    (first, before), (last, after) = seen[0], seen[-1]
    missing = [number for number in range(1, len(trend.visits) + 1) if number not in dict(seen)]
    lacking = f" Not measured at {at_visits(missing)}." if missing else ""
    if before.answer.weaker == after.answer.weaker == "too little":
        little = [number for number, each in seen if each.answer.weaker == "too little"]
        return f"{TOO_LITTLE} at {at_visits(little)} to compare the sides.{lacking}"
    parts = [_state(after.answer, "now" if last == len(trend.visits) else f"at visit {last}")]
    step = ""
    if first != last:
        parts.append(_state(before.answer, f"at visit {first}", past=True))
        step = f" {_step_words(trend, trend.step(first, last), before, after, first)}"
    return f"{'; '.join(parts)}.{step}{lacking}"


def state_words(answer: Answer) -> str:
    """An answer in a few words, with its figures: "right weaker by 2.1 ± 0.5"."""
    if answer.weaker in ("left", "right"):
        return f"{answer.weaker} weaker by {_apart(answer)}"
    if answer.within_error:
        return f"no difference beyond the error ({_apart(answer)})"
    return TOO_LITTLE if answer.weaker == "too little" else answer.weaker


def _state(answer: Answer, when: str, *, past: bool = False) -> str:
    be = "was" if past else "is"
    match answer.weaker:
        case "alike":
            words = f"the sides {'were' if past else 'are'} alike"
        case "too little":
            words = f"there {be} {TOO_LITTLE} to compare the sides"
        case "unclear" if answer.within_error:
            words = f"there {be} no difference of the sides beyond its error ({_apart(answer)}, {signal_label(answer.au)})"
        case "unclear":
            words = f"it {be} unclear which side {be} weaker ({answer.why})"
        case _:
            words = f"the {answer.weaker} {be} weaker {'' if past else when + ' '}by {_apart(answer)} ({signal_label(answer.au)})"
            return f"{when} {words}" if past else words
    return f"{when} {words}" if past else f"{words} {when}"


def _apart(answer: Answer) -> str:
    size, unit = abs(answer.sides.left.peak - answer.sides.right.peak), "\N{NO-BREAK SPACE}mm" if answer.in_mm else ""
    return f"{size:.1f}{unit}" if answer.error is None else f"{size:.1f} ±\N{NO-BREAK SPACE}{answer.error:.1f}{unit}"


def _step_words(trend: Trend, step: Step, before: Seen, after: Seen, first: int) -> str:
    if step.verdict == "unclear":
        return f"Whether the difference of the sides changed is unclear: {step.why}."
    unit = "\N{NO-BREAK SPACE}mm" if trend.unit == "mm" else ""
    error = f"±\N{NO-BREAK SPACE}{step.error:.1f}{unit}"
    if {before.answer.au, after.answer.au} != {trend.signal}:  # the figures that were told are of another signal
        error = f"{signal_label(trend.signal)}, left minus right {_signed(before.apart)}, then {_signed(after.apart)}{unit}, {error}"
    if step.verdict == "no change":
        return f"No change beyond the error of both visits ({error})."
    if {before.answer.weaker, after.answer.weaker} == {"left", "right"}:
        return f"The other side is weaker than at visit {first}, beyond the error of the change ({error})."
    what = "another one" if step.verdict == "changed" else step.verdict
    held = " The weaker side hardly moved more: the stronger one moved less." if step.held_back else ""
    return f"The difference is {what} than at visit {first}, beyond the error of the change ({error}).{held}"


def _signed(value: float | None) -> str:
    shown = round(value or 0.0, 1)
    return f"{shown:+.1f}" if shown else "0.0"


@dataclass(frozen=True, slots=True)
class _Pair:
    """A zone at the first and the last visit, and their numbers."""

    first: Comparison
    second: Comparison
    one: int
    two: int

    @property
    def sides(self) -> tuple[Comparison, Comparison]:
        """Both."""
        return self.first, self.second


def zone_change_sentence(zone: Zone, visits: Sequence[ZoneComparison | None]) -> str:
    """What a zone's two sides did at the first and the last visit, where nobody knows the error; in a few sentences."""
    name, change = zone.subject, Change(tuple(map(sides_of, visits)))
    first, second = visits[0], visits[-1]
    if first is None or second is None:
        return f"{name}: {change.missing}."
    pair = _Pair(first.sides, second.sides, 1, len(visits))
    if first.sides.too_small and second.sides.too_small:
        peaks = [sides.larger.peak for sides in pair.sides]
        both = "both visits" if len(visits) == 2 else at_visits([pair.one, pair.two])
        return f"{name}: {TOO_LITTLE} at {both} to compare the sides (at most {peaks[0]:.2f}, then {peaks[1]:.2f})."
    one_unit = all(each.left_au == each.right_au for each in (first, second))
    if first.sides.too_small or second.sides.too_small:
        little, other = (pair.one, pair.two) if first.sides.too_small else (pair.two, pair.one)
        shown = second if little == pair.one else first
        return f"{name}: {TOO_LITTLE} at visit {little} to compare the sides. At visit {other}, {_only(shown)}. {_movement(pair)}"
    parts = [f"{name}: {_alike(pair, one_unit=one_unit)}", _weaker(pair), _movement(pair), _caution(pair)]
    if not one_unit or first.left_au != second.left_au:
        parts.append("The largest action units were not the same ones everywhere: look at the single ones.")
    return " ".join(part for part in parts if part)


def _size(sides: Comparison) -> float:
    return abs(sides.difference or 0.0)


def _alike(pair: _Pair, *, one_unit: bool) -> str:
    first, second = pair.sides
    step = _size(second) - _size(first)
    how = "about as alike as" if abs(step) < AS_ALIKE else "more alike than" if step < 0 else "less alike than"
    # A share of one action unit in another one is no measure.
    reached = f" The weaker side reached {_percent(first)} of the stronger one at visit {pair.one}, {_percent(second)} at visit {pair.two}."
    if not one_unit:
        reached = ""
    if _swapped(pair):  # two opposite asymmetries are alike in size and in nothing else
        return f"another side was the weaker one than at visit {pair.one}.{reached}"
    return f"the two sides were {how} at visit {pair.one}.{reached}"


def _swapped(pair: _Pair) -> bool:
    first, second = map(_weaker_side, pair.sides)
    return bool(first and second and first != second)


def _only(found: ZoneComparison) -> str:
    weaker = _weaker_side(found.sides)
    which = f", the subject's {weaker}," if weaker else ""
    if found.left_au != found.right_au:
        return f"the weaker side was the subject's {weaker}" if weaker else "neither side was clearly the weaker one"
    return f"the weaker side{which} reached {_percent(found.sides)} of the stronger one"


def _weaker(pair: _Pair) -> str:
    first, second = map(_weaker_side, pair.sides)
    if _swapped(pair):
        return f"The weaker side was the subject's {first} at visit {pair.one} and the {second} at visit {pair.two}."
    if first and first == second:
        return f"The weaker side was the subject's {first} both times."
    return ""


def _weaker_side(sides: Comparison) -> str:
    """Left or right; nothing where the two are about the same."""
    if sides.difference is None or _size(sides) < ALIKE:
        return ""
    return "right" if sides.difference > 0 else "left"


def _movement(pair: _Pair) -> str:
    first, second = pair.sides
    sides = (("left", first.left.peak, second.left.peak), ("right", first.right.peak, second.right.peak))
    told = [f"the subject's {side} moved {_how_much(before, after)} ({before:.2f}, then {after:.2f})" for side, before, after in sides]
    return f"Compared with visit {pair.one}, {told[0]}, {told[1]}."


def _how_much(before: float, after: float) -> str:
    if abs(after - before) < AS_MUCH:
        return "about as much"
    return "more" if after > before else "less"


def _caution(pair: _Pair) -> str:
    """Sides grow alike also when the stronger one is held back: that must not be read as a gain of the weaker one."""
    first, second = pair.sides
    weaker = _weaker_side(first)
    if not weaker or _swapped(pair) or _size(first) - _size(second) < AS_ALIKE:
        return ""
    gain = {side: getattr(second, side).peak - getattr(first, side).peak for side in ("left", "right")}
    won, lost = gain[weaker], -gain["left" if weaker == "right" else "right"]
    if won >= AS_MUCH or lost <= won:
        return ""
    return f"They were more alike although the weaker side of visit {pair.one} hardly moved more: the stronger one moved less."


def _percent(sides: Comparison) -> str:
    return f"{100 * (sides.ratio or 0.0):.0f} %"
