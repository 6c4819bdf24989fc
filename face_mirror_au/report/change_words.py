"""What a comparison of two visits says in words: which side moved more or less, and whether the sides were more alike. Never "better"."""

from __future__ import annotations

from face_mirror_au.asymmetry.change import TOO_LITTLE, Change
from face_mirror_au.asymmetry.comparison import GATE, Comparison, ZoneComparison, sides_of
from face_mirror_au.asymmetry.zones import Zone
from face_mirror_au.report.words import ALIKE

# Choices of words, not clinical limits; both are printed on the page.
AS_MUCH = GATE  # a peak that changed by less than this "moved about as much"
AS_ALIKE = ALIKE  # a size of the difference that changed by less than this: "about as alike"


def zone_change_sentence(zone: Zone, first: ZoneComparison | None, second: ZoneComparison | None) -> str:
    """What a zone's two sides did at visit 1 and visit 2, in a few sentences."""
    name = zone.subject
    change = Change(sides_of(first), sides_of(second))
    if first is None or second is None:
        return f"{name}: {change.missing}."
    if change.too_small:
        peaks = [sides.larger.peak for sides in (first.sides, second.sides)]
        return f"{name}: {TOO_LITTLE} at both visits to compare the sides (at most {peaks[0]:.2f}, then {peaks[1]:.2f})."
    if first.sides.too_small or second.sides.too_small:
        little, other = (1, 2) if first.sides.too_small else (2, 1)
        shown = second.sides if little == 1 else first.sides
        return f"{name}: {TOO_LITTLE} at visit {little} to compare the sides. At visit {other}, {_state(shown)}. {_movement(change)}"
    parts = [f"{name}: {_alike(change)}", _weaker(change), _movement(change), _caution(change)]
    if (first.left_au, first.right_au) != (second.left_au, second.right_au):
        parts.append("The largest action units were not the same ones at both visits: look at the single ones.")
    return " ".join(part for part in parts if part)


def _size(sides: Comparison) -> float:
    return abs(sides.difference or 0.0)


def _alike(change: Change) -> str:
    first, second = _both(change)
    step = _size(second) - _size(first)
    how = "about as alike as" if abs(step) < AS_ALIKE else "more alike than" if step < 0 else "less alike than"
    reached = f"The weaker side reached {_percent(first)} of the stronger one at visit 1, {_percent(second)} at visit 2."
    if _swapped(change):  # two opposite asymmetries are alike in size and in nothing else
        return f"another side was the weaker one than at visit 1. {reached}"
    return f"the two sides were {how} at visit 1. {reached}"


def _swapped(change: Change) -> bool:
    first, second = (_weaker_side(sides) for sides in _both(change))
    return bool(first and second and first != second)


def _state(sides: Comparison) -> str:
    weaker = _weaker_side(sides)
    which = f", the subject's {weaker}," if weaker else ""
    return f"the weaker side{which} reached {_percent(sides)} of the stronger one"


def _weaker(change: Change) -> str:
    first, second = (_weaker_side(sides) for sides in _both(change))
    if _swapped(change):
        return f"The weaker side was the subject's {first} at visit 1 and the {second} at visit 2."
    if first and first == second:
        return f"The weaker side was the subject's {first} both times."
    return ""


def _weaker_side(sides: Comparison) -> str:
    """Left or right; nothing where the two are about the same."""
    if sides.difference is None or _size(sides) < ALIKE:
        return ""
    return "right" if sides.difference > 0 else "left"


def _movement(change: Change) -> str:
    first, second = _both(change)
    sides = (("left", first.left.peak, second.left.peak), ("right", first.right.peak, second.right.peak))
    told = [f"the subject's {side} moved {_how_much(before, after)} ({before:.2f}, then {after:.2f})" for side, before, after in sides]
    return f"Compared with visit 1, {told[0]}, {told[1]}."


def _how_much(before: float, after: float) -> str:
    if abs(after - before) < AS_MUCH:
        return "about as much"
    return "more" if after > before else "less"


def _caution(change: Change) -> str:
    """Sides grow alike also when the stronger one is held back: that must not be read as a gain of the weaker one."""
    first, second = _both(change)
    weaker = _weaker_side(first)
    if not weaker or _swapped(change) or _size(first) - _size(second) < AS_ALIKE:
        return ""
    gain = {side: getattr(second, side).peak - getattr(first, side).peak for side in ("left", "right")}
    won, lost = gain[weaker], -gain["left" if weaker == "right" else "right"]
    if won >= AS_MUCH or lost <= won:
        return ""
    return "They were more alike although the weaker side of visit 1 hardly moved more: the stronger one moved less."


def _both(change: Change) -> tuple[Comparison, Comparison]:
    if change.first is None or change.second is None:  # for the type checker: the callers have asked
        raise AssertionError
    return change.first, change.second


def _percent(sides: Comparison) -> str:
    return f"{100 * (sides.ratio or 0.0):.0f} %"
