"""A face rendered with expressions of growing strength, through the models to the numbers of the page. Left is the subject's."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from face_mirror_au.report.movement_words import ONLY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STRENGTHS = (0.3, 0.6, 0.9)
SMILE = {"mouthSmile_L": 0.8, "mouthSmile_R": 0.8}
# Action and shapes of each movement, in the order of the clip.
MOVEMENTS = [
    *[("BS", {"mouthSmile_L": strength}) for strength in STRENGTHS],
    *[("ES", {"eyeBlink_R": strength}) for strength in STRENGTHS],
    *[("RE", {"browInnerUp_L": strength, "browOuterUp_L": strength}) for strength in STRENGTHS],
    *[("BS", {**SMILE, "eyeBlink_L": strength}) for strength in (0.0, *STRENGTHS)],
]
REST, MOVED = 6, 8  # frames
NAME = "strengths"


@pytest.fixture(scope="module")
def table(tmp_path_factory, shared_file):
    """The numbers of the page, of movements that a table names."""
    from training.render.clips import FRONTAL_LIGHT, sample_person, write_clip
    from training.render.ict import FaceModel
    from training.render.renderer import Pose, Scene, Studio, moved, render

    studio = Studio(FaceModel.load(shared_file("faces3d/ict.npz")))
    identity, appearance = sample_person(np.random.default_rng(4))
    rest = studio.model.identity(identity)
    person = studio.subject(rest, appearance, Pose(distance=60))
    background = render(Scene([], seed=4), (480, 360))[0]

    def picture(weights):
        subject = moved(person, studio.model.express(rest, weights), Pose(distance=60))
        return render(Scene([subject], lights=FRONTAL_LIGHT, background=background), (480, 360))[0]

    neutral = picture({})
    frames = [neutral] * REST
    for _, weights in MOVEMENTS:
        half, full = picture({name: value / 2 for name, value in weights.items()}), picture(weights)
        frames += [half, *[full] * (MOVED - 2), half, *[neutral] * REST]
    folder = tmp_path_factory.mktemp(NAME)
    write_clip(frames, folder / f"{NAME}.mp4")
    starts = [(REST + number * (REST + MOVED)) / 30 for number in range(len(MOVEMENTS))]
    rows = [f"{start:.3f},{start + (MOVED - 1) / 30 + 0.01:.3f},{code}" for start, (code, _) in zip(starts, MOVEMENTS, strict=True)]
    named = folder / "named.csv"
    named.write_text("start_s,end_s,action\n" + "\n".join(rows))
    environment = {**os.environ, "FACE_MIRROR_AU_WEIGHTS": str(shared_file("weights"))}
    for arguments in (
        [
            "run",
            folder / f"{NAME}.mp4",
            "-o",
            folder,
            "--profile",
            "open",
            "--views",
            "original,left,right",
            "--workers",
            "1",
            "--device",
            "cpu",
        ],
        ["report", folder / NAME, "--movements", named],
    ):
        command = [sys.executable, "-m", "face_mirror_au", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
    return pd.read_csv(folder / NAME / f"{NAME}.asymmetry.csv")


def rows(table, numbers, signal, measure="peak"):
    found = table[
        table["movement"].isin(numbers) & (table["signal"] == signal) & (table["measure"] == measure) & (table["sides"] == "mirrored")
    ]
    return found.sort_values("movement")


@pytest.mark.parametrize(
    ("numbers", "signal", "side", "gate"),
    [((1, 2, 3), "mouth_corner", "left", 0.03), ((4, 5, 6), "eye_closing", "right", 0.02), ((7, 8, 9), "brow_raise", "left", 0.02),
     ((1, 2, 3), "AU12", "left", 0.5), ((4, 5, 6), "AU45", "right", 0.5), ((7, 8, 9), "AU02", "left", 0.5)],
)  # fmt: skip
def test_a_measure_grows_with_the_expression_on_its_side_and_stays_on_the_other(table, numbers, signal, side, gate):
    found = rows(table, numbers, signal)
    moving, still = found[side], found["right" if side == "left" else "left"]
    assert len(found) == 3
    assert np.diff(moving).min() > 0.5 * gate, moving.tolist()
    assert moving.iloc[-1] > 2 * gate
    # Action units see up to a sixth of a movement on the side that keeps still: what the page calls "on one side only".
    assert (still < np.maximum(gate, ONLY * moving)).all(), still.tolist()
    sign = 1 if side == "left" else -1
    assert found["difference"].iloc[-1] * sign > 0.6


def test_an_eye_that_closes_with_the_smile_grows_on_its_side(table):
    found = rows(table, (10, 11, 12, 13), "eye_closing", "eye_with_mouth")
    assert np.isnan(found["difference"].iloc[0]), "the smile alone is below the gate"
    assert np.diff(found["left"]).min() > 0.008, found["left"].tolist()
    assert found["right"].max() < 0.02, found["right"].tolist()
    assert (found["difference"].iloc[2:] > 0.5).all()
