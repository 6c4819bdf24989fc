"""How far the recording can be trusted: frames measured and failed, and what the run had to say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from face_mirror_au.asymmetry.answers import ENOUGH_FRAMES, MAX_YAW_DEG
from face_mirror_au.asymmetry.yaw import ACCEPTABLE_YAW, HeadPose
from face_mirror_au.results.result import RunResult, mapping_in

# As the page writes it.
_ON_PAGE = re.compile(r'data-badge="(good|care|unfit)"')
# Share of the frames that must be measured.
MOST_FRAMES = 0.9
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
class Badge:
    """What a recording is worth: `level` is "good", "care" or "unfit"; each problem comes with its remedy."""

    level: str
    problems: tuple[str, ...]

    @property
    def title(self) -> str:
        """In words."""
        return {"good": "Good recording.", "care": "Usable with care.", "unfit": "Not fit for left against right."}[self.level]


def badge(result: RunResult, pose: HeadPose | None) -> Badge:
    """Judge a recording by the frames that were measured, the turn of the head, its rest, and the warnings of the run."""
    problems = [(level, words) for level, words in (_seen(result), _turned(pose), _rested(result)) if words]
    problems += [("care", "The run gave a warning, see below.")] if any(kind != "note" for kind, _ in run_messages(result.metadata)) else []
    level = max((level for level, _ in problems), key=("care", "unfit").index, default="good")
    return Badge(level, tuple(words for _, words in problems))


def badge_on(page: Path) -> Badge | None:
    """The badge that a page shows, without its problems; None where the page has none or cannot be read."""
    try:
        found = _ON_PAGE.search(page.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return None if found is None else Badge(found[1], ())


def _seen(result: RunResult) -> tuple[str, str]:
    share = result.measured_share
    if share >= MOST_FRAMES:
        return "", ""
    words = f"A face was measured in {100 * share:.0f} % of the frames: film the whole face, well lit, in every frame."
    return "unfit" if share < ENOUGH_FRAMES else "care", words


def _turned(pose: HeadPose | None) -> tuple[str, str]:
    if pose is None or pose.median_deg <= ACCEPTABLE_YAW:
        return "", ""
    way = "right" if pose.signed_deg > 0 else "left"  # OpenFace's sign: the nose goes to the left of the picture
    words = f"The head was turned {pose.median_deg:.0f}° to the subject's {way}: film again, straight from the front."
    return "unfit" if pose.median_deg > MAX_YAW_DEG else "care", words


def _rested(result: RunResult) -> tuple[str, str]:
    warning = mapping_in(result.metadata, "rest").get("warning")
    return ("care", "No sure rest was found: let the face rest for two seconds first.") if warning else ("", "")


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
