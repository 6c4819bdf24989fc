"""The record of a live session: with what it was measured, which pictures were, and that the values are provisional."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from face_mirror_au.live.cameras import Camera
from face_mirror_au.live.session import LiveCounts
from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.pipeline.model_set import ModelPlan
from face_mirror_au.results.metadata import versions, write_metadata
from face_mirror_au.run.settings import RunSettings
from face_mirror_au.tables import dictionary
from face_mirror_au.tables.formats import LIVE, LIVE_SIDES

WHAT = "PROVISIONAL online values: compared with the neutral face known by then; other quantities than the final values of a run"


def write_record(
    path: Path,
    plan: ModelPlan,
    settings: RunSettings,
    camera: Camera,
    counts: LiveCounts,
    *,
    kind: str,
    policy: str,
    device: dict[str, object],
    files: Sequence[str],
) -> None:
    """Write `<stem>.live.json`. Raises OutputError."""
    write_metadata(
        path,
        {
            "provisional": True,
            "values": WHAT,
            "input": {
                "kind": kind,
                "width": camera.width,
                "height": camera.height,
                "rate": camera.rate,
                "flipped_input": settings.flipped_input,
            },
            "policy": policy,
            "frames": {
                "seen": counts.seen,
                "measured": counts.measured,
                "failed": counts.failed.total(),
                "reasons": counts.failed,
                "dropped": counts.dropped,
            },
            "seconds": counts.seconds,
            "frames_per_second": counts.rate,
            "ended": counts.ended,
            "problems": camera.problems,
            "warnings": [*plan.warnings, *counts.warnings],
            "versions": versions(),
            "models": plan.described() | plan.described_bank(plan.models_for(single_image=False)),
            "device": device,
            "settings": {
                "detect_every": settings.detect_every,
                "max_side": settings.max_side,
                "views": [view.value for view in settings.views],
                "blocked": settings.blocked,
            },
            "baseline": str(settings.baseline),
            "files": files,
        },
    )


def write_dictionary(path: Path, table: str, plan: ModelPlan, bank: AUBank) -> None:
    """Write `<stem>.live.columns.csv`. Raises OutputError."""
    held = [(table, LIVE_SIDES if bank.has_sides else LIVE)]
    dictionary.write_dictionary(path, held, bank.name, empty=plan.left_empty(plan.models_for(single_image=False)))
