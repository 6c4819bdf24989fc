"""Whether runs can be compared at all: what makes their numbers different quantities, and what a reader must know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from face_mirror_au.asymmetry.change import ChangeRow, VisitsChange, at_visits
from face_mirror_au.asymmetry.yaw import ACCEPTABLE_YAW, GOOD_YAW
from face_mirror_au.models.catalogue import BANKS
from face_mirror_au.records import FloatArray, View
from face_mirror_au.results.networks import detectors, landmark_sources, towards_symmetry
from face_mirror_au.results.result import RunResult, mapping_in

# Of a recording's frames, the share that must have been measured for a comparison not to warn.
ENOUGH_FRAMES = 0.9
# Frame rates that differ by less than this factor are alike.
RATES_ALIKE = 1.2

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


def must_not_be_compared(runs: Sequence[RunResult]) -> list[str]:
    """Why the numbers of runs are different quantities, one clause for each reason; empty when they are not."""
    models = [mapping_in(run.metadata, "models") for run in runs]
    found = [_differ(words, [found.get(key) for found in models]) for key, words in _MUST_AGREE.items() if _unequal(models, key)]
    hashes = [mapping_in(each, "sha256") for each in models]
    if not found and any(_unequal(hashes, name) for name in _BANK_FILES):
        found.append("the files of the AU models are not the same")
    return found


def to_be_known(visits: Sequence[RunResult]) -> list[str]:
    """What makes a comparison of runs doubtful, one sentence for each."""
    runs = [run.metadata for run in visits]
    found = [*_about_input(runs), *_about_rest(runs), *_about_networks(runs), *_about_settings(runs), *_about_programs(runs)]
    for key, words in (("mirrored", "mirrored halves"), ("unmirrored", "two sides in the unmirrored face")):
        there = [number for number, run in enumerate(visits, 1) if key in run.sides]
        if there and len(there) < len(visits):
            found.append(f"The {words} were measured at {at_visits(there)} only and are not compared.")
    return found


def quality_doubts(change: VisitsChange, times: Sequence[FloatArray]) -> list[str]:
    """What is wrong with the recordings themselves, one sentence for each: frames without a face, a head turned to the side, frame rates.

    `times` are those of the frames of each visit, s.
    """
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
    yaws = [yaw for yaw in counts["head", "yaw"].visits if yaw is not None]
    if yaws and max(yaws) - min(yaws) > GOOD_YAW:
        found.append(f"The head was held differently: its turn to the side differs by {max(yaws) - min(yaws):.1f}° between the visits.")
    rates = [_rate(each) for each in times]
    known = [rate for rate in rates if rate > 0]
    if known and max(known) > RATES_ALIKE * min(known):
        told = _by_visit([f"{rate:.0f} frames a second" if rate else "no rate" for rate in rates])
        found.append(f"Different frame rates: {told}. A quick movement is seen less well at the lower one.")
    return found


def _rate(time_s: FloatArray) -> float:
    """Frames per second; 0 for a single one."""
    step = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.0
    return 1 / step if step > 0 else 0.0


def _shares(decoded: ChangeRow, measured: ChangeRow) -> list[float]:
    return [(there or 0.0) / total if total else 0.0 for total, there in zip(decoded.visits, measured.visits, strict=True)]


def _about_input(runs: list[Mapping[str, Any]]) -> list[str]:
    inputs = [mapping_in(run, "input") for run in runs]
    found = []
    hashes = [source.get("sha256") for source in inputs]
    for same in dict.fromkeys(one for one in hashes if one and hashes.count(one) > 1):
        visits = [number for number, one in enumerate(hashes, 1) if one == same]
        found.append(f"{'Both visits' if len(runs) == 2 else at_visits(visits).capitalize()} are the same recording.")
    flipped = [number for number, source in enumerate(inputs, 1) if source.get("flipped_input")]
    if flipped and len(flipped) < len(inputs):
        others = "the other one not: make sure that both" if len(inputs) == 2 else "the others not: make sure that all"
        found.append(f"The recording of {at_visits(flipped)} was said to be a mirror image, {others} are right.")
    return found


def _about_rest(runs: list[Mapping[str, Any]]) -> list[str]:
    # The seconds of `neutral:0-2.5` belong to one recording: only the kind must agree.
    kinds = [str(run.get("baseline", "not recorded")).partition(":")[0] for run in runs]
    return [_sentence(_differ("baselines (what counted as no movement)", kinds))] if len(set(kinds)) > 1 else []


def _about_networks(runs: list[Mapping[str, Any]]) -> list[str]:
    models = [mapping_in(run, "models") for run in runs]
    hashes = [mapping_in(each, "sha256") for each in models]
    answered: list[Mapping[str, Any]] = [
        {"detector": ", ".join(detectors(each)) or None, "landmarks": ", ".join(landmark_sources(each)) or None} for each in models
    ]
    found = [
        _sentence(_differ(f"{words}s", [each[key] for each in answered])) for key, words in _NETWORKS.items() if _unequal(answered, key)
    ]
    names = sorted(set().union(*hashes) - set(_BANK_FILES))
    if not found and any(_unequal(hashes, name) for name in names):
        found.append("The files of the face detector or the landmark model are not the same.")
    leaning = [towards_symmetry(each) for each in models]
    for name in dict.fromkeys(name for each in leaning for name in each):
        visits = at_visits([visit for visit, each in enumerate(leaning, 1) if name in each])
        found.append(f"Landmarks of {name} ({visits}) lean towards symmetry: it misses a one-sided blink or brow.")
    return found


def _about_settings(runs: list[Mapping[str, Any]]) -> list[str]:
    settings = [mapping_in(run, "settings") for run in runs]
    found = []
    if _unequal([mapping_in(each, "mirror") for each in settings], "landmarks"):
        found.append("The landmarks of the mirrored halves were found in different ways (--mirror-landmarks).")
    if _unequal([mapping_in(each, "mirror") for each in settings], "redetect"):
        found.append("The face was detected anew on the mirrored halves at some visits only (--redetect).")
    if _unequal(settings, "strict"):
        found.append("Failed frames took part in smoothing as zeros at some visits only (--openface-strict).")
    return found


def _about_programs(runs: list[Mapping[str, Any]]) -> list[str]:
    versions = [mapping_in(run, "versions") for run in runs]
    others = [f"{name} {_then([each.get(name) for each in versions])}" for name in _PROGRAMS if _unequal(versions, name)]
    return [f"Different versions of the software: {'; '.join(others)}. Measure all recordings with the same one."] if others else []


def _then(values: Sequence[object]) -> str:
    """Values in the order of the visits: "0.1.0, then 0.2.0"."""
    return ", then ".join(map(_text, values))


def _differ(words: str, values: Sequence[object]) -> str:
    return f"different {words}: {_by_visit([_text(value) for value in values])}"


def _by_visit(values: Sequence[str]) -> str:
    """Values with the visits that have them: "30 at visit 1 and 3, 25 at visit 2"."""
    return ", ".join(f"{one} at {at_visits([n for n, each in enumerate(values, 1) if each == one])}" for one in dict.fromkeys(values))


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."


def _text(value: object) -> str:
    return "none" if value is None else str(value)


def _unequal(contents: Sequence[Mapping[str, Any]], key: str) -> bool:
    return any(each.get(key) != contents[0].get(key) for each in contents)
