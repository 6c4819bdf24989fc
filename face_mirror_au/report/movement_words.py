"""Movements in words: which side moved, and what moved along."""

from __future__ import annotations

from face_mirror_au.asymmetry.answers import Answer
from face_mirror_au.asymmetry.comparison import Comparison, TwoValues, ZoneComparison
from face_mirror_au.asymmetry.in_movement import EYE_DISTANCES, INTENSITY, Along, MeasuredMovement
from face_mirror_au.asymmetry.whole import TOO_LITTLE
from face_mirror_au.report.words import ALIKE, answer_figures, au_label, signal_label

# Of the stronger side. On rendered faces with one side that keeps still, the models see up to a sixth of the movement there.
ONLY = 0.2


def _span(part: MeasuredMovement) -> str:
    """Which one, and when it was: "Movement 1 (0.50-1.53 s)"."""
    return f"Movement {part.number} ({part.movement.start_s:.2f}-{part.movement.end_s:.2f} s)"


def title(part: MeasuredMovement) -> str:
    """As a heading, with the action's name and code: "Movement 1 (0.50-1.53 s), big smile (BS)"."""
    movement = part.movement
    code = f" ({movement.code})" if movement.code else ""
    return f"{_span(part)}, {movement.action.name}{code}{', proposed' if movement.proposed else ''}"


def sentence(part: MeasuredMovement) -> str:
    """Which side of a movement moved, in words and figures."""
    action = part.movement.action
    if part.zone is None:  # rest, or nothing measured
        return f"{_span(part)}: {action.word if part.movement.code else 'no zone was measured'}."
    main, answer = part.main, part.answer
    word = action.word if part.movement.code else f"movement of {part.zone.name}"
    if answer is not None and answer.error is not None:
        by, figures = "", [answer_figures(answer)]
        if answer.in_mm:
            by = ", by the lids" if action.by_lids else ", by the lengths"
            figures = figures if main is None else [_unit_figures(main), *figures]
        return f"{_span(part)}: {word} {_answered(answer)}{by}. {'; '.join(figures)}."
    measured = [
        (signal_label(signal.key), signal.sides) for signal in part.signals if signal.sides is not None and signal.unit != INTENSITY
    ]
    if main is None and not measured:
        return f"{_span(part)}: {word}, not measured on both sides."
    first, by = main.sides if main is not None else measured[0][1], ""
    seen = next((sides for _, sides in measured if sides.difference is not None), None)
    if action.by_lids and measured:
        first, by = measured[0][1], ", by the lids"
    elif main is not None and main.sides.too_small and seen is not None:
        first, by = seen, ", by the landmarks; the action units stay below the gate"
    figures = [_unit_figures(main)] if main is not None else []
    figures += [f"{label}: {sides.left.peak:.3f} and {sides.right.peak:.3f} eye distances" for label, sides in measured]
    opposite = any(_opposite(first, sides) for _, sides in measured)
    but = " Action units and landmarks say the opposite of each other: look at both." if opposite else ""
    return f"{_span(part)}: {word} {which_side(first)}{by}. {'; '.join(figures)}.{but}"


def _answered(answer: Answer) -> str:
    match answer.weaker:
        case "alike":
            return "on both sides, about the same"
        case "too little":
            return f"with {TOO_LITTLE} to compare the sides"
        case "unclear" if answer.within_error:
            return "without a difference of the sides beyond its error"
        case "unclear":
            return f"of which it is unclear on which side there was less: {answer.why}"
    peaks = answer.sides.left.peak, answer.sides.right.peak
    if min(peaks) < max(answer.sides.gate, ONLY * max(peaks)):
        return f"on the {'left' if answer.weaker == 'right' else 'right'} only"
    return f"on both sides, less on the {answer.weaker}"


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


def along_label(along: Along) -> str:
    """A signal that may have moved along, and what was looked at: "AU45 blink, raw"."""
    return f"{signal_label(along.signal)}, {along.kind}"


def along_sentences(part: MeasuredMovement) -> list[str]:
    """One sentence for each pair of zones in which something moved along, and one for all in which nothing did."""
    sentences: list[str] = []
    still: list[str] = []
    unknown: list[str] = []
    for pair in dict.fromkeys(along.pair for along in part.along):
        found = [(along, along.found) for along in part.along if along.pair is pair and along.found is not None]
        seen = [f"{along_label(along)}: {_moved(moved, along.unit)}" for along, moved in found if moved.difference is not None]
        if seen:
            sentences.append(f"Movement {part.number}, {pair.name}: {'; '.join(seen)}.")
        else:
            (still if found else unknown).append(pair.name)
    if still:
        sentences.append(f"Movement {part.number}, {' and '.join(still)}: nothing above the gates.")
    if unknown:
        sentences.append(f"Movement {part.number}, {' and '.join(unknown)}: not measured, or the movement is too small.")
    return sentences


def _moved(moved: TwoValues, unit: str) -> str:
    form = "%+.3f" if unit == EYE_DISTANCES else "%+.2f"
    difference = moved.difference or 0.0
    side = "about the same on both sides" if abs(difference) < ALIKE else f"more on the {'left' if difference > 0 else 'right'}"
    return f"{side} (left {form % moved.left}, right {form % moved.right})"
