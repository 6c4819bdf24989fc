"""The tiny loop and the fixtures for authors of plugins, and the two sample plugins in it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from plugins.landmark_file_plugin import LandmarkFilePlugin, read_landmarks
from plugins.log_plugin import LogPlugin

from face_mirror_hooks import hookimpl
from face_mirror_hooks.errors import PluginContractError
from face_mirror_hooks.records import Located, PluginFailure, View
from face_mirror_hooks.testing import sample_images, sample_landmarks


class Collector:
    def __init__(self):
        self.rows = []
        self.errors = []
        self.summary = None

    @hookimpl
    def describe_face(self, frame, view):
        return (frame.index, view.value)

    @hookimpl
    def after_frame(self, result):
        self.rows.append((result.index, [view.descriptions.get("collector") for view in result.views]))

    @hookimpl
    def on_frame_error(self, index, reason):
        self.errors.append((index, reason, len(self.rows)))

    @hookimpl
    def after_video(self, summary):
        self.summary = summary


def test_the_loop_finds_the_face_of_the_sample_pictures(face_mirror_loop, face_mirror_images):
    run = face_mirror_loop.run(face_mirror_images)
    assert run.failures == ()
    assert [result.index for result in run.results] == [0, 1, 2]
    centres = [result.view(View.ORIGINAL).face.landmarks.mean(axis=0) for result in run.results]
    assert np.allclose(centres[0], (80, 60), atol=1)
    assert all(result.views[0].face.source == "stand-in" for result in run.results)


def test_results_come_in_order_with_what_the_worker_said(face_mirror_manager, face_mirror_loop, face_mirror_images):
    plugin = Collector()
    face_mirror_manager.register(plugin, "collector")
    mirrored = {View.LEFT_MIRRORED: face_mirror_images, View.RIGHT_MIRRORED: face_mirror_images}
    run = face_mirror_loop.run(face_mirror_images, mirrored)
    names = ["original", "left_mirrored", "right_mirrored"]
    assert plugin.rows == [(index, [(index, name) for name in names]) for index in range(3)]
    assert (plugin.summary.frames, plugin.summary.failed) == (3, {})
    assert run.failures == ()


def test_a_picture_without_a_face_is_no_error(face_mirror_manager, face_mirror_loop):
    plugin = Collector()
    face_mirror_manager.register(plugin, "collector")
    images = sample_images(3)
    images[0][:] = 0
    run = face_mirror_loop.run(images)
    assert [result.views[0].reason for result in run.results] == ["no face found", "", ""]
    assert plugin.errors == []
    assert plugin.summary.failed == {"no face found": 1}


def test_a_detector_that_raises_fails_its_frame_only(face_mirror_manager, face_mirror_loop, face_mirror_images):
    class Broken:
        @hookimpl
        def detect_faces(self, frame):
            if frame.index == 0:
                raise ValueError("no")

    plugin = Collector()
    face_mirror_manager.register(Broken(), "broken")
    face_mirror_manager.register(plugin, "collector")
    run = face_mirror_loop.run(face_mirror_images)
    reason = "plugin broken failed in detect_faces: ValueError: no"
    assert [result.views[0].success for result in run.results] == [False, True, True]
    # Told before the frame's row.
    assert plugin.errors == [(0, reason, 0)]
    assert plugin.summary.failed == {reason: 1}


def test_the_loop_detects_at_chunk_starts_and_locates_twice_there(face_mirror_manager, face_mirror_images, face_mirror_loop):
    calls = []

    class Listener:
        @hookimpl(tryfirst=True)
        def detect_faces(self, frame):
            calls.append(("detect", frame.index))

        @hookimpl(tryfirst=True)
        def locate_landmarks(self, frame, near):
            calls.append((type(near).__name__, frame.index))

    face_mirror_manager.register(Listener(), "listener")
    face_mirror_loop.run(face_mirror_images)
    assert calls == [("detect", 0), ("Detection", 0), ("Located", 0), ("Located", 1), ("Located", 2)]


def test_failures_of_the_parent_are_handed_out(face_mirror_manager, face_mirror_loop, face_mirror_images):
    class Broken:
        @hookimpl
        def after_frame(self):
            raise ValueError("no")

    face_mirror_manager.register(Broken(), "broken")
    assert face_mirror_loop.run(face_mirror_images).failures == (PluginFailure("broken", "after_frame", "ValueError: no"),)


def test_overlays_are_drawn_on_copies(face_mirror_manager, face_mirror_loop, face_mirror_images):
    class Painter:
        @hookimpl
        def draw_overlay(self, canvas, result):
            canvas[0, 0] = 200 + result.index

    face_mirror_manager.register(Painter(), "painter")
    run = face_mirror_loop.run(face_mirror_images)
    assert [overlay[0, 0, 0] for overlay in run.overlays] == [200, 201, 202]
    assert all(image[0, 0, 0] == 40 for image in face_mirror_images)


def test_the_loop_refuses_a_plugin_that_does_not_fit(face_mirror_manager, face_mirror_loop, face_mirror_images):
    class Misspelt:
        @hookimpl
        def after_frames(self):
            pass

    face_mirror_manager.register(Misspelt(), "p")
    with pytest.raises(PluginContractError):
        face_mirror_loop.run(face_mirror_images)


def test_authors_get_the_fixtures_by_name(tmp_path):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["face_mirror_hooks.pytest_plugin"]\n', "utf-8")
    (tmp_path / "test_it.py").write_text(
        "def test_it(face_mirror_loop, face_mirror_images):\n    assert len(face_mirror_loop.run(face_mirror_images).results) == 3\n",
        "utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


@pytest.fixture(params=["npz", "csv"])
def landmark_folder(request, tmp_path):
    """Recorded landmarks of frames 0 and 2."""
    frames = np.array([0, 2])
    landmarks = np.stack([sample_landmarks(50, 40, 30), sample_landmarks(60, 40, 30)])
    if request.param == "npz":
        np.savez(tmp_path / "sample.npz", frames=frames, landmarks=landmarks)
    else:
        header = ",".join(["frame", *(f"x_{i}" for i in range(68)), *(f"y_{i}" for i in range(68))])
        table = np.concatenate([frames[:, None], landmarks[:, :, 0], landmarks[:, :, 1]], axis=1)
        np.savetxt(tmp_path / "sample.csv", table, delimiter=",", header=header, comments="", fmt="%.9g")
    return tmp_path


def test_recorded_landmarks_replace_the_models(face_mirror_manager, face_mirror_loop, face_mirror_images, landmark_folder):
    face_mirror_manager.register(LandmarkFilePlugin(landmark_folder), "landmarks")
    run = face_mirror_loop.run(face_mirror_images, {View.LEFT_MIRRORED: face_mirror_images})
    assert run.failures == ()
    originals = [result.view(View.ORIGINAL) for result in run.results]
    assert [view.success for view in originals] == [True, False, True]
    assert np.array_equal(originals[0].face.landmarks, sample_landmarks(50, 40, 30))
    assert np.array_equal(originals[2].face.landmarks, sample_landmarks(60, 40, 30))
    assert originals[0].face.source == "landmarks"
    # Mirrored views are left to the next landmark model.
    assert run.results[0].view(View.LEFT_MIRRORED).face.source == "stand-in"


def test_recorded_landmarks_are_those_of_the_video(landmark_folder, face_mirror_manager, face_mirror_loop, face_mirror_images):
    face_mirror_manager.register(LandmarkFilePlugin(landmark_folder), "landmarks")
    run = face_mirror_loop.run(face_mirror_images, label="other")
    assert [failure.hook for failure in run.failures] == ["before_video_in_worker"]
    assert not any(result.views[0].success for result in run.results)


def test_landmarks_are_read_as_float32(landmark_folder):
    assert all(Located(points, 1.0).landmarks.dtype == np.float32 for points in read_landmarks(landmark_folder / "sample").values())


def test_the_log_has_a_line_for_every_call(face_mirror_manager, face_mirror_loop, tmp_path):
    images = sample_images(2)
    face_mirror_manager.register(LogPlugin(tmp_path / "log.txt"), "log")
    assert face_mirror_loop.run(images).failures == ()
    lines = (tmp_path / "log.txt").read_text("utf-8").splitlines()
    assert [line.partition(" ")[2] for line in lines] == [
        "before_session sample",
        "after_worker_start 0 cpu",
        "before_video sample",
        "before_video_in_worker sample",
        "detect_faces 0",
        "locate_landmarks 0 original",
        "locate_landmarks 0 original",
        "describe_face 0 original stand-in",
        "after_frame 0",
        "after_values 0 original",
        "draw_overlay 0",
        "locate_landmarks 1 original",
        "describe_face 1 original stand-in",
        "after_frame 1",
        "after_values 1 original",
        "draw_overlay 1",
        "after_video sample 2",
        "after_result True",
        "after_session sample",
    ]
    assert len({line.partition(" ")[0] for line in lines}) == 1


def test_the_log_is_where_the_environment_says(face_mirror_manager, face_mirror_loop, tmp_path, monkeypatch):
    monkeypatch.setenv("FACE_MIRROR_LOG", str(tmp_path / "log.txt"))
    face_mirror_manager.register_import("plugins.log_plugin:LogPlugin", "log")
    face_mirror_loop.run(sample_images(1))
    assert (tmp_path / "log.txt").read_text("utf-8").count("after_frame 0") == 1
