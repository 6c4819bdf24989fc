"""The open bank on real clips: which action units a known movement raises, stillness, and rank agreement with OpenFace's bank."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import ROOT
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.records import ALL_AUS, INTENSITY_AUS, FloatArray
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_weights import Store
from face_mirror_weights.errors import WeightsError

MEDIA = ROOT.parent / "shared" / "media"
# What happens when, seen by a person looking at the frames (numbers from 0, last not included).
SMILE_AT_REST, SMILE = slice(0, 16), slice(24, 66)
STILL = slice(0, 40)  # of default.wmv: looks at the camera, one blink


def final_intensities(store: Store, profile: str, clip: Path) -> FloatArray:
    """Final values of a clip, (N, a) float64."""
    with (
        tempfile.TemporaryDirectory() as folder,
        VideoRunner(plan_models(store, profile), RunSettings()) as runner,
        runner.run(clip, Path(folder)) as result,
    ):
        return np.array(result.table.intensity)


def demo_clip() -> Path | None:
    """The clip of `weights fetch demo-clip`: neutral to a broad smile; None when it was not fetched."""
    try:
        return Store.default(None).require("demo_clip", fetch="demo-clip")
    except WeightsError:
        return None


def movement_table(store: Store) -> str:
    """A neutral face that breaks into a broad smile, and a face that keeps still: final values of the open bank."""
    lines = ["\nreal faces: final values of the open bank", _head("what", "frames", aus=ALL_AUS), _rule(2, ALL_AUS)]
    clip = demo_clip()
    if clip is None:
        lines.append("| neutral to smile: not measured, run 'face-mirror-au weights fetch demo-clip' first |")
    else:
        values = final_intensities(store, "open", clip)
        lines.append(_row(("neutral, mean", "16"), values[SMILE_AT_REST].mean(axis=0)))
        lines.append(_row(("broad smile, mean", "42"), values[SMILE].mean(axis=0)))
    still = final_intensities(store, "open", MEDIA / "default.wmv")[STILL]
    lines.append(_row(("default.wmv at rest, mean", "40"), still.mean(axis=0)))
    lines.append(_row(("default.wmv at rest, standard deviation", "40"), still.std(axis=0)))
    return "\n".join(lines)


def agreement_table(store: Store) -> str:
    """Spearman's rank correlation of the two banks on the same landmarks; only where OpenFace's values move."""
    import pandas as pd

    clips = [MEDIA / "default.wmv", MEDIA / "changeLighting.wmv", demo_clip()]
    lines = ["\nrank agreement with OpenFace's bank on the same landmarks (- where OpenFace's values hardly move)", _head("clip"), _rule(1)]
    for clip in clips:
        if clip is None:
            continue
        ours, theirs = (final_intensities(store, profile, clip) for profile in ("open", "hybrid"))
        row = np.full(len(INTENSITY_AUS), np.nan)
        for column in range(len(INTENSITY_AUS)):
            if np.nanstd(theirs[:, column]) > 0.1 and np.isfinite(ours[:, column]).any():
                pair = pd.DataFrame({"ours": ours[:, column], "theirs": theirs[:, column]}).dropna()
                row[column] = pair.rank().corr().iloc[0, 1]
        lines.append(_row((clip.name if clip.parent == MEDIA else "neutral to smile",), row))
    return "\n".join(lines)


def _head(*first: str, aus: Sequence[str] = INTENSITY_AUS) -> str:
    return f"| {' | '.join((*first, *aus))} |"


def _rule(first: int, aus: Sequence[str] = INTENSITY_AUS) -> str:
    return "|---" * (first + len(aus)) + "|"


def _row(first: Sequence[str], values: FloatArray) -> str:
    return f"| {' | '.join((*first, *('-' if np.isnan(value) else f'{value:.2f}' for value in values)))} |"
