"""Landmarks of the application as ours, and which form of it a folder holds."""

from __future__ import annotations

import numpy as np
import pytest
from host_fixtures import build_app

from face_mirror_au.errors import LandmarksError
from face_mirror_au.integrations.forms import UnknownFormError, recognise
from face_mirror_au.integrations.points import WFLW_TO_IBUG, ibug_points

# Where two anatomical points of both schemes must meet: iBUG, WFLW.
KNOWN = {
    "chin": (8, 16),
    "ends of the jaw": (16, 32),
    "outer end of the left brow": (17, 33),
    "inner end of the left brow": (21, 37),
    "inner end of the right brow": (22, 42),
    "outer end of the right brow": (26, 46),
    "tip of the nose": (30, 54),
    "under the nose": (33, 57),
    "outer corner of the left eye": (36, 60),
    "inner corner of the left eye": (39, 64),
    "inner corner of the right eye": (42, 68),
    "outer corner of the right eye": (45, 72),
    "left corner of the mouth": (48, 76),
    "upper lip": (51, 79),
    "right corner of the mouth": (54, 82),
    "lower lip": (57, 85),
    "inner left corner of the mouth": (60, 88),
    "inner right corner of the mouth": (64, 92),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_points_meet(name):
    ibug, wflw = KNOWN[name]
    assert WFLW_TO_IBUG[ibug] == wflw


def test_98_points_become_68():
    wflw = np.stack([np.arange(98), 1000 - np.arange(98)], axis=1).astype(np.int32)
    points = ibug_points(wflw)
    assert points.shape == (68, 2)
    assert points.dtype == np.float32
    assert len(set(points[:, 0].tolist())) == 68
    assert (points[:, 1] == 1000 - points[:, 0]).all()
    # The under edge of the brows, the middle of the lids and the pupils have no place.
    assert not {96, 97, 62, 66, 70, 74, *range(38, 42), *range(47, 51)} & set(points[:, 0].tolist())


@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.float64])
def test_68_points_are_taken_as_they_are_and_copied(dtype):
    given = np.arange(136).reshape(68, 2).astype(dtype)
    points = ibug_points(given)
    given[:] = 0
    assert points.tolist() == np.arange(136).reshape(68, 2).tolist()


@pytest.mark.parametrize("points", [np.zeros((5, 2)), np.zeros((68, 3)), np.full((68, 2), np.nan), np.full((68, 2), "a"), None])
def test_what_are_no_landmarks(points):
    with pytest.raises(LandmarksError, match="landmarks"):
        ibug_points(points)


@pytest.mark.parametrize("form", ["C", "D", "E"])
def test_forms(tmp_path, form):
    assert recognise(build_app(tmp_path / "app", form)).name == form


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("main.py", None, None, r"looked for a folder with main\.py, found no main\.py in it"),
        ("video_processor.py", None, None, r"looked for video_processor\.py with a class VideoProcessor, found none"),
        ("video_processor.py", "input_path, output_dir)", "path)", r"process_video\(input_path, output_dir\), found process_video\(path\)"),
        ("video_processor.py", "class", "def (", "class VideoProcessor, found none"),
        ("landmark_detector.py", "get_face_mesh", "find", r"looked for a class with get_face_mesh\(frame\), found none"),
        ("openface_integration.py", "output_csv_path", "target", "with a class that has process_video"),
    ],
)
def test_what_is_no_form(tmp_path, file, old, new, message):
    app = build_app(tmp_path / "app", "C")
    if old is None:
        (app / file).unlink()
    else:
        (app / file).write_text((app / file).read_text().replace(old, new))
    with pytest.raises(UnknownFormError, match=message) as caught:
        recognise(app)
    assert "--anyway" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UnknownFormError, match="no such folder"):
        recognise(tmp_path / "nowhere")
