"""`AUPipeline.measure`: the files of the command line, tables in memory, and frames that the caller gives."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from face_mirror_au import AUPipeline
from face_mirror_au.cli.app import app
from face_mirror_au.errors import FrameError, UsageError, VideoError
from face_mirror_au.media.video import open_source
from face_mirror_hooks import hookimpl
from face_mirror_hooks.records import View

CLIP = Path(__file__).resolve().parents[1] / "clips" / "smile_left.mp4"
FRAMES = 8
ALL = ("original", "left", "right")


@pytest.fixture(scope="module")
def weights(shared_file):
    return shared_file("weights")


@pytest.fixture(scope="module")
def pictures():
    with open_source(CLIP) as source:
        return np.stack([frame.image for frame in source][:FRAMES])


@pytest.fixture(scope="module")
def pipeline(weights):
    return AUPipeline("open", weights_dir=weights)


@pytest.fixture(scope="module")
def expected(pipeline):
    return pipeline.measure(CLIP, max_frames=FRAMES)


def content(folder):
    """Every file of a result, without what says when and with which settings of the caller it was made."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".csv"}


def test_the_files_are_those_of_the_command_line(weights, tmp_path, monkeypatch):
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(weights))
    options = ["--max-frames", FRAMES, "--profile", "open", "--baseline", "shared", "--workers", 0, "--device", "cpu", "--subject", "P07"]
    command = ["mirror", CLIP, "-o", tmp_path / "command", *options, "--keep-descriptors", "--overlay", "--quiet"]
    assert CliRunner().invoke(app, [str(part) for part in command]).exit_code == 0
    pipeline = AUPipeline("open", weights_dir=weights, views=ALL, baseline="shared", overlay=True)
    result = pipeline.measure(CLIP, tmp_path / "python", label="P07", mirrored_videos=True, keep_descriptors=True, max_frames=FRAMES)
    there, here = tmp_path / "command" / "P07", tmp_path / "python" / "P07"
    assert {path.name for path in here.iterdir()} == {path.name for path in there.iterdir()}
    assert len(content(here)) == 8
    assert content(here) == content(there)
    assert json.loads((here / "P07.metadata.json").read_text()) == json.loads((there / "P07.metadata.json").read_text())
    assert result.folder == here
    assert result.page == here / "P07.report.html"
    assert result.metadata == json.loads((here / "P07.metadata.json").read_text())
    assert {*result.files, result.page} == set(here.iterdir())
    assert set(result.tables) == {view.value for view in View}
    written = pd.read_csv(here / "P07_left_mirrored.csv")
    assert list(written.columns) == list(result.tables["left_mirrored"].columns)
    np.testing.assert_allclose(written["AU12_r"], result.tables["left_mirrored"]["AU12_r"], atol=0.0051)
    sides = pd.read_csv(here / "P07.sides.csv")
    assert list(sides.columns) == list(result.sides.columns)
    np.testing.assert_allclose(sides, result.sides, atol=1e-4)


