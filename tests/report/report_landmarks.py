"""Landmarks of a rendered face for a run's folder made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from face_mirror_au.numerics.reflection import midline_of_landmarks, reflect_landmarks
from face_mirror_au.records import View

CLIPS = Path(__file__).resolve().parents[1] / "clips"
# Of the 56 frames of a clip (rest, rise, hold, fall, rest): as many as the folder has.
FRAMES = [0, 4, 8, 16, 20, 26, 20, 16, 8, 4, 2, 1]


def true_points(clip):
    """(12, 68, 2) float32 px."""
    return np.load(CLIPS / f"{clip}.npz")["landmarks"][FRAMES, 0]


def add_landmarks(folder, points, stem="p"):
    """Put landmarks into the tables of all three views; rows without a face stay empty."""
    for view in (View.ORIGINAL, View.LEFT_MIRRORED, View.RIGHT_MIRRORED):
        path = folder / (f"{stem}.csv" if view is View.ORIGINAL else f"{stem}_{view.value}.csv")
        if not path.exists():
            continue
        seen = points if view is View.ORIGINAL else np.stack([reflect_landmarks(one, midline_of_landmarks(one), view) for one in points])
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        cells = np.where(
            table["success"].to_numpy()[:, None] == "1", np.char.mod("%.2f", seen.transpose(0, 2, 1).reshape(len(seen), -1)), ""
        )
        names = [f"{axis}_{point}" for axis in "xy" for point in range(68)]
        pd.concat([table, pd.DataFrame(cells, columns=names)], axis=1).to_csv(path, index=False)
    return folder
