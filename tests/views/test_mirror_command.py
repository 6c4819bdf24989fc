"""`face-mirror-au mirror`, `plugins`, and what still works when plugins are blocked, wrong or many."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from face_mirror_au.cli.app import app
from face_mirror_au.media.video import open_source
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.records import View
from face_mirror_au.run.protocols import Sink
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_weights import Store

TESTS = Path(__file__).resolve().parents[1]
CLIP = TESTS / "clips" / "smile_left.mp4"


@pytest.fixture(autouse=True)
def weights(shared_file, monkeypatch):
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
    monkeypatch.syspath_prepend(str(TESTS))


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run_command(*arguments):
    """In a process of its own, as workers should be started."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "face_mirror_au", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=TESTS)
    assert done.returncode == 0, done.stderr


def _frames(path):
    with open_source(path) as source:
        return list(source), source.info


def _times(path):
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def test_mirrored_videos_have_the_sources_frames_and_times_and_are_symmetric(tmp_path):
    run_command("mirror", CLIP, "-o", tmp_path, "--profile", "hybrid", "--workers", "1", "--device", "cpu")
    folder = tmp_path / "smile_left"
    originals, info = _frames(CLIP)
    for side in ("left", "right"):
        video = folder / f"smile_left_{side}_mirrored.mp4"
        frames, mirrored_info = _frames(video)
        assert len(frames) == len(originals) == 56
        assert _times(video) == _times(CLIP)
        assert (mirrored_info.width, mirrored_info.height, mirrored_info.rate) == (info.width, info.height, info.rate)
        assert (folder / f"smile_left_{side}_mirrored.csv").exists()
    # The face looks about straight ahead: its midline is about a column, and the held smile of one side is there twice, or not at all.
    table = pd.read_csv(folder / "smile_left.csv").iloc[28]
    middle = round((table["x_21"] + table["x_22"] + 2 * table["x_8"]) / 4)
    rows = slice(int(table["y_30"]), int(table["y_8"]))
    for side in ("left", "right"):
        image = _frames(folder / f"smile_left_{side}_mirrored.mp4")[0][28].image.astype(int)
        left_part, right_part = image[rows, middle - 60 : middle][:, ::-1], image[rows, middle + 1 : middle + 61]
        original = originals[28].image.astype(int)
        asymmetry = np.abs(left_part - right_part).mean()
        assert asymmetry < 0.6 * np.abs(original[rows, middle - 60 : middle][:, ::-1] - original[rows, middle + 1 : middle + 61]).mean()


def test_with_the_action_units_blocked_the_loop_still_mirrors(tmp_path):
    done = call("mirror", CLIP, "-o", tmp_path, "--block-plugin", "action-units", "--workers", "0", "--max-frames", "5", "--device", "cpu")
    assert done.exit_code == 0, done.output
    folder = tmp_path / "smile_left"
    assert len(_frames(folder / "smile_left_left_mirrored.mp4")[0]) == 5
    assert not (folder / "smile_left.csv").exists()


def test_face_mirror_format_is_exactly_the_two_tables_of_the_mirrored_views(tmp_path):
    done = call("run", CLIP, "-o", tmp_path, "--format", "face-mirror", "--workers", "0", "--max-frames", "4", "--device", "cpu")
    assert done.exit_code == 0, done.output
    folder = tmp_path / "smile_left"
    tables = sorted(path.name for path in folder.glob("*mirrored*"))
    assert tables == ["smile_left_left_mirrored.csv", "smile_left_right_mirrored.csv"]
    assert not (folder / "smile_left.csv").exists()
    rows = pd.read_csv(folder / tables[0])
    assert list(rows.columns[:3]) == ["frame", "timestamp", "success"]
    assert rows["frame"].tolist() == [0, 1, 2, 3]


