"""How far the recording can be trusted: frames measured and failed, and what the run had to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from face_mirror_au.results.result import RunResult, mapping_in

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


def view_qualities(result: RunResult) -> list[ViewQuality]:
    """One for each view of the run, in the order of the raw table."""
    decoded, frames = len(result.time_s), mapping_in(result.metadata, "frames")
    found = []
    for view, measured in result.measured.items():
        reasons = mapping_in(mapping_in(frames, view), "reasons")
        found.append(ViewQuality(view, VIEW_WORDS.get(view, view), decoded, measured, decoded - measured, reasons))
    return found


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