def test_without_an_output_nothing_is_written(expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert expected.files == ()
    assert expected.folder is None
    assert list(tmp_path.iterdir()) == []
    assert expected.frames == len(expected.table) == FRAMES
    assert expected.metadata["frames"]["original"]["rows"] == FRAMES
    assert expected.metadata["input"]["kind"] == "video"


def test_videos_need_an_output(pipeline):
    with pytest.raises(UsageError, match="output is needed for videos"):
        pipeline.measure(CLIP, mirrored_videos=True)


@pytest.mark.parametrize("label", ["a/b", "..", ""])
def test_a_label_is_a_plain_name(pipeline, label):
    with pytest.raises(UsageError, match="label must be a plain name"):
        pipeline.measure(CLIP, label=label)


def test_workers_give_the_same(expected, weights):
    with AUPipeline("open", weights_dir=weights, workers=1, start_method="spawn") as pipeline:
        pd.testing.assert_frame_equal(pipeline.measure(CLIP, max_frames=FRAMES).table, expected.table)
        with pytest.raises(UsageError, match="workers must be 0"):
            pipeline.process_frame(np.zeros((20, 20, 3), np.uint8))


@pytest.mark.parametrize("way", ["array", "pairs", "reused"])
def test_frames_are_a_source_like_any_other(pipeline, expected, pictures, way):
    def reused():
        memory = np.empty_like(pictures[0])
        for picture in pictures:
            memory[:] = picture
            yield memory

    times = expected.table["timestamp"].to_numpy()
    ways = {"array": pictures, "pairs": zip(times, pictures, strict=True), "reused": reused()}
    result = pipeline.measure(ways[way], fps=None if way == "pairs" else 30.0, label="camera")
    assert result.label == "camera"
    assert result.metadata["input"] | {"sha256": None, "kind": "frames"} == result.metadata["input"]
    assert result.metadata["input"]["timestamps"] == ("given" if way == "pairs" else "frame rate")
    exact = way == "pairs"
    pd.testing.assert_frame_equal(result.table, expected.table, check_exact=exact, atol=1e-4, rtol=0)
    pd.testing.assert_frame_equal(result.table.drop(columns="timestamp"), expected.table.drop(columns="timestamp"))


def test_frames_give_files_with_a_page_and_videos(weights, pictures, tmp_path):
    pipeline = AUPipeline("open", weights_dir=weights, views=ALL)
    result = pipeline.measure(iter(pictures), tmp_path, fps=30, label="camera", mirrored_videos=True, keep_descriptors=True)
    assert result.folder == tmp_path / "camera"
    assert result.page is not None
    with open_source(tmp_path / "camera" / "camera_left_mirrored.mp4") as source:
        assert len(list(source)) == FRAMES
    # What is kept of them is enough for their final values.
    before = content(result.folder)
    done = CliRunner().invoke(app, ["recover", str(result.folder), "--weights", str(weights)])
    assert done.exit_code == 0, done.output
    assert content(result.folder) == before


def test_one_picture_that_is_none_costs_its_frame(pipeline, pictures):
    result = pipeline.measure([*pictures[:3], pictures[3].astype(float), *pictures[4:]], fps=30)
    assert result.table["success"].tolist() == [int(index != 3) for index in range(FRAMES)]
    [reason] = result.failures["original"]
    assert "must be uint8" in reason


@pytest.mark.parametrize(
    ("frames", "fps", "error", "said"),
    [
        ([], 30, VideoError, "no frame was given"),
        ([np.zeros((4, 4))], 30, FrameError, "must be uint8"),
        ([np.zeros((4, 4, 3), np.uint8)], None, UsageError, r"fps must be given, or the frames as pairs \(time_s, picture\)"),
        ([np.zeros((4, 4, 3), np.uint8)], 0, UsageError, "fps must be a number of frames per second above 0"),
        ([(0.5, np.zeros((4, 4, 3), np.uint8)), (0.5, np.zeros((4, 4, 3), np.uint8))], None, FrameError, "frame 1 is of 0.5 s"),
        ([np.zeros((4, 4, 3), np.uint8), (0.5, np.zeros((4, 4, 3), np.uint8))], 30, FrameError, "frame 1 has a time"),
        (CLIP, 30, UsageError, "fps is for folders of images and for frames"),
    ],
)
def test_frames_that_cannot_be_measured_say_why(pipeline, frames, fps, error, said):
    with pytest.raises(error, match=said):
        pipeline.measure(frames, fps=fps)


class Listener:
    """Keeps what the hooks with values get."""

    def __init__(self, calls):
        self.calls = calls

    def __reduce__(self):
        return Listener, ([],)  # a worker's copy hears of nothing

    @hookimpl
    def after_frame(self, result):
        self.calls.append(("frame", result.index))

    @hookimpl
    def after_values(self, frame, values):
        self.calls.append(("values", frame.index, values[View.ORIGINAL].raw))

    @hookimpl
    def after_result(self, folder, metadata):
        self.calls.append(("result", folder, metadata["files"], (folder / "smile_left.csv").exists()))


def test_plugins_hear_of_values_and_of_the_result(weights, tmp_path):
    calls = []
    pipeline = AUPipeline("open", weights_dir=weights, plugins=[Listener(calls)])
    result = pipeline.measure(CLIP, tmp_path, max_frames=3)
    assert [call[:2] for call in calls[:-1]] == [(kind, index) for index in range(3) for kind in ("frame", "values")]
    kind, folder, files, is_there = calls[-1]
    assert (kind, folder, is_there) == ("result", result.folder, True)
    assert ".csv" in files
    with (result.folder / "smile_left.online.csv").open() as handle:
        online = [float(row["AU12_raw"]) for row in csv.DictReader(handle)]
    np.testing.assert_allclose([call[2][8] for call in calls if call[0] == "values"], online, atol=1e-6)


class Broken:
    @hookimpl
    def after_result(self):
        raise OSError("no network")


def test_what_a_plugin_raises_at_the_end_is_told(weights, tmp_path):
    pipeline = AUPipeline("open", weights_dir=weights, plugins=[Broken()])
    result = pipeline.measure(CLIP, tmp_path, max_frames=3)
    assert "plugin Broken failed in after_result: OSError: no network" in result.warnings
    assert result.files[0].exists()
