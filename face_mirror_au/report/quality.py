"""How far the recording can be trusted: frames measured and failed, and how straight the head was held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from face_mirror_au.asymmetry.yaw import ACCEPTABLE_YAW, GOOD_YAW
from face_mirror_au.records import FloatArray
from face_mirror_au.report.result import RunResult

VIEW_WORDS = {
    "original": "original picture",
    "left_mirrored": "the subject's left half, twice",
    "right_mirrored": "the subject's right half, twice",
}


@dataclass(frozen=True, slots=True)
class ViewQuality:
    """Frames of one view: how many were decoded, measured and failed, and why (reason to number)."""

    key: str
    name: str
    decoded: int
    measured: int
    failed: int
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class HeadPose:
    """The turn of the head to the side over the measured frames.

    Attributes
    ----------
    median_deg : float
        Median of the absolute yaw, degrees.
    good, acceptable : float
        Share of the measured frames within 3 and within 5 degrees, 0 to 1.
    verdict : str
        Of the median: "good", "acceptable" or "turned too far".
    """

    median_deg: float
    good: float
    acceptable: float
    verdict: str


def view_qualities(result: RunResult) -> list[ViewQuality]:
    """One for each view of the run, in the order of the raw table."""
    decoded, frames = len(result.time_s), result.metadata.get("frames")
    found = []
    for view, measured in result.measured.items():
        said = frames.get(view) if isinstance(frames, dict) else None
        reasons = said.get("reasons") if isinstance(said, dict) else None
        counts = reasons if isinstance(reasons, dict) else {}
        found.append(ViewQuality(view, VIEW_WORDS.get(view, view), decoded, measured, decoded - measured, counts))
    return found


def head_pose(yaw_deg: FloatArray | None) -> HeadPose | None:
    """Judge the yaw.

    Parameters
    ----------
    yaw_deg : ndarray, (N,) float64, or None
        Degrees; NaN without a face.

    Returns
    -------
    HeadPose or None
        None without any measured frame.
    """
    if yaw_deg is None or not np.isfinite(yaw_deg).any():
        return None
    turn = np.abs(yaw_deg[np.isfinite(yaw_deg)])
    median = float(np.median(turn))
    verdict = "good" if median <= GOOD_YAW else "acceptable" if median <= ACCEPTABLE_YAW else "turned too far"
    return HeadPose(median, float((turn <= GOOD_YAW).mean()), float((turn <= ACCEPTABLE_YAW).mean()), verdict)


def run_messages(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the run had to say: (kind, text) of its problems, warnings and notes."""
    found = []
    for key, kind in (("problems", "not whole"), ("warnings", "warning"), ("notes", "note")):
        texts = metadata.get(key)
        found += [(kind, str(text)) for text in (texts if isinstance(texts, list) else [])]
    losses = metadata.get("worker_losses")
    if isinstance(losses, list) and losses:
        found.append(("note", f"workers lost and replaced: {len(losses)}; their frames were done again"))
    return found
