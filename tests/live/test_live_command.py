"""`face-mirror-au live`: what it writes and says, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from live_doubles import ScriptedCamera
from typer.testing import CliRunner

from face_mirror_au.cli.app import app
from face_mirror_au.cli.live_line import largest
from face_mirror_au.cli.terminal import ExitCode
from face_mirror_au.errors import CameraError, OutputError
from face_mirror_au.live import cameras, newest, session
from face_mirror_au.live.files import LiveLog, free_stem
from face_mirror_au.media.video import open_source
from face_mirror_au.overlay import window
from face_mirror_au.records import INTENSITY_AUS, OnlineValues, View
from face_mirror_au.tables.formats import LIVE, LIVE_SIDES

CLIPS = Path(__file__).resolve().parents[1] / "clips"
CLIP = CLIPS / "smile_left.mp4"


@pytest.fixture(autouse=True)
def weights(shared_file, monkeypatch):
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))


def call(*arguments):
    return CliRunner().invoke(app, ["live", *(str(argument) for argument in arguments)])


def files(folder, stem="smile_left"):
    table = pd.read_csv(folder / stem / f"{stem}.live.csv")
    return table, json.loads((folder / stem / f"{stem}.live.json").read_text())


def clip_frames():
    with open_source(CLIP) as source:
        return list(source)


def test_every_frame_of_a_file_with_left_and_right(tmp_path):
    done = call("--input", CLIP, "-o", tmp_path, "--every-frame", "--no-preview", "--profile", "open")
    assert done.exit_code == ExitCode.OK, done.output
    table, record = files(tmp_path)
    assert tuple(table.columns) == LIVE_SIDES.names
    assert table["frame"].tolist() == list(range(1, 57))
    assert table["timestamp"].tolist() == pytest.approx([frame.time_s for frame in clip_frames()], abs=1e-6)
    assert record["frames"] == {"seen": 56, "measured": 56, "failed": 0, "reasons": {}, "dropped": 0}
    assert record["policy"] == "every frame"
    assert record["ended"] == "the end of the file"
    left, right = (table[f"AU12_{side}_online"] for side in ("left", "right"))
    assert left.max() > right.max() + 0.5, "the smile is on the left"
    assert left.between(0, 5).all()
    if os.name == "posix":
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "smile_left").iterdir())


def test_values_are_called_provisional_everywhere(tmp_path):
    done = call("--input", CLIP, "-o", tmp_path, "--every-frame", "--no-preview", "--profile", "open")
    assert done.stdout.count("PROVISIONAL") == 2
    table, record = files(tmp_path)
    assert record["provisional"] is True
    assert not any(name.endswith(("_r", "_c")) for name in table.columns), "online and final values never share a name"
    dictionary = pd.read_csv(tmp_path / "smile_left" / "smile_left.live.columns.csv").set_index("column")
    assert set(dictionary.index) == set(table.columns)
    assert all("PROVISIONAL" in dictionary.loc[name, "meaning"] for name in table.columns if name.endswith("_online"))
    assert "PROVISIONAL" in record["values"]


def test_the_raw_values_are_those_of_a_run_s_online_table(tmp_path):
    call("--input", CLIP, "-o", tmp_path / "live", "--every-frame", "--no-preview", "--profile", "hybrid")
    run = ["run", CLIP, "-o", tmp_path / "run", "--profile", "hybrid", "--views", "original,left,right", "--workers", 0, "--no-report"]
    assert CliRunner().invoke(app, [str(part) for part in run]).exit_code == ExitCode.OK
    live, _ = files(tmp_path / "live")
    online = pd.read_csv(tmp_path / "run" / "smile_left" / "smile_left.online.csv")
    pd.testing.assert_frame_equal(live[list(online.columns)], online)
    assert list(live["view"][:3]) == ["original", "left_mirrored", "right_mirrored"], "OpenFace's models have no sides: all views"


def test_frames_that_came_too_fast_are_missing_in_the_table_and_counted(tmp_path, monkeypatch):
    """A camera that gives three pictures while one is measured, whatever the machine."""

    class InThrees(newest.EveryPicture):
        def __init__(self, camera):
            super().__init__(camera)
            self.slot = newest.Slot()

        def take(self, timeout_s):
            for _ in range(3):
                frame = super().take(timeout_s)
                if frame is not None:
                    self.slot.put(frame)
            self.dropped = self.slot.dropped
            frame = self.slot.take(0.0)
            self.ended = frame is None
            return frame

    monkeypatch.setattr(newest, "NewestPictures", InThrees)
    done = call("--input", CLIP, "-o", tmp_path, "--no-preview", "--profile", "open")
    assert done.exit_code == ExitCode.OK, done.output
    table, record = files(tmp_path)
    assert table["frame"].tolist() == [*range(3, 57, 3), 56]
    assert np.diff(table["timestamp"])[:-1] == pytest.approx(0.1, abs=1e-3)
    assert record["frames"]["seen"] == 56
    assert record["frames"]["dropped"] == 56 - 19
    assert "56 frames seen: 19 measured, 0 failed, 37 dropped" in done.stdout
    assert record["policy"] == "newest frame wins"


def test_in_real_time_nothing_is_lost_from_the_account(tmp_path):
    began = time.monotonic()
    done = call("--input", CLIP, "-o", tmp_path, "--no-preview", "--profile", "open")
    assert done.exit_code == ExitCode.OK, done.output
    assert time.monotonic() - began > 55 / 30, "played in real time"
    table, record = files(tmp_path)
    counts = record["frames"]
    assert counts["seen"] == 56 == len(table) + counts["dropped"]
    assert table["frame"].is_monotonic_increasing


def test_a_camera_that_cannot_be_opened_leaves_no_files(tmp_path, monkeypatch):
    def none(number):
        raise CameraError(f"camera {number} cannot be opened: there is none")

    monkeypatch.setattr(cameras, "WebCamera", none)
    done = call("--camera", 4, "-o", tmp_path / "out", "--no-preview")
    assert done.exit_code == ExitCode.FAILED
    assert " ".join(done.stderr.split()).endswith("error: camera 4 cannot be opened: there is none")
    assert not (tmp_path / "out").exists()


def test_a_camera_that_vanishes_is_an_error_and_its_table_is_kept(tmp_path, monkeypatch):
    script = ScriptedCamera(*clip_frames()[:12], CameraError("camera 0 gives no more pictures: it was unplugged"))
    script.name, script.width, script.height = "camera0", 480, 360
    monkeypatch.setattr(cameras, "WebCamera", lambda number: script)
    monkeypatch.setattr(newest, "NewestPictures", newest.EveryPicture)
    done = call("-o", tmp_path, "--no-preview", "--profile", "open")
    assert done.exit_code == ExitCode.FAILED
    said = " ".join(done.stderr.split())
    assert "error: camera 0 gives no more pictures: it was unplugged; the rows measured so far are in" in said
    table, record = files(tmp_path, "camera0")
    assert len(table) == 12
    assert "unplugged" in record["ended"]
    assert record["input"]["kind"] == "camera"


def test_a_camera_that_says_nothing_at_all_is_given_up(tmp_path, monkeypatch):
    hold = threading.Event()
    script = ScriptedCamera(*clip_frames()[:1], hold)
    script.width, script.height = 480, 360
    monkeypatch.setattr(cameras, "WebCamera", lambda number: script)
    monkeypatch.setattr(session, "SILENT_AFTER_S", 0.4)
    monkeypatch.setattr(newest, "_END_S", 0.1)
    done = call("-o", tmp_path, "--no-preview", "--profile", "open")
    hold.set()
    assert done.exit_code == ExitCode.FAILED
    assert "it hangs, or was unplugged" in " ".join(done.stderr.split())
    assert len(files(tmp_path, "scripted")[0]) == 1


def test_frames_without_a_face_are_rows_without_values(tmp_path, monkeypatch):
    from dataclasses import replace

    frames = clip_frames()[:6]
    frames[3] = replace(frames[3], image=np.full_like(frames[3].image, 60))
    script = ScriptedCamera(*frames)
    script.width, script.height = 480, 360
    monkeypatch.setattr(cameras, "WebCamera", lambda number: script)
    monkeypatch.setattr(newest, "NewestPictures", newest.EveryPicture)
    done = call("-o", tmp_path, "--no-preview", "--profile", "open")
    assert "6 frames seen: 5 measured, 1 failed (1 x no face found), 0 dropped" in done.stdout
    table, _ = files(tmp_path, "scripted")
    assert table["success"].tolist() == [1, 1, 1, 0, 1, 1]
    assert table.loc[3, [name for name in table.columns if name.startswith("AU")]].isna().all()
    assert table.loc[3, "reason"] == "no face found"
    assert table.loc[2, ["AU12_raw", "AU12_online", "AU12_left_online"]].notna().all()


def test_closing_the_window_ends_the_session(tmp_path, monkeypatch):
    monkeypatch.setattr(window, "check_display", lambda: None)
    shown = []
    monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "resizeWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr(cv2, "imshow", lambda _name, picture: shown.append(picture))
    monkeypatch.setattr(cv2, "waitKey", lambda _ms: ord("q") if len(shown) == 5 else -1)
    done = call("--input", CLIP, "-o", tmp_path, "--every-frame", "--profile", "open")
    assert done.exit_code == ExitCode.OK, done.output
    table, record = files(tmp_path)
    assert len(shown) == len(table) == 5
    assert record["ended"] == "the window was closed"


def test_a_session_never_takes_the_place_of_an_earlier_one(tmp_path):
    for _ in range(2):
        assert (
            call("--input", CLIPS / "smile_both.mp4", "-o", tmp_path, "--every-frame", "--no-preview", "--profile", "open").exit_code == 0
        )
    names = {path.name for path in (tmp_path / "smile_both").iterdir()}
    assert names == {f"smile_both{n}.live{ending}" for n in ("", "-2") for ending in (".csv", ".columns.csv", ".json")}
    assert free_stem(tmp_path / "smile_both", "smile_both") == "smile_both-3"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--camera", 1, "--input", CLIP), "either --camera N or --input FILE"),
        (("--every-frame",), "--every-frame is for --input FILE"),
        (("--camera", -1), "--camera must be 0 or more"),
        (("--subject", "a/b"), "--subject must be a plain name"),
    ],
)
def test_options_that_do_not_go_together(arguments, said):
    done = call(*arguments)
    assert done.exit_code == ExitCode.USAGE
    assert said in " ".join(done.stderr.split())


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, ExitCode.TERMINATED)])
def test_ctrl_c_ends_a_session_cleanly(tmp_path, number, code):
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "face_mirror_au",
            "live",
            "--input",
            CLIPS / "two_faces.mp4",
            "-o",
            tmp_path,
            "--no-preview",
            "--profile",
            "open",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    table = tmp_path / "two_faces" / "two_faces.live.csv"
    deadline = time.monotonic() + 20
    while not (table.exists() and table.read_text().count("\n") > 5):
        assert time.monotonic() < deadline, "no rows came"
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code, err
    assert f"ended by {'Ctrl-C' if number == signal.SIGINT else 'SIGTERM'}" in out
    rows, record = files(tmp_path, "two_faces")
    assert 5 <= len(rows) < 120
    assert len(rows) == record["frames"]["measured"] + record["frames"]["failed"]
    assert "Traceback" not in err


def test_rows_are_there_as_soon_as_they_are_measured(tmp_path):
    from face_mirror_hooks.records import FrameResult, ViewResult

    path = tmp_path / "x.live.csv"
    with LiveLog(path, sides=False) as log:
        log.append(FrameResult(4, 0.5, (ViewResult(View.ORIGINAL, None, False, 0.0, "no\nface"),)), {})
        header, row = path.read_text().splitlines()
    assert header.split(",") == list(LIVE.names)
    assert row == "5,0.500000,original,0" + "," * 35 + "no face"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_told():
    with pytest.raises(OutputError, match="the disk is full"), LiveLog(Path("/dev/full"), sides=False):
        pass


def test_the_line_names_the_largest_action_units_with_their_sides():
    def values(**found):
        numbers = np.zeros(17)
        for name, value in found.items():
            numbers[INTENSITY_AUS.index(name)] = value
        return OnlineValues(numbers, np.zeros(18), numbers)

    told = largest({View.LEFT_MIRRORED: values(AU12=2.5, AU06=1.0), View.RIGHT_MIRRORED: values(AU45=3.0, AU12=0.25)}, 3)
    assert told == [("AU45", "L 0.0 R 3.0"), ("AU12", "L 2.5 R 0.2"), ("AU06", "L 1.0 R 0.0")]
