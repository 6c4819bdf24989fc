"""The page: what stands on it, and how it becomes HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from face_mirror_au import __version__
from face_mirror_au.asymmetry.landmarks import LANDMARK_MEASURES
from face_mirror_au.asymmetry.measures import GATE
from face_mirror_au.asymmetry.yaw import ACCEPTABLE_YAW, GOOD_YAW
from face_mirror_au.models.catalogue import bank_of
from face_mirror_au.report import figures, words
from face_mirror_au.report.face_landmarks import REST_GATE
from face_mirror_au.report.measured import Measured
from face_mirror_au.report.networks import titles, towards_symmetry
from face_mirror_au.report.pictures import data_uri
from face_mirror_au.report.quality import VIEW_WORDS, HeadPose, head_pose, run_messages, view_qualities
from face_mirror_au.report.result import RunResult, mapping_in
from face_mirror_au.report.sections import APART, SidesSection, make_section
from face_mirror_au.report.svg import figure_settings
from face_mirror_au.report.template import render_template
from face_mirror_au.wording import counted, printable


def make_sections(result: RunResult) -> list[SidesSection]:
    """The comparisons that the run's files hold, the mirrored one first."""
    sources = {"mirrored": result.mirrored, "unmirrored": result.unmirrored}
    with figure_settings():
        return [make_section(key, result.time_s, sides) for key, sides in sources.items() if sides is not None]


def render(result: RunResult, sections: Iterable[SidesSection], pictures: Mapping[str, bytes], measured: Measured | None = None) -> str:
    """Return the whole page as HTML.

    Parameters
    ----------
    result : RunResult
    sections : iterable of SidesSection
        From `make_sections`.
    pictures : mapping of str to bytes
        Caption to PNG or JPEG; they become a part of the page.
    measured : Measured, optional
        Movements and landmarks; without them their sections are left out.

    Raises
    ------
    UsageError
        For a picture that is neither.
    """
    pose = head_pose(result.yaw_deg)
    shown = list(sections)
    return render_template(
        "page.html.j2",
        written_by=__version__,
        label=printable(result.stem),
        metadata=result.metadata,
        facts=recording_facts(result),
        versions=version_texts(result.metadata.get("versions")),
        bank=words.has_bank(mapping_in(result.metadata, "models")),
        own_scale=bank_of(mapping_in(result.metadata, "models")).own_scale,
        symmetric_landmarks=titles(towards_symmetry(mapping_in(result.metadata, "models"))),
        views=view_qualities(result),
        messages=run_messages(result.metadata),
        pose=pose,
        acceptable_pose=pose is None or pose.median_deg <= ACCEPTABLE_YAW,
        over_time=len(result.time_s) > 1,
        yaw=_yaw(result, pose),
        sections=shown,
        unshown=_unshown(shown),
        pictures={caption: data_uri(picture) for caption, picture in pictures.items()},
        measured=measured,
        # Pictures of one moment stand in one row, two moments in one where the original's are not there.
        pictures_across="three" if any(VIEW_WORDS["original"] in caption for caption in pictures) else "four",
        gate=GATE,
        landmark_measures=LANDMARK_MEASURES,
        rest_gate=REST_GATE,
        alike=words.ALIKE,
        apart=APART,
        good_yaw=GOOD_YAW,
        acceptable_yaw=ACCEPTABLE_YAW,
        not_measured=words.NOT_MEASURED,
        never_both=words.NEVER_BOTH,
        too_little=words.TOO_LITTLE,
    )


def _unshown(sections: Sequence[SidesSection]) -> dict[str, str]:
    """For each zone, what the unmirrored face does not show of what the mirrored halves do; empty where it does, or is not there."""
    first, *others = sections
    unmirrored = others[0].measured_zones if others else {}
    return {key: words.unshown_sentence(found, unmirrored.get(key)) for key, found in first.measured_zones.items()}


def _yaw(result: RunResult, pose: HeadPose | None) -> str:
    if pose is None or result.yaw_deg is None or len(result.time_s) < 2:
        return ""
    description = f"Turn of the head to the side over time, median {pose.median_deg:.1f} degrees, with lines at 3 and 5 degrees."
    with figure_settings():
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
    if mapping_in(result.metadata, "settings").get("strict"):
        facts["Failed frames"] = "took part in smoothing as zeros, as OpenFace does it (--openface-strict)"
    if source.get("sha256"):
        facts["SHA-256"] = str(source["sha256"])
    return facts


def version_texts(content: object) -> dict[str, str]:
    """Names and versions; what is not installed is left out."""
    return {str(key): str(value) for key, value in content.items() if value is not None} if isinstance(content, dict) else {}
