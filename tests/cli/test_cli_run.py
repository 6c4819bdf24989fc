"""The command line: what it writes, what it says, and how it ends."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from face_mirror_au.cli import options
from face_mirror_au.cli.app import app
from face_mirror_au.cli.terminal import ExitCode
from face_mirror_au.numerics._kernels import NAMES

CLIPS = Path(__file__).resolve().parents[1] / "clips"
CLIP = CLIPS / "smile_both.mp4"


@pytest.fixture(autouse=True)
def weights(shared_file, monkeypatch, tmp_path):
    folder = shared_file("weights")
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    # No workers: this process has threads by now, and a fork would take over locks that they hold. Workers have tests of their own.
    monkeypatch.setattr(options, "MAX_DEFAULT_WORKERS", 0)
    return folder


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_all_files_of_a_run(tmp_path):
    done = call("run", CLIP, "-o", tmp_path / "out", "--profile", "openface-pfld", "--max-frames", 12)
    assert done.exit_code == ExitCode.OK, done.output
    folder = tmp_path / "out" / "smile_both"
    names = {path.name for path in folder.iterdir()}
    assert names == {f"smile_both{ending}" for ending in (".csv", ".online.csv", ".raw.csv", ".columns.csv", ".metadata.json")}
    if os.name == "posix":
        assert folder.stat().st_mode & 0o777 == 0o700
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())
    assert "12 frames decoded, 12 rows, 0 failed" in done.stdout
    assert "profile openface-pfld (asked for); action units: OpenFace 2.2" in done.stdout

    table = pd.read_csv(folder / "smile_both.csv")
    dictionary = pd.read_csv(folder / "smile_both.columns.csv").set_index("column")
    assert set(table.columns) <= set(dictionary.index)
    assert "OpenFace 2.2" in dictionary.loc["AU12_r", "meaning"]
    online, raw = (pd.read_csv(folder / f"smile_both{ending}") for ending in (".online.csv", ".raw.csv"))
    assert len(online) == len(raw) == 12
    assert "AU12_raw" in online.columns
    assert not any(name.endswith("_r") for name in online.columns), "online and final values never share a name"

    metadata = json.loads((folder / "smile_both.metadata.json").read_text())
    assert metadata["frames"] == {"decoded": 12, "original": {"rows": 12, "failed": 0, "reasons": {}}}
    assert metadata["models"]["profile"] == "openface-pfld"
    assert len(metadata["input"]["sha256"]) == 64
    assert str(tmp_path) not in json.dumps(metadata), "no path of the machine in the metadata"


def test_minimal_format_to_one_file(tmp_path):
    target = tmp_path / "au.csv"
    done = call("run", CLIP, "--output", target, "--profile", "openface-pfld", "--max-frames", 4, "--format", "minimal", "--quiet")
    assert done.exit_code == ExitCode.OK
    assert done.stdout == ""
    header, *rows = target.read_text().splitlines()
    assert len(header.split(",")) == 19
    assert [row.split(",")[:2] for row in rows] == [[str(i), "True"] for i in range(4)]


def test_json_summary(tmp_path):
    done = call("run", CLIP, "-o", tmp_path, "--profile", "hybrid", "--max-frames", 3, "--json")
    summary = json.loads(done.stdout)
    assert summary["profile"] == "hybrid"
    assert summary["au_bank"] == "OpenFace 2.2"
    (video,) = summary["videos"]
    assert (video["frames"], video["failed"], video["exit_code"]) == (3, {"original": 0}, 0)


def test_a_failed_frame_is_an_empty_row_with_its_reason(tmp_path):
    clip = tmp_path / "gap.mp4"
    with av.open(str(CLIP)) as source, av.open(str(clip), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 480, 360, "yuv420p"
        for index, frame in enumerate(source.decode(video=0)):
            image = frame.to_ndarray(format="bgr24")
            if 5 <= index < 9:
                image[:] = 60
            if index < 14:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    done = call("run", clip, "-o", tmp_path / "ours", "--profile", "openface-pfld")
    assert "14 frames decoded, 14 rows, 4 failed (4 x no face found)" in done.stdout
    table = pd.read_csv(tmp_path / "ours" / "gap" / "gap.csv")
    assert table["success"].tolist() == [1] * 5 + [0] * 4 + [1] * 5
    failed = table[table["success"] == 0]
    assert failed[["AU12_r", "AU12_c", "x_0", "pose_Tx"]].isna().all(axis=None)
    assert failed["confidence"].eq(0).all()
    online = pd.read_csv(tmp_path / "ours" / "gap" / "gap.online.csv")
    assert online["reason"].dropna().tolist() == ["no face found"] * 4

    call("run", clip, "-o", tmp_path / "strict", "--profile", "openface-pfld", "--openface-strict")
    strict = pd.read_csv(tmp_path / "strict" / "gap" / "gap.csv")
    assert not strict.isna().any(axis=None)


def test_several_videos_go_on_after_a_bad_one(tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"this is not a video at all" * 100)
    done = call(
        "run",
        bad,
        CLIP,
        CLIP.with_name("smile_left_right_both.mp4"),
        "-o",
        tmp_path / "out",
        "--profile",
        "openface-pfld",
        "--max-frames",
        3,
    )
    assert done.exit_code == ExitCode.FAILED
    assert "bad.mp4" in done.stderr
    assert done.stdout.count("profile openface-pfld (") == 1
    assert (tmp_path / "out" / "smile_both" / "smile_both.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--profile", "best"], "unknown profile 'best'"),
        (["--format", "xls"], "unknown format 'xls'"),
        (["--detect-every", "0"], "--detect-every must be 1 or more"),
        (["--max-frames", "0"], "--max-frames must be 1 or more"),
        (["--columns", "pose,hands"], "'hands'"),
        (["--models", "image"], "unknown models 'image'"),
        (["--columns", ""], "--columns names no column group"),
        (["--columns", "pose", "--format", "minimal"], "--columns is for the formats openface and parquet"),
        (["--views", "left"], "--views must begin with original"),
        (["--baseline", "neutral"], "--baseline must be own, shared, neutral:START-END in seconds"),
        (["--mirror-landmarks", "both"], "--mirror-landmarks must be locate or reflect"),
        (["--output", "x.csv", "-o", "y"], "not both"),
        (["--subject", "a/b"], "plain name"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments, message, tmp_path):
    done = call("run", CLIP, *arguments)
    assert done.exit_code == ExitCode.USAGE
    assert message in done.stderr
    assert done.stderr.strip().count("\n") == 0


def test_two_videos_of_one_name_are_refused_before_anything_is_written(tmp_path):
    done = call("run", CLIP, CLIP, "-o", tmp_path / "out")
    assert done.exit_code == ExitCode.USAGE
    assert "'smile_both'" in done.stderr
    assert not (tmp_path / "out").exists()


def test_subject_names_the_outputs(tmp_path):
    call("run", CLIP, "-o", tmp_path, "--subject", "P07", "--profile", "openface-pfld", "--max-frames", 2)
    assert (tmp_path / "P07" / "P07.csv").exists()


def test_missing_models_name_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("OPENFACE_MODELS_DIR", raising=False)
    for profile, command in (("auto", "weights fetch open"), ("openface-pfld", "weights fetch openface-pfld")):
        done = call("run", CLIP, "--profile", profile, "-o", tmp_path / "out")
        assert done.exit_code == ExitCode.FAILED
        assert command in done.stderr
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "audio", "truncated head", "empty folder"])
def test_bad_input_is_one_line_that_names_the_file(tmp_path, kind):
    path = tmp_path / "input.mp4"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("no video")
    elif kind == "truncated head":
        path.write_bytes(CLIP.read_bytes()[:3000])
    elif kind == "empty folder":
        path.mkdir()
    elif kind == "audio":
        with av.open(str(path), "w") as container:
            stream = container.add_stream("aac", rate=16000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 16000
            container.mux(stream.encode(frame))
            container.mux(stream.encode())
    done = call("run", path, "-o", tmp_path / "out", "--profile", "openface-pfld")
    assert done.exit_code == ExitCode.FAILED
    assert "input.mp4" in done.stderr
    assert done.stdout == "", "which models there are is no news where nothing can be measured"
    assert str(tmp_path) not in done.stderr, "the name only: a path may name a patient"
    assert done.stderr.strip().count("\n") == 0


def test_a_video_cut_in_the_middle_keeps_its_rows_and_says_partial(tmp_path):
    from fractions import Fraction

    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    with av.open(str(CLIP)) as source, av.open(str(whole), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(30))
        stream.width, stream.height, stream.pix_fmt = 480, 360, "yuv420p"
        for frame in source.decode(video=0):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.to_ndarray(format="bgr24"), format="bgr24")))
        container.mux(stream.encode())
    data = bytearray(whole.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = os.urandom(4000)
    cut.write_bytes(data)
    done = call("run", cut, "-o", tmp_path / "out", "--profile", "openface-pfld")
    assert done.exit_code == ExitCode.PARTIAL, done.output
    table = pd.read_csv(tmp_path / "out" / "cut" / "cut.csv")
    assert table["success"].iloc[:15].eq(1).all()
    metadata = json.loads((tmp_path / "out" / "cut" / "cut.metadata.json").read_text())
    assert metadata["problems"]
    assert metadata["frames"]["original"]["rows"] == len(table)


def test_an_output_folder_that_is_a_file(tmp_path):
    (tmp_path / "out").write_text("")
    done = call("run", CLIP, "-o", tmp_path / "out", "--profile", "openface-pfld", "--quiet")
    assert done.exit_code == ExitCode.FAILED
    assert (
        done.stderr
        == f"error: the output folder '{tmp_path / 'out'}' cannot be written to: it is a file, not a folder; choose another folder\n"
    )
    done = call("run", CLIP, "--output", CLIPS, "--profile", "openface-pfld")
    assert done.stderr == f"error: '{CLIPS}' cannot be written: it is a folder; choose another name\n"


def test_a_full_disk_loses_nothing_that_was_written(tmp_path, monkeypatch):
    from face_mirror_au.tables import raw_log

    write = raw_log.OnlineLog._write
    rows = []

    def fails_after_five(self, row):
        if len(rows) == 5:
            raise raw_log.output_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), self._path)
        rows.append(row)
        write(self, row)

    monkeypatch.setattr(raw_log.OnlineLog, "_write", fails_after_five)
    done = call("run", CLIP, "-o", tmp_path, "--profile", "openface-pfld", "--quiet")
    assert done.exit_code == ExitCode.FAILED
    assert "the disk is full" in done.stderr
    online = tmp_path / "smile_both.unfinished" / "smile_both.online.csv"
    assert len(pd.read_csv(online)) == 4
    assert f"the rows measured so far are in {online}; they are provisional: for final values, run the recording again" in done.stderr
    assert not (tmp_path / "smile_both").exists(), "a result appears only when it is complete"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_keeps_the_rows_so_far(tmp_path, shared_file):
    video = shared_file("media/2015-10-15-15-14.avi")
    process = subprocess.Popen(
        [sys.executable, "-m", "face_mirror_au", "run", str(video), "-o", str(tmp_path), "--profile", "openface-pfld"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    online = tmp_path / f"{video.stem}.unfinished" / f"{video.stem}.online.csv"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (online.exists() and online.read_text().count("\n") > 20):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    assert f"interrupted; the rows measured so far are in {online}" in errors
    rows = pd.read_csv(online)
    assert len(rows) >= 20
    assert rows["frame"].tolist() == list(range(1, len(rows) + 1))


def test_au_from_landmarks_writes_full_precision(tmp_path, shared_file):
    target = tmp_path / "au.csv"
    done = call(
        "au-from-landmarks",
        shared_file("media/default.wmv"),
        shared_file("truth/edge_short10/landmarks.csv.gz"),
        "-o",
        target,
        "--values",
        "final",
    )
    assert done.exit_code == ExitCode.PARTIAL, "the video has more frames than the landmarks"
    assert "10 landmark rows" in done.stderr
    found = pd.read_csv(target)
    truth = pd.read_csv(shared_file("truth/edge_short10/au_final.csv.gz"))
    assert list(found.columns) == ["frame", "success", *(name for name in truth.columns if name.startswith("AU"))]
    names = [name for name in truth.columns if name.endswith("_r")]
    np.testing.assert_allclose(found[names], truth[names], atol=0.03)


def test_au_from_landmarks_with_given_params(tmp_path, shared_file):
    video, landmarks = shared_file("media/changeLighting.wmv"), shared_file("truth/changeLighting/landmarks.csv.gz")
    params = shared_file("truth/changeLighting/dynamic/pdm_params.csv.gz")
    done = call("au-from-landmarks", video, landmarks, "-o", tmp_path / "au.csv", "--params", params, "--values", "repredicted")
    assert done.exit_code == ExitCode.OK, done.output
    truth = pd.read_csv(shared_file("truth/changeLighting/dynamic/au_repredicted.csv.gz"))
    found = pd.read_csv(tmp_path / "au.csv")
    names = [name for name in truth.columns if name.endswith("_r")]
    # Without the fit's own rounding in between, what is left is the geometry that the text file rounds.
    np.testing.assert_allclose(found[names], truth[names], atol=0.03)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="x5"), "x5"),
        (lambda table: table.assign(y7=np.nan), "y7"),
        (lambda table: table.iloc[:0], "no rows"),
    ],
    ids=["a column missing", "NaN", "no rows"],
)
def test_bad_landmarks(tmp_path, shared_file, change, message):
    table = pd.read_csv(shared_file("truth/edge_short10/landmarks.csv.gz"))
    path = tmp_path / "landmarks.csv"
    change(table).to_csv(path, index=False)
    done = call("au-from-landmarks", shared_file("media/default.wmv"), path, "-o", tmp_path / "au.csv")
    assert done.exit_code == ExitCode.FAILED
    assert message in done.stderr
    assert not (tmp_path / "au.csv").exists()


def test_more_landmark_rows_than_frames(tmp_path, shared_file):
    done = call("au-from-landmarks", CLIP, shared_file("truth/default/landmarks.csv.gz"), "-o", tmp_path / "au.csv")
    assert done.exit_code == ExitCode.FAILED
    assert "the landmarks have 288 rows, the video has 56 frames" in done.stderr


def test_info_tells_versions_kernels_and_no_path(weights):
    done = call("info", "--json")
    found = json.loads(done.stdout)
    assert found["versions"]["numpy"] == np.__version__
    assert set(found["kernels"]) == set(NAMES)
    assert "CPUExecutionProvider" in found["providers"]
    assert found["model sets"]["openface-pfld"] == "complete"
    assert found["profile"].startswith("hybrid")
    assert str(weights) not in done.stdout


def test_demo_shows_rows_views_sides_and_the_report(tmp_path):
    done = call("demo", "--clip", CLIP, "-o", tmp_path)
    assert done.exit_code == ExitCode.OK, done.output
    assert "action units: face-mirror-au open bank, on a scale of its own" in done.stdout
    table = pd.read_csv(tmp_path / "demo" / "demo.csv")
    peak = int(table["AU12_r"].idxmax())
    assert f"frame {peak + 1}" in done.stdout
    sides = pd.read_csv(tmp_path / "demo" / "demo.sides.csv").iloc[peak]
    rows = [line.strip("│ ") for line in done.stdout.splitlines() if line.startswith("│")]
    shown = {name: next(row for row in rows if row.startswith(name)) for name in ("whole face", "the subject's left")}
    assert f"{table['AU12_r'][peak]:.2f}" in shown["whole face"]
    assert f"{sides['AU12_left']:.2f}" in shown["the subject's left"]
    assert len(rows) >= 13 + 3 + 2, "frames, views, sides"
    page = tmp_path / "demo" / "demo.report.html"
    assert str(page) in done.stdout.replace("\n", "")
    assert "data:image/" in page.read_text()


def test_demo_without_its_clip_names_the_command(tmp_path):
    done = call("demo", "-o", tmp_path)
    assert done.exit_code == ExitCode.FAILED
    assert "weights fetch open demo-clip`" in done.stderr


def test_a_baseline_beyond_the_end_is_refused_before_an_earlier_result_is_replaced(tmp_path, weights):
    clip = CLIPS / "smile_both.mp4"
    common = ("run", clip, "-o", tmp_path, "--max-frames", "4", "--workers", "0", "--weights", weights, "--quiet")
    assert call(*common).exit_code == ExitCode.OK
    before = {path.name: path.read_bytes() for path in (tmp_path / "smile_both").iterdir()}
    refused = call(*common, "--baseline", "neutral:50-60")
    assert refused.exit_code != ExitCode.OK
    assert "begins after the end of the recording, which lasts 1.9 s" in refused.stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "smile_both").iterdir()} == before
