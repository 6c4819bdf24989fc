"""How a whole run agrees with C++ OpenFace's own, which has another landmark detector. For the tests and `benchmarks.end_to_end`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from face_mirror_au.records import INTENSITY_AUS, N_LANDMARKS

MOVING = 0.05
RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 36, 45


@dataclass(frozen=True)
class RunAgreement:
    """A run against C++ OpenFace's.

    Attributes
    ----------
    correlations : dict
        AU to correlation of the final intensities, for the AUs that move.
    landmark_distance : float
        Mean distance of the landmarks, in outer-eye distances.
    """

    correlations: dict[str, float]
    landmark_distance: float

    @property
    def mean_correlation(self) -> float:
        """Over the AUs that move."""
        return float(np.mean(list(self.correlations.values())))


def compare_runs(ours: Path, theirs: Path) -> RunAgreement:
    """Compare two OpenFace-style CSVs of the same video."""
    mine, truth = pd.read_csv(ours), pd.read_csv(theirs)
    if len(mine) != len(truth):
        raise AssertionError(f"{len(mine)} rows for {len(truth)}")
    correlations = {}
    for name in INTENSITY_AUS:
        expected = truth[f"{name}_r"].to_numpy()
        if expected.std() > MOVING:
            found = mine[f"{name}_r"].to_numpy()
            # A constant has no correlation; where the truth moves it agrees in nothing.
            correlations[name] = float(np.corrcoef(found, expected)[0, 1]) if found.std() > 0.0 else 0.0
    points, expected_points = _points(mine), _points(truth)
    eyes = np.linalg.norm(expected_points[:, RIGHT_EYE_OUTER] - expected_points[:, LEFT_EYE_OUTER], axis=1)
    distance = np.linalg.norm(points - expected_points, axis=2).mean(axis=1) / eyes
    return RunAgreement(correlations, float(distance.mean()))


def _points(table: pd.DataFrame) -> np.ndarray:
    axes = [table[[f"{axis}_{i}" for i in range(N_LANDMARKS)]].to_numpy() for axis in "xy"]
    return np.stack(axes, axis=-1)
