"""The rest of a recording, as it is told, kept in the metadata, and taken from another recording of the same person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from face_mirror_au.errors import UsageError
from face_mirror_au.files import display_name
from face_mirror_au.numerics.rest import Rest
from face_mirror_au.pipeline.baseline import RESULT, Baseline, OtherRest
from face_mirror_au.pipeline.model_set import ModelPlan
from face_mirror_au.records import View
from face_mirror_au.results.earlier import read_metadata
from face_mirror_au.results.result import find_result

_ADVICE = "name the seconds at which the face is at rest (--baseline neutral:START-END), or film some seconds of rest first"


def rest_words(rest: Rest) -> str:
    """Where it is: "rest: 0.3 to 1.1 s", and how long in all where there is more."""
    stretch = f"rest: {rest.start_s:.1f} to {rest.end_s:.1f} s"
    others = len(rest.stretches) - 1
    return f"{stretch}, and {others} more {'stretch' if others == 1 else 'stretches'}" if others > 0 else stretch


def rest_warning(rest: Rest) -> str:
    """What to warn of, and what to do; empty where there is nothing."""
    return f"{rest.warning}: what is counted from its rest may be wrong; {_ADVICE}" if rest.warning else ""


def described_rest(rest: Rest, views: Mapping[View, OtherRest]) -> dict[str, object]:
    """What metadata say of it, and what another recording of the person needs to be counted from it."""
    return {
        "start_s": round(rest.start_s, 3),
        "end_s": round(rest.end_s, 3),
        "seconds": round(rest.seconds, 3),
        "probability_wrong": round(rest.wrong, 3),
        "warning": rest.warning,
        "stretches": [[round(start, 3), round(end, 3)] for start, end in rest.stretches],
        "views": stored_rests({view.value: of for view, of in views.items()}),
    }


def stored_rests(rests: Mapping[str, OtherRest]) -> dict[str, object]:
    """The rests of views for JSON."""
    return {view: {"levels": of.levels, "open_at_rest": of.open_at_rest} for view, of in rests.items()}


def rests_of(stored: Mapping[str, Any]) -> dict[str, OtherRest]:
    """What `stored_rests` made, read back. Raises KeyError, TypeError or ValueError where it is something else."""
    return {view: OtherRest(np.array(of["levels"], np.float64), np.array(of["open_at_rest"], np.float64)) for view, of in stored.items()}


def with_other_rest(baseline: Baseline, plan: ModelPlan, views: Sequence[View]) -> Baseline:
    """The baseline, with the rest of the recording that it names read, for each of the views.

    Raises
    ------
    UsageError
        When the folder holds no rest, or that was measured with other models.
    ResultError
        When the folder holds no result, or several.
    """
    if baseline.kind != RESULT or baseline.others:
        return baseline
    folder, stem = find_result(Path(baseline.folder))
    name = display_name(folder)
    metadata = read_metadata(folder / f"{stem}.csv") or {}
    theirs = _mapping(metadata, "models")
    if _mapping(theirs, "sha256") != dict(plan.hashes):
        raise UsageError(
            f"the result in '{name}' was measured with other models (profile {theirs.get('profile', 'unknown')}, not {plan.profile}); "
            "measure that recording with these, or name another one",
            "baseline",
        )
    stored = _mapping(_mapping(metadata, "rest"), "views")
    try:
        others = rests_of(stored)
    except (KeyError, TypeError, ValueError):
        others = {}
    missing = [view.value for view in views if view.value not in others]
    if others and missing:
        raise UsageError(
            f"the result in '{name}' has no view {missing[0]}; measure that recording with the same views, or this one without", "baseline"
        )
    if not others:
        raise UsageError(
            f"the result in '{name}' holds no rest (a single image, --openface-strict, or an older version); measure that recording again",
            "baseline",
        )
    return replace(baseline, others=others)


def _mapping(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = content.get(key)
    return found if isinstance(found, dict) else {}
