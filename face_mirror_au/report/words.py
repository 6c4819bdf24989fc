"""What the page says in words: one sentence for each zone, and what the recording was measured with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from face_mirror_au.asymmetry.answers import Answer
from face_mirror_au.asymmetry.blinks import completeness
from face_mirror_au.asymmetry.comparison import GATE, SideMeasures, ZoneComparison
from face_mirror_au.asymmetry.landmarks import LANDMARK_MEASURES, Millimetres
from face_mirror_au.asymmetry.measures import Asymmetry
from face_mirror_au.asymmetry.whole import TOO_LITTLE
from face_mirror_au.asymmetry.zones import Zone
from face_mirror_au.models.catalogue import bank_of
from face_mirror_au.results.networks import detectors, landmark_sources, titles
from face_mirror_au.tables.columns import AU_NAMES

# A choice of words, not a clinical limit: it is printed on the page beside the sentences.
ALIKE = 0.10

NOT_MEASURED = "not measured by this bank"
NEVER_BOTH = "no frame was measured on both sides"
NO_SIDES = "its sides are not told apart in one picture by this bank"


def au_label(au: str) -> str:
    """An action unit with its name: "AU12 lip corner puller"."""
    return f"{au} {AU_NAMES[au]}"


def signal_label(key: str) -> str:
    """An action unit as `au_label`, a landmark measure by its name."""
    return next((measure.name for measure in LANDMARK_MEASURES if measure.key == key), None) or au_label(key)


def zone_sentence(zone: Zone, found: ZoneComparison | None, *, any_measured: bool) -> str:
    """Which side of a zone moved more, in one sentence; `any_measured`: whether any frame was measured on both sides."""
    name = zone.subject
    if found is None:
        return f"{name}: {NOT_MEASURED if any_measured else NEVER_BOTH}."
    sides = found.sides
    left, right = _at_most(sides.left, found.left_au), _at_most(sides.right, found.right_au)
    if sides.difference is None or sides.ratio is None:
        return f"{name}: {TOO_LITTLE} to compare the sides (at most {left} on the subject's left, {right} on the right)."
    # The zone is one number: what hides behind it is said.
    mixed = min(sides.left.peak, sides.right.peak) >= GATE and found.left_au != found.right_au
    but = " The two sides moved in different ways: look at the single action units." if mixed else ""
    if abs(sides.difference) < ALIKE:
        return f"{name} moved about the same on both sides: at most {left} on the subject's left, {right} on the right.{but}"
    more, less = ("left", "right") if sides.difference > 0 else ("right", "left")
    stronger, weaker = (left, right) if more == "left" else (right, left)
    return (
        f"{name} moved more on the subject's {more}: at most {stronger} there, {weaker} on the {less}. "
        f"The weaker side reached {100 * sides.ratio:.0f} % of the stronger one.{but}"
    )


def answer_sentence(zone: Zone, found: Answer) -> str:
    """Which side of a zone moved less, in one sentence with figures and their error."""
    name = zone.subject
    if found.weaker == "too little":
        return f"{name}: {TOO_LITTLE} to compare the sides ({answer_figures(found)})."
    if found.weaker == "alike":
        return f"{name} moved about the same on both sides ({answer_figures(found)})."
    if found.weaker == "unclear" and found.within_error:
        return f"{name}: no difference of the sides beyond its error ({answer_figures(found)})."
    if found.weaker == "unclear":
        return f"{name}: unclear which side moved less ({answer_figures(found)}): {found.why}."
    return f"{name}: the subject's {found.weaker} side is weaker ({answer_figures(found)})."


def answer_figures(found: Answer) -> str:
    """The peaks that an answer rests on, with the error of their difference."""
    sides = found.sides
    unit, form = (" mm", "%.1f") if found.in_mm else ("", "%.2f")
    known = (
        ""
        if found.error is None or sides.too_small
        else f", difference {form % abs(sides.left.peak - sides.right.peak)} ± {form % found.error}"
    )
    return f"{signal_label(found.au)}: {form % sides.left.peak}{unit} on the left, {form % sides.right.peak}{unit} on the right{known}"


def unshown_sentence(mirrored: ZoneComparison | None, unmirrored: ZoneComparison | None) -> str:
    """Where the mirrored halves of a zone name a stronger side and the unmirrored face does not name the same: that; else empty."""
    if mirrored is None or unmirrored is None:
        return ""
    named, sides = mirrored.sides.difference, unmirrored.sides
    if named is None or abs(named) < ALIKE:
        return ""
    found = sides.difference
    if found is not None and abs(found) >= ALIKE and found * named > 0:
        return ""
    return f"The unmirrored face does not show this: {sides.left.peak:.2f} on the left, {sides.right.peak:.2f} on the right."


def _at_most(side: SideMeasures, au: str) -> str:
    # Which unit is the largest of some that hardly moved says nothing.
    return f"{side.peak:.2f}" if side.peak < GATE else f"{side.peak:.2f} ({au_label(au)})"


def model_words(models: Mapping[str, Any]) -> str:
    """The model set in one sentence; `models` is that part of the metadata."""
    reason, detector, landmarks = _text(models, "reason"), titles(detectors(models)), titles(landmark_sources(models))
    return f"{_text(models, 'profile')}{f' ({reason})' if reason else ''}: {detector} found the face, {landmarks} its 68 landmarks"


def bank_words(models: Mapping[str, Any]) -> str:
    """The AU bank, and what its numbers were compared with."""
    if not has_bank(models):
        return "none: this model set has no action unit models, and nothing of them was measured"
    version = _text(models, "au_bank_version")
    how = {
        "dynamic": "dynamic models, which compare with the recording's own neutral face",
        "static": "static models, which know no neutral face",
    }.get(_text(models, "au_models"), "")
    return ", ".join(part for part in (_text(models, "au_bank"), version and f"version {version}", how) if part)


def scale_words(models: Mapping[str, Any]) -> str:
    """What an intensity of this bank may be compared with."""
    return bank_of(models).scale if has_bank(models) else "no intensities"


def blink_words(found: Asymmetry) -> str:
    """How many blinks there were, and how complete; empty where nobody looked."""
    shares, time_s = completeness(found.blinks), found.recording.time_s
    if found.recording.closures is None or len(time_s) < 2:
        return ""
    if shares is None:
        return "Blinks: none."
    minutes = float(time_s[-1] - time_s[0]) / 60
    rate = f" ({len(found.blinks) / minutes:.0f} a minute)" if minutes > 0 else ""
    left, right = (f"{100 * share:.0f} %" for share in shares)
    closed = f"the eyes closed by {left} of their opening on the left, {right} on the right (median, ± 10 %)"
    return f"Blinks: {len(found.blinks)}{rate}; {closed}."


def millimetre_words(scale: Millimetres) -> str:
    """How well the millimetres are known."""
    source = "from the irises and from adults' mean eye distance" if scale.from_iris else "from adults' mean eye distance"
    return f"Millimetres {source}: all of them may be {196 * scale.spread:.0f} % too large or too small together."


def has_bank(models: Mapping[str, Any]) -> bool:
    """Whether the run had AU models at all."""
    return _text(models, "au_bank") not in {"", "none"}


def baseline_words(models: Mapping[str, Any], baseline: str) -> str:
    """What counted as no movement."""
    if _text(models, "au_models") == "static":
        return "nothing of this recording: static models compare with no neutral face"
    if baseline.startswith("neutral:"):
        return f"the face in seconds {baseline.removeprefix('neutral:')}, named as rest"
    kind = bank_of(models)
    return {
        "own": f"each view's own {kind.neutral}: {kind.is_neutral}",
        "result": "the rest of another recording of the same person",
        "shared": f"the original view's {kind.neutral}, for all views",
    }.get(baseline, baseline)


def rest_words(rest: Mapping[str, Any]) -> str:
    """Where the recording rests: "0.3 to 1.1 s (1.9 s in all); found in the recording"; empty where nobody looked."""
    numbers = [rest.get(key) for key in ("start_s", "end_s", "seconds")]
    if not all(isinstance(number, int | float) for number in numbers):
        return ""
    start, end, seconds = (float(number) for number in numbers if number is not None)
    sure = rest.get("probability_wrong")
    how_sure = f"; {100 * (1 - float(sure)):.0f} % sure" if isinstance(sure, int | float) and sure > 0 else ""
    warning = f". {rest['warning']}" if rest.get("warning") else ""
    return f"{start:.1f} to {end:.1f} s ({seconds:.1f} s in all){how_sure}{warning}"


def _text(content: Mapping[str, Any], key: str) -> str:
    value = content.get(key)
    return "" if value is None else str(value)
