"""Whether two runs can be compared at all: what makes their numbers different quantities, and what a reader must know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from face_mirror_au.asymmetry.change import ChangeRow, VisitsChange
from face_mirror_au.asymmetry.yaw import ACCEPTABLE_YAW, GOOD_YAW
from face_mirror_au.models.catalogue import BANKS
from face_mirror_au.records import View
from face_mirror_au.results.networks import detectors, landmark_sources, towards_symmetry
from face_mirror_au.results.result import RunResult, mapping_in

# Of a recording's frames, the share that must have been measured for a comparison not to warn.
ENOUGH_FRAMES = 0.9

# Of `models` in the metadata. With another one of these, an intensity of 2 is another thing.
_MUST_AGREE = {
    "profile": "model sets",
    "au_bank": "AU models",
    "au_bank_version": "versions of the AU models",
    "au_models": "kinds of AU models",
}
_BANK_FILES = tuple(kind.files for kind in BANKS.values())
# Versions that can move numbers; of the others, Python's say, nothing depends on.
_PROGRAMS = ("face-mirror-au", "onnxruntime", "cv2", "numpy", "av", "pyfhog")
_NETWORKS = {"detector": "face detector", "landmarks": "landmark model"}


def must_not_be_compared(first: RunResult, second: RunResult) -> list[str]:
    """Why the numbers of two runs are different quantities, one clause for each reason; empty when they are not."""
    models = [mapping_in(run.metadata, "models") for run in (first, second)]
    found = [_differ(words, *(found.get(key) for found in models)) for key, words in _MUST_AGREE.items() if _unequal(models, key)]
    hashes = [mapping_in(each, "sha256") for each in models]
    if not found and any(_unequal(hashes, name) for name in _BANK_FILES):
        found.append("the files of the AU models are not the same")
    return found


def to_be_known(first: RunResult, second: RunResult) -> list[str]:
    """What makes a comparison of two runs doubtful, one sentence for each."""
    runs = [first.metadata, second.metadata]
    found = [*_about_input(runs), *_about_rest(runs), *_about_networks(runs), *_about_settings(runs), *_about_programs(runs)]
    for key, words in (("mirrored", "mirrored halves"), ("unmirrored", "two sides in the unmirrored face")):
        there = [key in run.sides for run in (first, second)]
        if there[0] != there[1]:
            found.append(f"The {words} were measured at visit {1 if there[0] else 2} only and are not compared.")
    return found


def quality_doubts(change: VisitsChange) -> list[str]:
    """What is wrong with the recordings themselves, one sentence for each: frames without a face, a head turned to the side."""
    found = []
    counts = {(row.of, row.measure): row for row in change.quality}
    shares = [_shares(counts[view.value, "decoded"], counts[view.value, "measured"]) for view in View if (view.value, "decoded") in counts]
    for visit, found_shares in enumerate(zip(*shares, strict=True), 1):
        if min(found_shares) < ENOUGH_FRAMES:
            found.append(f"At visit {visit} not all frames were measured: {100 * min(found_shares):.0f} % in the picture that has fewest.")
    for visit, pose in enumerate(change.poses, 1):
        if pose is None:
            found.append(f"How far the head was turned at visit {visit} is not known.")
        elif pose.median_deg > ACCEPTABLE_YAW:
            found.append(
                f"At visit {visit} the head was turned too far to the side (more than {ACCEPTABLE_YAW:.0f}° in the median frame): the "
                "camera did not see the two sides alike."
            )
    yaw = counts["head", "yaw"].change
    if yaw is not None and abs(yaw) > GOOD_YAW:
        found.append(f"The head was held differently: its turn to the side differs by {abs(yaw):.1f}° between the visits.")
    return found


def _shares(decoded: ChangeRow, measured: ChangeRow) -> list[float]:
    pairs = ((decoded.visit_1, measured.visit_1), (decoded.visit_2, measured.visit_2))
    return [(there or 0.0) / total if total else 0.0 for total, there in pairs]


def _about_input(runs: list[Mapping[str, Any]]) -> list[str]:
    inputs = [mapping_in(run, "input") for run in runs]
    found = []
    if inputs[0].get("sha256") and not _unequal(inputs, "sha256"):
        found.append("Both visits are the same recording.")
    flipped = [bool(source.get("flipped_input")) for source in inputs]
    if flipped[0] != flipped[1]:
        visit = 1 if flipped[0] else 2
        found.append(f"The recording of visit {visit} was said to be a mirror image, the other one not: make sure that both are right.")
    return found


def _about_rest(runs: list[Mapping[str, Any]]) -> list[str]:
    # The seconds of `neutral:0-2.5` belong to one recording: only the kind must agree.
    kinds = [str(run.get("baseline", "not recorded")).partition(":")[0] for run in runs]
    return [_sentence(_differ("baselines (what counted as no movement)", *kinds))] if kinds[0] != kinds[1] else []


def _about_networks(runs: list[Mapping[str, Any]]) -> list[str]:
    models = [mapping_in(run, "models") for run in runs]
    hashes = [mapping_in(each, "sha256") for each in models]
    answered: list[Mapping[str, Any]] = [
        {"detector": ", ".join(detectors(each)) or None, "landmarks": ", ".join(landmark_sources(each)) or None} for each in models
    ]
    found = [
        _sentence(_differ(f"{words}s", *(each[key] for each in answered))) for key, words in _NETWORKS.items() if _unequal(answered, key)
    ]
    names = sorted({*hashes[0], *hashes[1]} - set(_BANK_FILES))
    if not found and any(_unequal(hashes, name) for name in names):
        found.append("The files of the face detector or the landmark model are not the same.")
    leaning = [towards_symmetry(each) for each in models]
    for name in dict.fromkeys(name for each in leaning for name in each):
        visits = " and ".join(str(visit) for visit, each in enumerate(leaning, 1) if name in each)
        found.append(f"Landmarks of {name} (visit {visits}) lean towards symmetry: it misses a one-sided blink or brow.")
    return found


def _about_settings(runs: list[Mapping[str, Any]]) -> list[str]:
    settings = [mapping_in(run, "settings") for run in runs]
    found = []
    if _unequal([mapping_in(each, "mirror") for each in settings], "landmarks"):
        found.append("The landmarks of the mirrored halves were found in different ways (--mirror-landmarks).")
    if _unequal([mapping_in(each, "mirror") for each in settings], "redetect"):
        found.append("The face was detected anew on the mirrored halves at one visit only (--redetect).")
    if _unequal(settings, "strict"):
        found.append("Failed frames took part in smoothing as zeros at one visit only (--openface-strict).")
    return found


def _about_programs(runs: list[Mapping[str, Any]]) -> list[str]:
    versions = [mapping_in(run, "versions") for run in runs]
    others = [
        f"{name} {_text(versions[0].get(name))}, then {_text(versions[1].get(name))}" for name in _PROGRAMS if _unequal(versions, name)
    ]
    return [f"Different versions of the software: {'; '.join(others)}. Measure both recordings with the same one."] if others else []


def _differ(words: str, first: object, second: object) -> str:
    return f"different {words}: {_text(first)} at visit 1, {_text(second)} at visit 2"


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."


def _text(value: object) -> str:
    return "none" if value is None else str(value)


def _unequal(contents: list[Mapping[str, Any]], key: str) -> bool:
    return bool(contents[0].get(key) != contents[1].get(key))
