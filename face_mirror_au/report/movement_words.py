"""Movements in words: which side moved, and what moved along."""

from __future__ import annotations

from collections.abc import Sequence

from face_mirror_au.asymmetry.co_movement import CoMovement, Pair
from face_mirror_au.asymmetry.measures import Comparison, ZoneComparison
from face_mirror_au.asymmetry.movements import Movement
from face_mirror_au.asymmetry.zones import Zone
from face_mirror_au.report.words import ALIKE, TOO_LITTLE, au_label

# Of the stronger side. On rendered faces with one side that keeps still, the models see up to a sixth of the movement there.
ONLY = 0.2


def span(movement: Movement) -> str:
    """When it was: "0.50-1.53 s"."""
    return f"{movement.start_s:.2f}-{movement.end_s:.2f} s"


def title(number: int, movement: Movement) -> str:
    """As a heading, with the action's name and code."""
    code = f" ({movement.code})" if movement.code else ""
    return f"Movement {number} ({span(movement)}), {movement.action.name}{code}{', proposed' if movement.proposed else ''}"


def rest_sentence(number: int, movement: Movement) -> str:
    """Of a movement that is none: rest, or nothing measured."""
    what = movement.action.word if movement.code else "no zone was measured"
    return f"Movement {number} ({span(movement)}): {what}."


def sentence(
    number: int, movement: Movement, zone: Zone, main: ZoneComparison | None, lengths: Sequence[tuple[str, Comparison | None]]
) -> str:
    """Which side of a movement moved, in words and figures.

    Parameters
    ----------
    number : int
    movement : Movement
    zone : Zone
        That moves.
    main : ZoneComparison or None
        Of the action units that make the movement.
    lengths : sequence of (str, Comparison or None)
        The zone's landmark measures.
    """
    start = f"Movement {number} ({span(movement)}): "
    word = movement.action.word if movement.code else f"movement of {zone.name}"
    measured = [(label, sides) for label, sides in lengths if sides is not None]
    if main is None and not measured:
        return f"{start}{word}, not measured on both sides."
    first, by = main.sides if main is not None else measured[0][1], ""
    seen = next((sides for _, sides in measured if sides.difference is not None), None)
    if main is not None and main.sides.too_small and seen is not None:
        first, by = seen, ", by the landmarks; the action units stay below the gate"
    figures = [_unit_figures(main)] if main is not None else []
    figures += [f"{label}: {sides.left.peak:.3f} and {sides.right.peak:.3f} eye distances" for label, sides in measured]
    opposite = any(_opposite(first, sides) for _, sides in measured)
    but = " Action units and landmarks say the opposite of each other: look at both." if opposite else ""
    return f"{start}{word} {which_side(first)}{by}. {'; '.join(figures)}.{but}"


def which_side(sides: Comparison) -> str:
    """The side that moved: "on the left only", where the other one stays below the gate or below a fifth of the stronger."""
    if sides.difference is None:
        return f"with {TOO_LITTLE} to compare the sides"
    more = "left" if sides.difference > 0 else "right"
    if min(sides.left.peak, sides.right.peak) < sides.gate or (sides.ratio or 0.0) < ONLY:
        return f"on the {more} only"
    return "on both sides, about the same" if abs(sides.difference) < ALIKE else f"on both sides, more on the {more}"


def _unit_figures(main: ZoneComparison) -> str:
    left, right = main.sides.left.peak, main.sides.right.peak
    larger = main.left_au if left >= right else main.right_au
    return f"{au_label(larger)}: {left:.2f} on the subject's left, {right:.2f} on the right"


def _opposite(one: Comparison, other: Comparison) -> bool:
    if one.difference is None or other.difference is None:
        return False
    return min(abs(one.difference), abs(other.difference)) >= ALIKE and one.difference * other.difference < 0


def along_sentences(number: int, along: Sequence[tuple[Pair, str, str, CoMovement | None]]) -> list[str]:
    """One sentence for each pair of zones in which something moved along, and one for all in which nothing did.

    Parameters
    ----------
    number : int
        Of the movement.
    along : sequence of (Pair, str, str, CoMovement or None)
        Each with the label of the signal and its unit.
    """
    sentences: list[str] = []
    still: list[str] = []
    unknown: list[str] = []
    for pair in dict.fromkeys(pair for pair, _, _, _ in along):
        found = [(label, unit, moved) for one, label, unit, moved in along if one is pair and moved is not None]
        seen = [f"{label}: {_moved(moved, unit)}" for label, unit, moved in found if moved.difference is not None]
        if seen:
            sentences.append(f"Movement {number}, {pair.name}: {'; '.join(seen)}.")
        else:
            (still if found else unknown).append(pair.name)
    if still:
        sentences.append(f"Movement {number}, {' and '.join(still)}: nothing above the gates.")
    if unknown:
        sentences.append(f"Movement {number}, {' and '.join(unknown)}: not measured, or the movement is too small.")
    return sentences


def _moved(moved: CoMovement, unit: str) -> str:
    form = "%+.3f" if unit == "eye distances" else "%+.2f"
    difference = moved.difference or 0.0
    side = "about the same on both sides" if abs(difference) < ALIKE else f"more on the {'left' if difference > 0 else 'right'}"
    return f"{side} (left {form % moved.left}, right {form % moved.right})"
