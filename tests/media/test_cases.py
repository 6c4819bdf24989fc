"""The recordings of ../shared/cases: files that users of such programs reported, each with what is expected of it."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from face_mirror_au.cli.app import app
from face_mirror_au.cli.terminal import ExitCode
from face_mirror_au.media.video import open_source

OPEN = ("--profile", "open", "--workers", 0)


@pytest.fixture
def call(shared_file):
    runner = CliRunner(env={"FACE_MIRROR_AU_WEIGHTS": str(shared_file("weights"))})

    def run(*arguments):
        return runner.invoke(app, [str(argument) for argument in arguments])

    return run


def rows_of(path):
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def column(rows, name):
    return np.array([float(row[name] or "nan") for row in rows])


def metadata(folder, stem):
    return json.loads((folder / stem / f"{stem}.metadata.json").read_text())


def test_long_pixels_are_measured_as_square_ones(call, shared_file, tmp_path):
    clips = [shared_file(f"cases/anamorphic/{name}.mp4") for name in ("sar43", "square")]
    done = call("run", *clips, "-o", tmp_path, *OPEN, "--overlay")
    assert done.exit_code == ExitCode.OK, done.output
    long, square = (rows_of(tmp_path / clip.stem / f"{clip.stem}.csv") for clip in clips)
    for unit, most in (("AU12_r", 0.1), ("AU25_r", 0.1), ("AU45_r", 0.1)):
        assert np.abs(column(long, unit) - column(square, unit)).mean() < most
    assert np.abs(column(long, "x_30") - column(square, "x_30")).mean() < 0.7
    assert call("mirror", clips[0], "-o", tmp_path / "m", *OPEN, "--max-frames", 4, "--no-report").exit_code == ExitCode.OK
    for path in (tmp_path / "m" / "sar43" / "sar43_left_mirrored.mp4", tmp_path / "sar43" / "sar43.overlay.mp4"):
        with open_source(path) as source:
            assert (source.info.width, source.info.height, source.info.pixel_aspect) == (640, 360, None)


def test_heic_pictures_are_read_whole(call, shared_file, tmp_path):
    pytest.importorskip("pi_heif")
    names = ("IMG_0001.HEIC", "untiled.heic", "two_faces_tiled.HEIC", "same_as_untiled.jpg")
    done = call("run", *(shared_file(f"cases/heic/{name}") for name in names), "-o", tmp_path, *OPEN)
    assert done.exit_code == ExitCode.OK, done.output
    plain = rows_of(tmp_path / "same_as_untiled" / "same_as_untiled.csv")[0]
    assert float(plain["AU12_r"]) == pytest.approx(2.95, abs=0.05)
    for stem in ("IMG_0001", "untiled"):
        row = rows_of(tmp_path / stem / f"{stem}.csv")[0]
        for unit in ("AU12_r", "AU25_r"):
            assert float(row[unit]) == pytest.approx(float(plain[unit]), abs=0.35 if stem == "IMG_0001" else 0.1)
    assert metadata(tmp_path, "two_faces_tiled")["input"]["width"] == 1536
    assert metadata(tmp_path, "IMG_0001")["input"]["width"] == 1144


@pytest.mark.parametrize("name", ["mkv_start/s5_noaudio.mkv", "mkv_start/s5_noaudio.webm", "avi_null_frames/dropped_frame.avi"])
def test_what_is_whole_is_not_called_cut_short(shared_file, name):
    with open_source(shared_file(f"cases/{name}")) as source:
        assert sum(1 for _ in source) in {30, 40}
        assert source.problems == []


def test_the_containers_times_are_there_for_who_wants_them(call, shared_file, tmp_path):
    done = call(
        "run", shared_file("cases/mkv_start/s5_noaudio.mkv"), "-o", tmp_path, *OPEN, "--timestamps", "container", "--max-frames", 12
    )
    assert done.exit_code == ExitCode.OK, done.output
    assert float(rows_of(tmp_path / "s5_noaudio" / "s5_noaudio.csv")[0]["timestamp"]) == pytest.approx(5.005)
    assert metadata(tmp_path, "s5_noaudio")["input"]["start_time"] == pytest.approx(5.005)


def test_each_part_of_a_turned_call_is_measured(call, shared_file, tmp_path):
    done = call(
        "mirror", shared_file("cases/size_change/phone_turned.webm"), "-o", tmp_path, *OPEN, "--overlay", "--no-report", "--every", 3
    )
    assert done.exit_code == ExitCode.OK, done.output
    assert done.output.count("changes its size or rotation once") == 1
    rows = rows_of(tmp_path / "phone_turned" / "phone_turned.csv")
    assert len(rows) == 34
    assert column(rows, "success")[:17].all()
    assert column(rows, "success")[17:].mean() > 0.5, "half of the face is outside there"
    for ending in ("_right_mirrored.mp4", ".overlay.mp4"):
        with open_source(tmp_path / "phone_turned" / f"phone_turned{ending}") as source:
            frames = list(source)
        assert {frame.image.shape for frame in frames} == {(360, 640, 3)}
        assert len(frames) == 34
        assert frames[30].image[:, :150].max() < 40, "an upright picture has black beside it"


def test_a_batch_takes_every_video_and_names_the_rest(call, shared_file, tmp_path):
    folder = tmp_path / "in"
    shutil.copytree(shared_file("cases/batch_endings"), folder)
    shutil.copy(shared_file("cases/animated_webp/anim.webp"), folder)
    shutil.copy(folder / "clip.asf", folder / "no ending")
    (folder / "notes.txt").write_text("rest, then smile\n")
    shutil.copy(shared_file("cases/frames_folder/f001.jpg"), folder / "face.jpg")
    done = call("batch", folder, "-o", tmp_path / "out", *OPEN, "--max-frames", 2)
    assert done.exit_code == ExitCode.OK, done.output
    assert "8 inputs: 8 to measure" in done.output
    lines = {line.split(": ")[0].rsplit("/", 1)[-1]: line for line in done.output.splitlines() if line.startswith("  ")}
    assert "a text file" in lines["notes.txt"]
    assert "a still image" in lines["face.jpg"]


def test_a_folder_of_frames_can_have_its_rate(call, shared_file, tmp_path):
    folder = shared_file("cases/frames_folder")
    done = call("run", folder, "-o", tmp_path / "timed", *OPEN, "--fps", "23.976")
    assert done.exit_code == ExitCode.OK, done.output
    times = column(rows_of(tmp_path / "timed" / "frames_folder" / "frames_folder.csv"), "timestamp")
    assert times == pytest.approx(np.arange(30) / 23.976, abs=1e-3)
    assert "--fps" not in done.output
    done = call("mirror", folder, "-o", tmp_path / "untimed", *OPEN, "--every", 3)
    assert "give their number in a second with --fps" in " ".join(done.output.split())
    done = call("movements", tmp_path / "untimed" / "frames_folder")
    assert "the images have no times" in " ".join(done.output.split()), "no movement of two seconds"


def test_an_animation_has_all_its_frames(call, shared_file, tmp_path):
    done = call("run", shared_file("cases/animated_webp/anim.webp"), "-o", tmp_path, *OPEN)
    assert done.exit_code == ExitCode.OK, done.output
    times = column(rows_of(tmp_path / "anim" / "anim.csv"), "timestamp")
    assert times == pytest.approx(np.arange(30) * 0.04)
