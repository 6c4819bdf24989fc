"""The page: what stands on it, and how it becomes HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from face_mirror_au import __version__
from face_mirror_au.asymmetry.comparison import APART_S, GATE
from face_mirror_au.asymmetry.in_movement import MeasuredMovement
from face_mirror_au.asymmetry.landmarks import LANDMARK_MEASURES
from face_mirror_au.asymmetry.measures import Asymmetry
from face_mirror_au.asymmetry.whole import REST_GATE, TOO_LITTLE, Lengths
from face_mirror_au.asymmetry.yaw import ACCEPTABLE_YAW, GOOD_YAW, HeadPose, head_pose
from face_mirror_au.asymmetry.zones import OTHER_AUS, ZONES
from face_mirror_au.models.catalogue import bank_of
from face_mirror_au.report import figures, movement_words, words
from face_mirror_au.report.pictures import data_uri
from face_mirror_au.report.quality import VIEW_WORDS, badge, run_messages, view_qualities
from face_mirror_au.report.sections import SidesSection, draw_lengths, draw_sides
from face_mirror_au.report.summary import shape_rows, summary_rows
from face_mirror_au.report.svg import figure_settings
from face_mirror_au.report.template import render_template
from face_mirror_au.results.asymmetry import MeasuredResult
from face_mirror_au.results.networks import titles, towards_symmetry
from face_mirror_au.results.result import RunResult, mapping_in
from face_mirror_au.wording import counted, printable

if TYPE_CHECKING:
    from markupsafe import Markup

ZONE_KEYS = frozenset(zone.key for zone in ZONES)
MAX_BARS = 30  # movements: more make a figure that is longer than two screens, and the table has them all


def render(measured: MeasuredResult, pictures: Mapping[str, bytes], summary_pictures: Mapping[str, bytes] | None = None) -> str:
    """Draw a result and return the whole page as HTML.

    `pictures`, and the few of the first screen, are captions to PNG or JPEG, which become a part of the page; raises UsageError for one
    that is neither.
    """
    result, found = measured.result, measured.asymmetry
    rows = summary_rows(found)
    pose = head_pose(result.yaw_deg)
    models = mapping_in(result.metadata, "models")
    with figure_settings():
        sections = [draw_sides(result.time_s, result.sides[each.key], each) for each in found.sides]
        length_curves = draw_lengths(result.time_s, found.lengths) if isinstance(found.lengths, Lengths) else {}
        movement_bars, yaw = _movement_bars(found.movements), _yaw(result, pose)
    return render_template(
        "page.html.j2",
        written_by=__version__,
        label=printable(result.stem),
        metadata=result.metadata,
        facts=recording_facts(result),
        versions=version_texts(result.metadata.get("versions")),
        bank=words.has_bank(models),
        own_scale=bank_of(models).own_scale,
        symmetric_landmarks=titles(towards_symmetry(models)),
        views=view_qualities(result),
        messages=run_messages(result.metadata),
        pose=pose,
        acceptable_pose=pose is None or pose.median_deg <= ACCEPTABLE_YAW,
        over_time=len(result.time_s) > 1,
        yaw=yaw,
        zones=ZONES,
        other_aus=OTHER_AUS,
        sections=sections,
        glance=_glance(found, sections),
        answered=bool(found.recording.side_errors),
        summary=rows,
        by_zone={row.key: row for row in rows},
        by_movement=any(row.key not in ZONE_KEYS for row in rows),
        shape=shape_rows(found),
        scale_words=words.millimetre_words(found.lengths.scale) if isinstance(found.lengths, Lengths) else "",
        blinks=words.blink_words(found),
        badge=badge(result, pose),
        summary_pictures={caption: data_uri(picture) for caption, picture in (summary_pictures or {}).items()},
        pictures={caption: data_uri(picture) for caption, picture in pictures.items()},
        movements_file=measured.movements_file,
        unproposable=result.unproposable,
        movements=found.movements,
        movement_bars=movement_bars,
        movement_words=movement_words,
        signal_label=words.signal_label,
        lengths=found.lengths,
        length_curves=length_curves,
        at_rest=found.at_rest,
        # Pictures of one moment stand in one row, two moments in one where the original's are not there.
        pictures_across="three" if any(VIEW_WORDS["original"] in caption for caption in pictures) else "four",
        gate=GATE,
        landmark_measures=LANDMARK_MEASURES,
        rest_gate=REST_GATE,
        alike=words.ALIKE,
        apart=APART_S,
        good_yaw=GOOD_YAW,
        acceptable_yaw=ACCEPTABLE_YAW,
        not_measured=words.NOT_MEASURED,
        never_both=words.NEVER_BOTH,
        too_little=TOO_LITTLE,
    )


def _movement_bars(movements: Sequence[MeasuredMovement]) -> Markup | None:
    """The peaks of all movements; None without any, and where they are too many."""
    shown = [(f"{part.number}: {part.movement.action.word}", part.main.sides) for part in movements if part.main is not None]
    if not 0 < len(shown) <= MAX_BARS:
        return None
    top = figures.common_top([sides.larger.peak for _, sides in shown])
    return figures.bars(shown, top, "movement-bars", " ".join(map(movement_words.sentence, movements)))


def _glance(found: Asymmetry, sections: Sequence[SidesSection]) -> dict[str, str]:
    """A sentence for each zone: the answer where the error of the difference is known, else which side of the first section moved more."""
    first, *others = found.sides
    sentences = {}
    for zone in ZONES:
        answer = found.answers.zones.get(zone.key)
        if found.recording.side_errors and answer is not None:
            sentences[zone.key] = words.answer_sentence(zone, answer)
            continue
        unshown = words.unshown_sentence(first.zones[zone.key], others[0].zones[zone.key] if others else None)
        sentences[zone.key] = f"{sections[0].sentence(zone)} {unshown}".strip()
    return sentences


def _yaw(result: RunResult, pose: HeadPose | None) -> str:
    if pose is None or result.yaw_deg is None or len(result.time_s) < 2:
        return ""
    description = f"Turn of the head to the side over time, median {pose.median_deg:.1f} degrees, with lines at 3 and 5 degrees."
    return figures.yaw_curve(result.time_s, result.yaw_deg, "yaw", description)


def recording_facts(result: RunResult) -> dict[str, str]:
    """What was measured and with what, in words."""
    source, models = mapping_in(result.metadata, "input"), mapping_in(result.metadata, "models")
    seconds = float(result.time_s[-1] - result.time_s[0])
    facts = {
        "Recording": f"{source.get('kind', 'recording')}, {source.get('width', '?')} x {source.get('height', '?')} pixels, "
        f"{counted(len(result.time_s), 'frame')} over {seconds:.2f} s (times from: {source.get('timestamps', 'not recorded')})",
        "Left and right": "the subject's own"
        + (": the recording was a mirror image and was turned back" if source.get("flipped_input") else ""),
        "Model set": words.model_words(models),
        "Action unit bank": words.bank_words(models),
        "Scale": words.scale_words(models),
        "No movement is": words.baseline_words(models, str(result.metadata.get("baseline", "not recorded"))),
    }
    if rest := words.rest_words(mapping_in(result.metadata, "rest")):
        facts["Rest"] = rest
    if mapping_in(result.metadata, "settings").get("strict"):
        facts["Failed frames"] = "took part in smoothing as zeros, as OpenFace does it (--openface-strict)"
    if source.get("sha256"):
        facts["SHA-256"] = str(source["sha256"])
    return facts


def version_texts(content: object) -> dict[str, str]:
    """Names and versions; what is not installed is left out."""
    return {str(key): str(value) for key, value in content.items() if value is not None} if isinstance(content, dict) else {}
