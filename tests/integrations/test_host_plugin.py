"""The plugin with real models and workers, under a loop that runs in the test's own process."""

from __future__ import annotations

import csv
import json
import os
import signal
import types
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_mirror_au.integrations.binding import wrap_action_units, wrap_loop
from face_mirror_au.integrations.face_mirror import HostPlugin, report_lines
from face_mirror_au.integrations.host_runner import HostRunner
from face_mirror_au.integrations.host_video import _complete_rows
from face_mirror_au.integrations.serving import HOST_PLUGIN
from face_mirror_au.loop.nursery import Nursery
from face_mirror_au.media.video import open_source
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.run.settings import RunSettings
from face_mirror_weights import Store

CLIP = Path(__file__).resolve().parents[1] / "clips" / "smile_left.mp4"
FRAMES = 16


@pytest.fixture(scope="module")
def pictures():
    with open_source(CLIP) as source:
        return [frame.image.copy() for frame in source][:FRAMES]


@pytest.fixture(scope="module")
def points():
    with np.load(CLIP.with_suffix(".npz")) as truth:
        return truth["landmarks"][:, 0]


@pytest.fixture
def start(shared_file, pictures, points, tmp_path):
    """Call it with settings: returns a plugin and the modules of an application that it listens to."""
    open_ones = []

    def make(host_wait=10.0, places=None, nursery=None, before_frame=lambda index: None, **settings):
        runner = HostRunner(plan_models(Store.default(shared_file("weights"))), RunSettings(workers=1, **settings), nursery=nursery)
        open_ones.append(runner)
        runner.loop  # noqa: B018  (starts the workers)
        plugin = HostPlugin(runner, host_wait, places)
        application = application_modules(pictures, points, before_frame)
        wrap_loop(application, plugin)
        wrap_action_units(application, plugin)
        return plugin, application

    yield make
    for runner in open_ones:
        runner.close()


def application_modules(pictures, points, before_frame):
    module = types.ModuleType("application")
    by_picture = {zlib.crc32(picture): index for index, picture in enumerate(pictures)}

    class Detector:
        def get_face_mesh(self, frame):
            return points[by_picture[zlib.crc32(frame)]].copy(), None

    class VideoProcessor:
        def __init__(self):
            self.detector = Detector()

        def _process_frame_batch(self, frame_data):
            before_frame(frame_data[0])
            self.detector.get_face_mesh(frame_data[1])
            return frame_data

        def process_video(self, input_path, output_dir):
            output_dir = Path(output_dir).absolute()
            output_dir.mkdir(parents=True, exist_ok=True)
            with ThreadPoolExecutor(6) as executor:
                list(executor.map(self._process_frame_batch, enumerate(pictures)))
            outputs = [output_dir / f"{Path(input_path).stem}_{side}.mp4" for side in ("right_mirrored", "left_mirrored")]
            for path in outputs:
                write_video(path, pictures)
            return list(map(str, outputs))

    class Processor:
        __module__ = "application"

        def process_video(self, video_path, output_csv, progress_callback=None):
            return -1

    module.VideoProcessor, module.Processor = VideoProcessor, Processor
    return module


def write_video(path, pictures):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 29, pictures[0].shape[1::-1])
    for picture in pictures:
        writer.write(picture)
    writer.release()


def run(application, folder):
    """One video: what the AU stage returned for each side, and the two tables where there are any."""
    application.VideoProcessor().process_video(str(CLIP), str(folder / "Face Mirror 1.0 Output"))
    counts, tables = [], []
    for side in ("left_mirrored", "right_mirrored"):
        table = folder / f"{CLIP.stem}_{side}.csv"
        counts.append(application.Processor().process_video(folder / "Face Mirror 1.0 Output" / f"{CLIP.stem}_{side}.mp4", table))
        tables.append(table.read_text() if table.exists() else None)
    return counts, tables


