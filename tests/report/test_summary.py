"""The first screen: one row for each part of the face or movement, the quality of the recording, and what a wrong side would look like."""

from __future__ import annotations

import re

import numpy as np
import pytest
from report_folder import BUMP, Page, make_run, metadata, values

from face_mirror_au.asymmetry.landmarks import EYE_DISTANCE_MM, IRIS_MM, millimetres
from face_mirror_au.report.write import write_report

MODELS = {"profile": "open", "au_bank": "face-mirror-au open bank", "side_errors": {"AU12": 0.5, "AU45": 0.3}}


def run(folder, left=BUMP, right=BUMP / 3, **more):
    models = metadata()["models"] | MODELS
    return make_run(
        folder, sides=(values(AU12=left), values(AU12=right)), left=values(AU12=left), right=values(AU12=right), models=models, **more
    )


def page(folder):
    return Page(write_report(folder, "p").read_text(encoding="utf-8"))


def weaker(text):
    return dict(re.findall(r'data-summary="(\w+)" data-weaker="([\w ]+)"', text))


@pytest.mark.parametrize(("left", "right", "side"), [(BUMP, BUMP / 3, "right"), (BUMP / 3, BUMP, "left")])
def test_the_weaker_side_stands_in_the_row_and_in_the_face(tmp_path, left, right, side):
    found = page(run(tmp_path, left, right))
    assert weaker(found.text)["mouth"] == side
    assert f"{side} is weaker" in found.said_in("glance")
    assert "1.2 of 3.8 (± 0.5)" in found.said_in("glance")
    # The subject's right is drawn at the reader's left, without a turn.
    drawn_right, drawn_left = re.findall(r'<path d="M107 148[^"]*" class="([a-z-]+)"', found.text)
    assert (drawn_right, drawn_left) == (("weaker", "stronger") if side == "right" else ("stronger", "weaker"))


def test_a_row_for_each_movement_that_was_named(tmp_path):
    folder = run(tmp_path)
    (folder / "p.movements.csv").write_text("start_s,end_s,action\n0.1,0.9,BS\n")
    found = page(folder)
    assert weaker(found.text) == {"1": "right"}
    assert "Movement Weaker side Left and right Smile right is weaker" in found.said_in("glance")


@pytest.mark.parametrize(
    ("yaw_deg", "level", "words"),
    [
        (1.0, "good", "Good recording."),
        (8.0, "care", "turned 8° to the subject's right: film again, straight from the front"),
        (-8.0, "care", "to the subject's left"),
        (18.0, "unfit", "Not fit for left against right."),
    ],
)
def test_the_badge_comes_with_its_remedy(tmp_path, yaw_deg, level, words):
    found = page(run(tmp_path, yaw_deg=yaw_deg))
    assert f'data-badge="{level}"' in found.text
    assert words in found.said_in("glance")
    if level == "unfit":
        assert set(weaker(found.text).values()) <= {"unclear", "too little"}
        assert "the head was turned by 18 degrees" in found.said_in("glance")


def test_the_scale_is_of_the_iris_and_of_what_adults_have():
    iris, lids = np.full((9, 2), IRIS_MM / 80.0), np.full((9, 2), 0.1)
    found = millimetres(iris, lids, np.zeros(9))
    assert 80.0 < found.per_eye_distance < EYE_DISTANCE_MM
    assert found.from_iris
    assert found.spread == pytest.approx(0.0407, abs=0.0001)
    for unseen in (millimetres(iris * np.nan, lids, None), millimetres(iris, lids * 0, None), millimetres(iris, lids, np.full(9, 20.0))):
        assert (unseen.per_eye_distance, unseen.from_iris) == (EYE_DISTANCE_MM, False)


def test_nothing_is_drawn_where_no_error_is_known(tmp_path):
    found = page(make_run(tmp_path))
    assert weaker(found.text) == {}
