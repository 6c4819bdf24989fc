"""What Face Mirror's next programs, the action coder (S2) and the analysis (S3), read of a result: a table of facts, each with a test."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from face_mirror_au.cli.app import app
from face_mirror_au.records import View, ViewTable
from face_mirror_au.results.face_mirror_folder import base_of_table, recording_beside
from face_mirror_au.tables.formats import FACE_MIRROR, FACE_MIRROR_STATIC
from face_mirror_au.tables.gaps import fill_single_gaps

CLIPS = Path(__file__).resolve().parents[1] / "clips"
STEMS = ("smile_left", "smile_right", "blink_left")
FRAMES = 10
AUS = ["01", "02", "04", "05", "06", "07", "09", "10", "12", "14", "15", "17", "20", "23", "25", "26", "45"]

# Which program reads it, the column, its type as pandas reads it.
COLUMNS = [
    ("S2, S3", "frame", "int64"),
    ("S2.5", "timestamp", "float64"),
    ("nobody", "success", "bool"),
    *(("S3", f"AU{number}_r", "float64") for number in AUS),
]
STATIC_COLUMNS = [("newest S3", f"AU{number}_r_static", "float64") for number in AUS]


@pytest.fixture(scope="module")
def results(shared_file, tmp_path_factory):
    """Three results, and a recording beside each, as the application leaves it in its folder."""
    folder = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
        for stem in STEMS:
            (folder / stem).mkdir()
            source = folder / stem / f"{stem}_source.mp4"
            shutil.copyfile(CLIPS / f"{stem}.mp4", source)
            source.chmod(0o644)
            call = ["run", CLIPS / f"{stem}.mp4", "--output", folder / stem / f"{stem}.csv", "--format", "face-mirror", "--static-columns"]
            call += ["--fill-gaps", "1", "--max-frames", FRAMES, "--workers", 0, "--device", "cpu", "--no-report"]
            done = CliRunner().invoke(app, [str(part) for part in call])
            assert done.exit_code == 0, done.output
    return folder


@pytest.mark.parametrize("stem", STEMS)
def test_names_columns_types_and_frame_numbers(results, stem):
    for side in ("left", "right"):
        path = results / stem / f"{stem}_{side}_mirrored.csv"
        table = pd.read_csv(path)
        assert [(name, str(dtype)) for name, dtype in table.dtypes.items()] == [fact[1:] for fact in (*COLUMNS, *STATIC_COLUMNS)]
        assert table["frame"].tolist() == list(range(FRAMES))
        assert (np.diff(table["timestamp"]) > 0).all()
        assert table["timestamp"][0] == 0
        if os.name != "nt":
            assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("stem", STEMS)
def test_s2_pairs_the_recording_with_these_two_tables_only(results, stem):
    csvs = [path.name for path in (results / stem).glob("*.csv")]
    # S2 cuts "_left_mirrored.csv" and "_right_mirrored.csv" off, of others ".csv"; of recordings the ending and "_source".
    bases = {name: re.sub(r"(_left_mirrored|_right_mirrored)?\.csv$", "", name) for name in csvs}
    assert sorted(name for name, base in bases.items() if base == stem) == [f"{stem}_left_mirrored.csv", f"{stem}_right_mirrored.csv"]
    assert all(base_of_table(name) == base for name, base in bases.items())
    assert recording_beside(results / stem / f"{stem}.csv") == results / stem / f"{stem}_source.mp4"


def test_the_default_format_beside_a_recording_is_warned_of(shared_file, monkeypatch, tmp_path):
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
    shutil.copyfile(CLIPS / "smile_left.mp4", tmp_path / "a_source.mp4")
    call = ["run", CLIPS / "smile_left.mp4", "--views", "original,left,right", "--output", tmp_path / "a.csv", "--max-frames", 3]
    done = CliRunner().invoke(app, [str(part) for part in (*call, "--workers", 0, "--device", "cpu", "--no-report")])
    assert done.exit_code == 0, done.output
    assert "add --format face-mirror" in " ".join(done.output.split())


@pytest.mark.parametrize("option", [("--static-columns",), ("--fill-gaps", "1")])
def test_options_of_that_format_are_refused_for_others(shared_file, monkeypatch, tmp_path, option):
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
    done = CliRunner().invoke(app, ["run", str(CLIPS / "smile_left.mp4"), "-o", str(tmp_path), *option, "--workers", "0"])
    assert done.exit_code == 2
    assert f"{option[0]} is for --format face-mirror" in " ".join(done.output.split())


def test_static_columns_are_those_of_a_run_with_static_models(results, shared_file, monkeypatch, tmp_path):
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
    call = ["run", CLIPS / "smile_left.mp4", "-o", tmp_path, "--format", "face-mirror", "--models", "static", "--max-frames", FRAMES]
    done = CliRunner().invoke(app, [str(part) for part in (*call, "--workers", 0, "--device", "cpu", "--no-report")])
    assert done.exit_code == 0, done.output
    both = pd.read_csv(results / "smile_left" / "smile_left_left_mirrored.csv")
    alone = pd.read_csv(tmp_path / "smile_left" / "smile_left_left_mirrored.csv")
    static = [f"AU{number}_r_static" for number in AUS]
    assert both[static].to_numpy().tolist() == alone[[name.removesuffix("_static") for name in static]].to_numpy().tolist()
    assert not np.allclose(both[static], both[[name.removesuffix("_static") for name in static]])
    metadata = json.loads((results / "smile_left" / "smile_left.metadata.json").read_text())
    assert metadata["settings"]["static_columns"] is True
    assert metadata["filled_frames"] == {"left_mirrored": [], "right_mirrored": []}


def test_single_missing_frames_are_filled_and_marked(tmp_path):
    success = np.array([False, True, False, True, False, False, True, True, False])
    values = np.where(success[:, None], np.arange(9.0)[:, None], np.nan) * np.ones(17) / 2
    table = ViewTable(
        view=View.LEFT_MIRRORED, frame=np.arange(9), time_s=np.arange(9) / 30, success=success, confidence=success * 1.0,
        intensity=values, presence=np.zeros((9, 18)), raw=values, signals={}, static=values / 2,
    )  # fmt: skip
    FACE_MIRROR.write_view(table, tmp_path / "as_it_is.csv")
    FACE_MIRROR_STATIC.write_view(fill_single_gaps(table), tmp_path / "filled.csv")
    before, after = pd.read_csv(tmp_path / "as_it_is.csv"), pd.read_csv(tmp_path / "filled.csv")
    assert np.flatnonzero(before["AU12_r"].isna()).tolist() == [0, 2, 4, 5, 8]
    # Not the first, not the last, not two in a row.
    assert np.flatnonzero(after["AU12_r"].isna()).tolist() == [0, 4, 5, 8]
    assert after["AU12_r"][2] == 1.0
    assert after["AU12_r_static"][2] == 0.5
    assert after["success"].tolist() == before["success"].tolist() == success.tolist()
