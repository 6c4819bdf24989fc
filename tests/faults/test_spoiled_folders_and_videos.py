"""The video is changed, or the output folder spoilt, while a run is under way."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import fault_runs
import pandas as pd
import pytest
import spoiling_plugin
from typer.testing import CliRunner

from face_mirror_au.batch.state import STATE_FILE
from face_mirror_au.cli.app import app

# 120 frames, of which FFmpeg has read a part only when the sixth is measured.
VIDEO, LENGTH = fault_runs.CLIPS / "two_faces.mp4", 120
_CHANGED = "the input was changed, replaced or removed while it was read"


def _arguments(folder, video, command="run"):
    options = ("--profile", "hybrid", "--device", "cpu", "--workers", "0", "--plugin", "spoiling_plugin:AtFrame")
    return [command, str(video), "-o", str(folder / "out"), *options]


def _spoil(action, target):
    return {spoiling_plugin.VARIABLE: f"{action}:{target}"}


def _run(folder, video, action, target, command="run"):
    """In this process, which has the libraries already."""
    return CliRunner().invoke(app, _arguments(folder, video, command), env=_spoil(action, target))


@pytest.fixture
def video(tmp_path):
    return Path(shutil.copyfile(VIDEO, tmp_path / "v.mp4"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run = _run(folder, shutil.copyfile(VIDEO, folder / "v.mp4"), "remove", _harmless(folder))
    assert run.exit_code == 0, run.stderr
    return pd.read_csv(folder / "out" / "v" / "v.csv")


def _harmless(folder):
    (folder / "harmless").touch()
    return folder / "harmless"


@pytest.mark.parametrize("action", ["truncate", "garble", "overwrite", "replace", "remove"])
def test_a_video_that_changes_under_way_gives_a_partial_result_that_says_so(tmp_path, video, undisturbed, action):
    run = _run(tmp_path, video, action, video)
    assert run.exit_code == 3, run.stderr
    assert f"partial: v.mp4: {_CHANGED}" in run.stderr
    assert "Traceback" not in run.stderr
    table = pd.read_csv(tmp_path / "out" / "v" / "v.csv")
    metadata = json.loads((tmp_path / "out" / "v" / "v.metadata.json").read_text())
    assert metadata["input"]["sha256"] is None
    assert 6 <= len(table) == metadata["frames"]["decoded"] <= LENGTH
    if action in {"replace", "remove"}:  # the file that was opened is there until it is closed
        pd.testing.assert_frame_equal(table, undisturbed)
    if action == "truncate":
        assert len(table) < LENGTH
    online = pd.read_csv(tmp_path / "out" / "v" / "v.online.csv")
    assert len(online) == len(table)


def test_a_batch_measures_a_video_again_that_was_changed_while_it_was_read(tmp_path, video):
    run = _run(tmp_path, video, "replace", video, command="batch")
    assert run.exit_code == 3, run.stderr
    assert _CHANGED in run.stderr
    assert _CHANGED in (tmp_path / "out" / "batch.csv").read_text()
    assert json.loads((tmp_path / "out" / STATE_FILE).read_text())["inputs"][str(video)]["sha256"] == ""
    run = _run(tmp_path, video, "remove", _harmless(tmp_path), command="batch")
    assert run.exit_code == 0, run.stderr
    table = pd.read_csv(tmp_path / "out" / "batch.csv").iloc[0]
    assert (table["status"], table["reason"] if isinstance(table["reason"], str) else "") == ("done", "")
    assert len(pd.read_csv(tmp_path / "out" / "v" / "v.csv")) == table["frames"] < LENGTH


def test_images_that_are_removed_under_way_give_no_table_with_names_of_others(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    import cv2

    capture = cv2.VideoCapture(str(fault_runs.CLIP))
    for number in range(10):
        cv2.imwrite(str(folder / f"{number}.png"), capture.read()[1])
    run = _run(tmp_path, folder, "remove", folder / "0.png")
    assert run.exit_code == 1, run.stderr
    assert "images were added to 'images', changed or removed while it was read; run it again" in run.stderr
    assert fault_runs.online_table(tmp_path / "out", "images").read_text().count("\n") == 11


def test_an_output_folder_that_is_removed_under_way_ends_the_run_in_one_line(tmp_path, video):
    run = _run(tmp_path, video, "remove", tmp_path / "out")
    assert run.exit_code == 1
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("error: v.mp4: ")
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()
    assert _run(tmp_path, video, "remove", _harmless(tmp_path)).exit_code == 0


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv, so that root obeys permissions")
def test_an_output_folder_that_becomes_read_only_under_way_keeps_the_rows(tmp_path, video):
    out = tmp_path / "out"
    obedient = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
    wrapper = obedient if os.geteuid() == 0 else []
    run = fault_runs.Run(_arguments(tmp_path, video), tmp_path, environment=_spoil("lock", out) | fault_runs.PLUGINS, wrapper=wrapper)
    code = run.end()
    for folder in (out, *out.iterdir()):
        folder.chmod(0o700)
    assert code == 1, run.stderr
    assert "no permission to write there" in run.stderr
    assert "Traceback" not in run.stderr
    assert fault_runs.online_table(out, "v").read_text().count("\n") == LENGTH + 1
