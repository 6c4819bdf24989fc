"""Whole runs of profile openface, from the pictures alone, against whole runs of the C++ program. Needs ../shared."""

from __future__ import annotations

import csv
import gzip

import numpy as np
import pytest

from face_mirror_au import AUPipeline, table_agreement
from face_mirror_au.records import INTENSITY_AUS, PRESENCE_AUS

# An AU moves when its intensity in the C++ program's table varies by this much.
MOVING = 0.05
CLIPS = ("default", "changeLighting")
# Of images/index.csv: one face, three of which two are no faces to the validator, and twelve.
IMAGES = {"sample1": slice(0, 1), "sample2": slice(1, 4), "sample6": slice(7, 19)}


@pytest.fixture(scope="module")
def runs(shared_file, tmp_path_factory):
    """For each clip our table, and C++ OpenFace's."""
    folder = tmp_path_factory.mktemp("runs")
    with AUPipeline("openface", weights_dir=shared_file("weights")) as pipeline:
        for clip in CLIPS:
            pipeline.measure(shared_file(f"media/{clip}.wmv"), folder / f"{clip}.csv")
    return {clip: (folder / f"{clip}.csv", shared_file(f"truth/{clip}/feature_extraction.csv.gz")) for clip in CLIPS}


def test_every_face_of_an_image_is_measured_as_by_facelandmarkimg(shared_file):
    with gzip.open(shared_file("truth/images/au_image.csv.gz"), "rt", newline="") as file:
        truth = list(csv.DictReader(file))
    with shared_file("truth/images/index.csv").open(newline="") as file:
        certainties = [float(row["detection_certainty"]) for row in csv.DictReader(file)]
    differences, equal = [], []
    with AUPipeline("openface", weights_dir=shared_file("weights")) as pipeline:
        for name, rows in IMAGES.items():
            result = pipeline.measure(shared_file(f"media/{name}.jpg"))
            table, wanted = result.table, truth[rows]
            assert len(table) == len(wanted)
            assert table["face_id"].tolist() == list(range(len(wanted)))
            np.testing.assert_allclose(table["confidence"], certainties[rows], atol=1e-6)
            assert not result.warnings
            for column in (f"{au}_r" for au in INTENSITY_AUS):
                differences.extend(np.abs(table[column] - [float(row[column]) for row in wanted]))
            for column in (f"{au}_c" for au in PRESENCE_AUS):
                equal.extend(table[column] == [float(row[column]) for row in wanted])
    # Not smoothed over frames, so that single grey levels of the aligned face show. Some presences lie so near their
    # threshold that the kind of CPU decides: 4 of 288 differ on one with AVX-512.
    assert np.mean(differences) <= 0.03
    assert len(equal) - np.sum(equal) <= 5


@pytest.mark.parametrize("clip", CLIPS)
def test_the_header_is_openfaces_name_by_name(runs, clip):
    ours, theirs = runs[clip]
    with ours.open(newline="") as mine, gzip.open(theirs, "rt", newline="") as truth:
        assert next(csv.reader(mine)) == next(csv.reader(truth))


@pytest.mark.parametrize("clip", CLIPS)
def test_action_units_success_and_confidence_are_openfaces(runs, clip):
    found = table_agreement(*runs[clip])
    assert found.rows_only == (0, 0)
    assert (found["success"].equal, found["confidence"].equal) == (1.0, 1.0)
    intensities = [found[f"{au}_r"] for au in INTENSITY_AUS]
    # The C++ program against itself on another CPU: 0.007, and correlations from 0.995 on.
    assert np.mean([each.mean for each in intensities]) <= 0.015
    assert np.mean([found[f"{au}_c"].equal for au in PRESENCE_AUS]) >= 0.99
    if clip == "default":
        with gzip.open(runs[clip][1], "rt", newline="") as file:
            rows = list(csv.DictReader(file))
        moving = [each for each in intensities if np.std([float(row[each.column]) for row in rows]) > MOVING]
        assert len(moving) >= 15
        assert min(each.correlation for each in moving) >= 0.99


@pytest.mark.parametrize("clip", CLIPS)
def test_landmarks_pose_shape_eyes_and_gaze_are_openfaces(runs, clip):
    """To about the last decimal of the table, in the mean; the fit is chaotic there, see docs/method.md."""
    found = {each.column: each for each in table_agreement(*runs[clip]).grouped()}
    limits = {
        "x_0 .. x_67": 0.03, "y_0 .. y_67": 0.03, "Z_0 .. Z_67": 0.1, "pose_Tz": 0.1, "pose_Ry": 0.001, "p_scale": 0.001,
        "p_0 .. p_33": 0.05, "eye_lmk_x_0 .. eye_lmk_x_55": 0.03, "eye_lmk_Z_0 .. eye_lmk_Z_55": 0.5, "gaze_0_x .. gaze_1_x": 0.002,
        "gaze_angle_x": 0.002, "gaze_angle_y": 0.002,
    }  # fmt: skip
    for column, limit in limits.items():
        assert found[column].mean <= limit, (column, found[column].mean)
