"""`face-mirror-au report` on a real clip, from the video to the page."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_folder import Page, make_run
from typer.testing import CliRunner

from face_mirror_au.asymmetry.comparison import compare_units, compare_zones
from face_mirror_au.asymmetry.zones import ZONES
from face_mirror_au.cli.app import app
from face_mirror_au.errors import ResultError
from face_mirror_au.records import INTENSITY_AUS
from face_mirror_au.report.write import write_report
from face_mirror_au.results.earlier import earlier_files

CLIP = Path(__file__).resolve().parents[1] / "clips" / "smile_left.mp4"


@pytest.fixture(scope="module")
def measured(tmp_path_factory, shared_file):
    folder = tmp_path_factory.mktemp("report")
    environment = {**os.environ, "FACE_MIRROR_AU_WEIGHTS": str(shared_file("weights"))}
    command = [sys.executable, "-m", "face_mirror_au", "mirror", str(CLIP), "-o", str(folder), "--profile", "hybrid", "--workers", "1",
               "--device", "cpu"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return folder / "smile_left"


@pytest.fixture
def folder(measured, tmp_path):
    return Path(shutil.copytree(measured, tmp_path / "smile_left"))


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_numbers_on_the_page_are_those_of_the_tables(folder):
    done = call("report", folder.parent)
    assert done.exit_code == 0, done.output
    path = folder / "smile_left.report.html"
    assert done.stdout.strip() == str(path)
    page = Page(path.read_text(encoding="utf-8"))

    names = [f"{au}_r" for au in INTENSITY_AUS]
    left, right = (pd.read_csv(folder / f"smile_left_{side}_mirrored.csv") for side in ("left", "right"))
    for au in (au for zone in ZONES for au in zone.aus):
        assert page.number(au, "peak-left") == left[f"{au}_r"].max()
        assert page.number(au, "peak-right") == right[f"{au}_r"].max()
        assert page.shown(au, "peak-left") == f"{left[f'{au}_r'].max():.2f}"
    assert page.number("AU12", "time-left") == pytest.approx(left["timestamp"][left["AU12_r"].argmax()], abs=0.0005)

    raw = pd.read_csv(folder / "smile_left.raw.csv")
    time = raw[raw["view"] == "original"]["timestamp"].to_numpy()
    measures = compare_units(time, left[names].to_numpy(), right[names].to_numpy()) | {
        key: zone.sides for key, zone in compare_zones(time, left[names].to_numpy(), right[names].to_numpy()).items()
    }
    compared = 0
    for of, sides in measures.items():
        for measure, expected in (("difference", sides.difference), ("ratio", sides.ratio), ("area-left", sides.left.area)):
            if expected is None:
                assert ("mirrored", of, measure) not in page.numbers
            elif ("mirrored", of, measure) in page.numbers:
                assert page.number(of, measure) == expected
                compared += 1
    assert compared >= 20
    yaw = np.degrees(np.abs(pd.read_csv(folder / "smile_left.csv")["pose_Ry"]))
    assert f"by {yaw.median():.1f}° in the median frame" in page.said


def test_a_smile_on_the_left_is_a_smile_on_the_left(folder):
    page = Page(write_report(folder, "smile_left").read_text(encoding="utf-8"))
    assert "The mouth moved more on the subject's left: at most 2." in page.said
    assert page.number("AU12", "difference") > 0.8
    assert page.number("AU12", "ratio") < 0.1


def test_pictures_come_from_the_mirrored_videos(folder):
    text = write_report(folder, "smile_left").read_text(encoding="utf-8")
    pictures = [base64.b64decode(found) for found in re.findall(r'src="data:image/jpeg;base64,([^"]+)" alt="Movement', text)]
    assert len(pictures) == 3, "the unmirrored face, too"
    assert re.search(r"Movement 1 \(0\.\d\d-1\.\d\d s\), soft smile \(SS\), proposed, 0\.93 s: the subject&#39;s left half, twice", text)
    import cv2

    left, right = (cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR) for picture in pictures[1:])
    assert left.shape == right.shape
    assert np.abs(left.astype(int) - right).mean() > 2, "a smile, and none"

    assert call("report", folder, "--no-faces").exit_code == 0
    assert "data:image/" not in (folder / "smile_left.report.html").read_text(encoding="utf-8")


def test_videos_that_the_run_does_not_list_are_not_shown(folder):
    metadata = folder / "smile_left.metadata.json"
    metadata.write_text(metadata.read_text().replace('"_left_mirrored.mp4",', ""))
    assert "data:image/" not in write_report(folder, "smile_left").read_text(encoding="utf-8")


def test_a_broken_video_is_told_and_leaves_the_earlier_page(folder):
    before = write_report(folder, "smile_left").read_bytes()
    (folder / "smile_left_right_mirrored.mp4").write_bytes(b"\x00\x01\x02 no video")
    done = call("report", folder)
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert "smile_left_right_mirrored.mp4" in done.stderr
    assert "--no-faces" in done.stderr
    assert (folder / "smile_left.report.html").read_bytes() == before
    assert call("report", folder, "--no-faces").exit_code == 0


def test_a_new_run_takes_the_page_of_the_earlier_one_away(folder):
    path = write_report(folder, "smile_left", faces=False)
    named = folder / "smile_left.movements.csv"
    named.write_text("start_s,end_s,action\n")
    removed = earlier_files(folder / "smile_left.csv")
    assert {path, folder / "smile_left.asymmetry.csv"} <= set(removed)
    assert named not in removed, "a person has written in it"


def test_errors_are_one_line_and_say_what_to_do(tmp_path):
    done = call("report", tmp_path)
    assert done.exit_code == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert "face-mirror-au mirror VIDEO" in done.stderr
    (make_run(tmp_path) / "p_right_mirrored.csv").unlink()
    done = call("report", tmp_path)
    assert done.exit_code == 1
    assert "'p_right_mirrored.csv' is not there" in done.stderr
    assert not (tmp_path / "p.report.html").exists()
    with pytest.raises(ResultError):
        write_report(tmp_path, "another")


def test_what_draws_is_loaded_when_something_is_drawn():
    code = "import sys, face_mirror_au.cli.app, face_mirror_au.report.write; print(sorted({'matplotlib', 'jinja2', 'pandas', 'av', 'cv2', 'onnxruntime'} & set(sys.modules)))"  # noqa: E501
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
