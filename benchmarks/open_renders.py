"""Held-out renders through the pipeline and the open bank."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.models.open_bank import PDM_FEATURES, OpenBank
from face_mirror_au.numerics.final_values import MAX_INTENSITY
from face_mirror_au.records import ALL_AUS, FloatArray
from training.dataset import Dataset, make_dataset
from training.fit import relative_to_rest

_MAKE = """
import sys
from pathlib import Path
from training.dataset import make_dataset
mesh, weights, folder = map(Path, sys.argv[1:4])
make_dataset(mesh, weights, folder, int(sys.argv[4]), int(sys.argv[5]), workers=2)
"""


@dataclass(frozen=True)
class HeldOut:
    """N measured frames with their truth.

    Attributes
    ----------
    truth : ndarray, (N, 2, 22) float64
        Left and right, relative to the person's rest, clipped to an intensity's range.
    absolute_truth : ndarray, (N, 2, 22) float64
        The same, not relative.
    dynamic, static : ndarray, (N, 2, 22) float64
        What the bank says, clipped likewise; of every predictor, also of those that are left empty.
    raw_dynamic, raw_static : ndarray, (N, 2, 22) float64
        Not clipped.
    at_rest : ndarray, (N,) bool
    angles : ndarray, (N, 3) float64
        Yaw, pitch, roll, degrees.
    people : int
    """

    truth: FloatArray
    absolute_truth: FloatArray
    raw_dynamic: FloatArray
    raw_static: FloatArray
    at_rest: NDArray[np.bool_]
    angles: FloatArray
    people: int

    @property
    def dynamic(self) -> FloatArray:
        """Of the dynamic predictors."""
        return np.clip(self.raw_dynamic, 0.0, MAX_INTENSITY)

    def whole(self, form: str) -> FloatArray:
        """The whole face's intensities, (N, 22): the mean of the sides, then clipped, as the tables have them."""
        raw = self.raw_dynamic if form == "dynamic" else self.raw_static
        return np.clip(raw.mean(axis=1), 0.0, MAX_INTENSITY)


def held_out(bank: OpenBank, mesh: Path, weights: Path, folder: Path, seed: int, recordings: int) -> HeldOut:
    """Render people that no training has seen, and measure them. As in a video, each person's rest is the reference."""
    # In a process of its own: its workers import what their parent ran as main, and this folder is not on their path.
    subprocess.run([sys.executable, "-c", _MAKE, mesh, weights, folder, str(seed), str(recordings)], check=True)
    data = make_dataset(mesh, weights, folder, seed, recordings, workers=1)
    n_aus = len(ALL_AUS)
    relative = relative_to_rest(data.intensities.reshape(len(data), -1), data).reshape(-1, 2, n_aus)
    raw = {form: _predict(bank, form, data) for form in ("dynamic", "static")}
    dynamic = relative_to_rest(raw["dynamic"].reshape(len(data), -1), data).reshape(-1, 2, n_aus)
    return HeldOut(
        truth=np.clip(relative, 0.0, MAX_INTENSITY),
        absolute_truth=np.clip(data.intensities, 0.0, MAX_INTENSITY),
        raw_dynamic=dynamic,
        raw_static=raw["static"],
        at_rest=data.at_rest,
        angles=data.angles,
        people=recordings,
    )


def _predict(bank: OpenBank, form: str, data: Dataset) -> FloatArray:
    """Raw values of all predictors, (N, 2, 22); dynamic ones relative to the median of each recording's rest."""
    # Those that tables leave empty are judged, too.
    predictors = replace(bank, known={form: np.ones((2, len(ALL_AUS)), bool)}).au_bank(form)
    found = np.empty((len(data), 2, len(ALL_AUS)))
    for number in np.unique(data.recording):
        rows = np.flatnonzero(data.recording == number)
        parameters = bank.mesh_shape.parameters(data.mesh[rows])
        descriptors = np.concatenate([data.hog[rows], np.zeros((len(rows), PDM_FEATURES)), parameters], axis=1)
        resting = data.at_rest[rows]
        neutral = np.median(descriptors[resting if resting.any() else slice(None)], axis=0)
        found[rows] = predictors.predict(descriptors, predictors.offsets(neutral))[0][:, predictors.side_columns]
    return found