def rows(path):
    with path.open() as handle:
        return list(csv.DictReader(handle))


def test_slow_workers_give_empty_rows_not_a_stopped_application(start, tmp_path):
    plugin, application = start(host_wait=0.2, places=2, detect_every=2, plugins=("slow_plugin:SlowPlugin",))
    counts, tables = run(application, tmp_path)
    [report] = plugin.reports
    own = tmp_path / "Face Mirror AU" / CLIP.stem
    table = rows(own / f"{CLIP.stem}.left.csv")
    assert [row["frame"] for row in table] == [str(index) for index in range(FRAMES)]
    lost = [row for row in table if row["success"] == "False"]
    assert 0 < len(lost) < FRAMES
    assert all(row["AU12_r"] == "" for row in lost)
    assert f"{len(lost)} of {FRAMES} rows of left_mirrored have empty cells" in report.error
    assert "could not keep up" in (own / f"{CLIP.stem}.raw.csv").read_text()
    assert any("times the application waited for the workers" in line for line in report.lines)
    # So the application does it itself.
    assert (counts, tables) == ([-1, -1], [None, None])


def test_slow_workers_and_patience_lose_nothing(start, tmp_path):
    plugin, application = start(places=2, detect_every=2, plugins=("slow_plugin:SlowPlugin",))
    counts, tables = run(application, tmp_path)
    assert counts == [FRAMES, FRAMES]
    assert all(table.count("True") == FRAMES for table in tables)
    assert any("times the application waited for the workers" in line for line in plugin.reports[0].lines)


def test_a_worker_that_is_killed_changes_nothing(start, tmp_path):
    plugin, application = start(detect_every=4)
    _, expected = run(application, tmp_path / "quiet")
    plugin._runner.close()
    pool = []

    def kill_once(index):
        if index == 12 and pool:
            os.kill(pool.pop().loop.worker_pids[0], signal.SIGKILL)

    plugin, application = start(detect_every=4, before_frame=kill_once)
    pool.append(plugin._runner)
    counts, tables = run(application, tmp_path / "killed")
    assert len(plugin._runner.loop.losses) == 1
    assert tables == expected
    assert counts == [FRAMES, FRAMES]


def test_a_video_that_fails_is_left_to_the_application_and_the_next_one_is_not(start, tmp_path):
    nursery = Nursery.start()
    try:
        broken = []

        def end_workers(index):
            if index == 12 and broken:
                broken.pop().loop._pool.close()

        plugin, application = start(detect_every=4, nursery=nursery, before_frame=end_workers)
        broken.append(plugin._runner)
        counts, _ = run(application, tmp_path / "first")
        assert counts == [-1, -1]
        assert "the workers have ended" in plugin.reports[0].error
        counts, _ = run(application, tmp_path / "second")
        assert counts == [FRAMES, FRAMES]
        assert plugin.reports[1].error == ""
    finally:
        nursery.close()


def test_a_video_that_is_followed_when_the_application_ends(start, tmp_path, pictures):
    plugin, application = start()
    processor = application.VideoProcessor()
    token = plugin.video_begins(processor, CLIP, tmp_path / "out")
    processor._process_frame_batch((0, pictures[0]))
    plugin.close()
    assert not token.video.stuck
    assert plugin.video_begins(processor, CLIP, tmp_path / "out") is None
    plugin.video_ends(token, [], None)
    assert [report.error for report in plugin.reports] == ["the application was closed while it was processed"]