def test_plugins_lists_ours_and_the_samples_with_their_hooks():
    done = call("plugins", "--profile", "hybrid", "--json", "--plugin", "plugins.log_plugin:LogPlugin")
    listed = {plugin["name"]: plugin for plugin in json.loads(done.stdout)}
    assert set(listed) == {"blazeface", "attention_mesh", "action-units", "plugins.log_plugin:LogPlugin"}
    assert "detect_faces" in listed["blazeface"]["hooks"]
    assert "locate_landmarks" in listed["attention_mesh"]["hooks"]
    assert listed["action-units"]["hooks"] == ["after_worker_start", "describe_face"]
    assert len(listed["plugins.log_plugin:LogPlugin"]["hooks"]) > 10
    assert "action-units" in call("plugins", "--profile", "hybrid").stdout


def test_a_landmark_plugin_replaces_ours_in_the_original_view(tmp_path, monkeypatch):
    truth = np.load(CLIP.with_suffix(".npz"))["landmarks"][:, 0]
    np.savez(tmp_path / "smile_left.npz", landmarks=truth)
    monkeypatch.setenv("FACE_MIRROR_LANDMARKS", str(tmp_path))
    columns = {"frame": np.arange(len(truth))} | {f"x{i}": truth[:, i, 0] for i in range(68)} | {f"y{i}": truth[:, i, 1] for i in range(68)}
    pd.DataFrame(columns).to_csv(tmp_path / "smile_left.csv", index=False)
    (tmp_path / "smile_left.npz").unlink()
    run_command(
        "run",
        CLIP,
        "-o",
        tmp_path / "out",
        "--profile",
        "hybrid",
        "--workers",
        "1",
        "--device",
        "cpu",
        "--views",
        "original,left,right",
        "--plugin",
        "plugins.landmark_file_plugin:LandmarkFilePlugin",
    )
    table = pd.read_csv(tmp_path / "out" / "smile_left" / "smile_left.csv")
    np.testing.assert_allclose(table[[f"x_{i}" for i in range(68)]], truth[:, :, 0], atol=0.06)
    mirrored = pd.read_csv(tmp_path / "out" / "smile_left" / "smile_left_left_mirrored.csv")
    assert mirrored["success"].eq(1).all()


class _KillerByProgress(Sink):
    """Kills ten workers while a video runs, each four chunks after the one before: never at the same frame twice, on any machine."""

    def __init__(self, pool, chunk):
        self._pool, self._pause, self._chance = pool, 4 * chunk, random.Random(1)  # noqa: S311  (no secret)
        self._last, self._jobs = 0, defaultdict(set)
        self.killed = []

    def append(self, _picture, result, _values):
        for worker in self._pool._workers.values():
            if worker.job is not None:
                self._jobs[worker.process.pid].add(worker.job.number)
        # One that was seen at two jobs has done a chunk: a frame at which fresh workers die looks deadly.
        grown = [pid for pid in self._pool.pids if len(self._jobs[pid]) > 1]
        if grown and len(self.killed) < 10 and result.index >= self._last + self._pause:
            self._last = result.index
            self.killed.append(self._chance.choice(grown))
            os.kill(self.killed[-1], signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9")
def test_ten_killed_workers_change_nothing(tmp_path, shared_file, nursery):
    video = shared_file("media/2015-10-15-15-14.avi")
    plan = plan_models(Store([shared_file("weights")]), "openface-pfld")
    settings = RunSettings(views=tuple(View), workers=2, detect_every=10, max_frames=560)

    def run(killer_of):
        with VideoRunner(plan, settings, nursery=nursery) as runner:
            sink = killer_of(runner)
            with runner.run(video, tmp_path, sink) as result:
                tables = {view: (np.array(table.intensity), np.array(table.signals["landmarks"])) for view, table in result.tables.items()}
                return tables, result, sink

    calm, undisturbed, _ = run(lambda _: None)
    shaken, disturbed, killer = run(lambda runner: _KillerByProgress(runner.loop._pool, settings.detect_every))
    assert undisturbed.losses == ()
    assert undisturbed.warnings == disturbed.warnings
    assert len(killer.killed) == 10
    assert sorted(loss.worker.pid for loss in disturbed.losses) == sorted(killer.killed)
    assert {(loss.exit_code, loss.next_step) for loss in disturbed.losses} == {(-signal.SIGKILL, "replaced")}
    for view, (intensity, landmarks) in calm.items():
        np.testing.assert_array_equal(shaken[view][0], intensity)
        np.testing.assert_array_equal(shaken[view][1], landmarks)