def test_paths_hold_when_the_working_directory_changes(start, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)

    def leave(index):
        if index == 3:
            os.chdir(tmp_path / "elsewhere")

    plugin, application = start(before_frame=leave)
    application.VideoProcessor().process_video(str(CLIP), "out/Face Mirror 1.0 Output")
    assert plugin.reports[0].error == ""
    table = tmp_path / "table.csv"
    video = tmp_path / "out" / "Face Mirror 1.0 Output" / f"{CLIP.stem}_left_mirrored.mp4"
    assert application.Processor().process_video(video, table) == FRAMES
    assert table.exists()
    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_landmarks_of_the_application_can_be_left_out(start, tmp_path):
    plugin, application = start()
    _, served = run(application, tmp_path / "served")
    assert plugin.problems.total() == 0
    plugin._runner.close()
    _, application = start(blocked=(HOST_PLUGIN,))
    counts, own = run(application, tmp_path / "own")
    assert counts == [FRAMES, FRAMES]
    assert own != served


def test_both_forms_of_progress_are_told(start, tmp_path):
    _, application = start()
    run(application, tmp_path)
    told = []

    def of_the_stage(current_frame, total_frames, processing_fps):
        told.append((current_frame, total_frames, processing_fps))

    def of_the_loop(stage, current, total, message, fps=0.0):
        told.append((stage, current, total))

    def broken(current, total, fps):
        raise RuntimeError("the window is gone")

    video = tmp_path / "Face Mirror 1.0 Output" / f"{CLIP.stem}_left_mirrored.mp4"
    for progress in (of_the_stage, of_the_loop, broken):
        assert application.Processor().process_video(video, tmp_path / "x.csv", progress_callback=progress) == FRAMES
    assert told == [(FRAMES, FRAMES, 0.0), ("openface", FRAMES, FRAMES)]


def test_the_same_name_again_while_the_plugin_is_off(start, tmp_path):
    plugin, application = start()
    counts, _ = run(application, tmp_path)
    assert counts == [FRAMES, FRAMES]
    plugin._off = "the workers have ended"
    counts, tables = run(application, tmp_path)
    # The first turn's tables are not those of the videos that lie there now.
    assert counts == [-1, -1]
    assert tables == [None, None]


def test_a_table_that_somebody_changed_is_not_taken_back(start, tmp_path):
    plugin, application = start()
    run(application, tmp_path)
    table = tmp_path / f"{CLIP.stem}_left_mirrored.csv"
    table.write_text("by the application")
    plugin._off = "the workers have ended"
    _, tables = run(application, tmp_path)
    assert tables == ["by the application", None]


def test_a_video_that_was_changed_after_it_was_measured(start, tmp_path, pictures):
    plugin, application = start()
    run(application, tmp_path)
    video = tmp_path / "Face Mirror 1.0 Output" / f"{CLIP.stem}_left_mirrored.mp4"
    write_video(video, pictures[::-1])
    assert application.Processor().process_video(video, tmp_path / "x.csv") == -1
    assert any("was changed after it was measured" in problem for problem in plugin.problems)


def test_a_row_with_a_region_that_was_not_seen_is_not_complete():
    nothing = np.nan
    # The bank does not know the third action unit; the second was left out of row 1 alone.
    raw = np.array([[1.0, 2.0, nothing], [1.0, 2.0, nothing], [nothing] * 3])
    intensity = np.array([[1.0, 2.0, nothing], [1.0, nothing, nothing], [nothing] * 3])
    assert _complete_rows(types.SimpleNamespace(success=np.array([True, True, False]), raw=raw, intensity=intensity)) == 1


def test_every_reason_for_an_empty_row_counts(start, tmp_path):
    plugin, application = start(plugins=("half_failing_plugin:HalfFailingPlugin",))
    counts, _ = run(application, tmp_path)
    assert counts == [-1, -1]
    assert plugin.reports[0].error == f"{FRAMES // 2} of {FRAMES} rows of left_mirrored have empty cells"
    own = tmp_path / "Face Mirror AU" / CLIP.stem
    application_part = json.loads((own / f"{CLIP.stem}.metadata.json").read_text())["application"]
    assert application_part["measured_by"] == "the application"
    assert application_part["why"] == plugin.reports[0].error
    assert any("left to the application: 8 of 16 rows" in line for line in report_lines(plugin))
