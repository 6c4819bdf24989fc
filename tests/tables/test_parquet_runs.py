"""`--format parquet`: the final tables as exact Parquet files; everything that reads a result reads them, too."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from face_mirror_au.cli.app import app
from face_mirror_au.errors import ParquetMissingError, UsageError
from face_mirror_au.results.publish import Place
from face_mirror_au.results.result import read_result
from face_mirror_au.results.work_folder import place_of
from face_mirror_au.run.outputs import OutputPlan
from face_mirror_au.tables.table_files import METADATA_KEY

CLIPS = Path(__file__).parents[1] / "clips"
STEM = "smile_left"
OPTIONS = ("--profile", "open", "--workers", 0, "--max-frames", 16, "--quiet", "--no-report")
TABLES = [f"{STEM}{view}" for view in ("", "_left_mirrored", "_right_mirrored")]


@pytest.fixture(scope="module")
def call(shared_file):
    runner = CliRunner(env={"FACE_MIRROR_AU_WEIGHTS": str(shared_file("weights"))})
    return lambda *arguments: runner.invoke(app, [str(argument) for argument in arguments])


def run(call, folder, *options):
    done = call("run", CLIPS / f"{STEM}.mp4", "-o", folder, *OPTIONS, *options)
    assert done.exit_code in {0, 3}, done.output
    return folder / STEM


@pytest.fixture(scope="module")
def results(call, tmp_path_factory):
    """The same recording, as CSV and as Parquet."""
    folder = tmp_path_factory.mktemp("parquet")
    views = ("--views", "original,left,right", "--keep-descriptors")
    return run(call, folder / "csv", *views), run(call, folder / "parquet", *views, "--format", "parquet")


def files(folder):
    return {path.name for path in folder.iterdir()}


def test_the_final_tables_are_parquet_and_all_else_is_as_ever(results):
    csv, parquet = results
    assert files(parquet) == {f"{name[:-4]}.parquet" if name[:-4] in TABLES else name for name in files(csv)}
    said = json.loads((parquet / f"{STEM}.metadata.json").read_text())
    assert said["settings"]["format"] == "parquet"
    assert said["settings"]["columns"] == [
        "gaze", "eye_landmarks", "pose", "landmarks", "landmarks3d", "shape", "eyes", "lengths", "regions", "aus",
    ]  # fmt: skip
    assert {".parquet", "_left_mirrored.parquet", "_right_mirrored.parquet"} <= set(said["files"])
    kept = json.loads(pq.read_schema(parquet / f"{STEM}.parquet").metadata[METADATA_KEY])
    assert kept["input"] == said["input"]
    described = pd.read_csv(parquet / f"{STEM}.columns.csv")
    assert described.set_index("column").loc["pose_Tx", "file"] == "; ".join(f"{table}.parquet" for table in TABLES)
    for name in (f"{STEM}.raw.csv", f"{STEM}.sides.csv"):
        assert (csv / name).read_bytes() == (parquet / name).read_bytes()


@pytest.mark.parametrize("table", TABLES)
def test_they_hold_the_values_of_the_csv_exactly(call, results, tmp_path, table):
    csv, parquet = results
    refused = call("convert", parquet / f"{table}.parquet", "-o", tmp_path / "a.csv")
    assert refused.exit_code == 1
    assert "would lose decimals of timestamp" in refused.stderr
    assert call("convert", parquet / f"{table}.parquet", "-o", tmp_path / "a.csv", "--drop").exit_code == 0
    assert (tmp_path / "a.csv").read_bytes() == (csv / f"{table}.csv").read_bytes()
    exact = pq.read_table(parquet / f"{table}.parquet").to_pandas()["AU12_r"]
    assert (exact != exact.round(2)).any()
    assert call("convert", parquet / f"{table}.parquet", "-o", tmp_path / "b.parquet").exit_code == 0
    assert pq.read_table(tmp_path / "b.parquet").equals(pq.read_table(parquet / f"{table}.parquet"), check_metadata=True)


def test_page_and_comparison_read_them(results):
    csv, parquet = (read_result(folder, STEM) for folder in results)
    np.testing.assert_allclose(parquet.sides["mirrored"].left, csv.sides["mirrored"].left, atol=0.0051)
    np.testing.assert_allclose(parquet.yaw_deg, csv.yaw_deg, atol=0.03)
    np.testing.assert_allclose(parquet.landmarks.left, csv.landmarks.left, atol=0.01)


def test_a_whole_run_becomes_tidy(call, results, tmp_path):
    for folder, name in zip(results, ("csv", "parquet"), strict=True):
        assert call("convert", folder, "-o", tmp_path / f"{name}.parquet").exit_code == 0
    csv, parquet = (pq.read_table(tmp_path / f"{name}.parquet").to_pandas() for name in ("csv", "parquet"))
    assert csv.drop(columns="value").equals(parquet.drop(columns="value"))
    np.testing.assert_allclose(csv["value"], parquet["value"], atol=0.0051)


def test_recover_makes_them_anew(call, results):
    table = results[1] / f"{STEM}.parquet"
    before = pq.read_table(table)
    table.write_bytes(b"")
    done = call("recover", results[1])
    assert done.exit_code in {0, 3}, done.output
    assert pq.read_table(table).equals(before)


def test_a_result_of_another_form_is_replaced_and_a_converted_table_is_not(call, tmp_path):
    folder = run(call, tmp_path)
    (folder / f"{STEM}_left_mirrored.parquet").write_text("somebody's")
    assert files(run(call, tmp_path, "--format", "parquet")) >= {f"{STEM}.parquet", f"{STEM}_left_mirrored.parquet"}
    assert f"{STEM}.csv" not in files(folder)
    assert (folder / f"{STEM}_left_mirrored.parquet").read_text() == "somebody's"
    run(call, tmp_path)
    assert f"{STEM}.parquet" not in files(folder)
    assert f"{STEM}.csv" in files(folder)


def test_a_batch_leaves_alone_what_is_done(call, tmp_path):
    options = [each for each in OPTIONS if each != "--quiet"]
    wanted = ("batch", CLIPS / f"{STEM}.mp4", "-o", tmp_path, *options, "--format", "parquet")
    assert "1 to measure" in call(*wanted).output
    assert (tmp_path / STEM / f"{STEM}.parquet").exists()
    assert "0 to measure, 1 done before" in call(*wanted).output
    assert "1 to measure" in call(*wanted[:-1], "openface").output
    assert not (tmp_path / STEM / f"{STEM}.parquet").exists()


def test_without_pyarrow_nothing_is_measured(call, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    for command in ("run", "batch", "mirror"):
        done = call(command, CLIPS / f"{STEM}.mp4", "-o", tmp_path / "out", *OPTIONS, "--format", "parquet")
        assert done.exit_code == 1, done.output
        assert "pip install pyarrow" in done.stderr
    assert not (tmp_path / "out" / STEM).exists()
    with pytest.raises(ParquetMissingError):
        OutputPlan(tmp_path / "a.parquet", "parquet").check()


def test_the_name_of_the_table_says_the_same_as_the_format(tmp_path):
    with pytest.raises(UsageError, match=r"'a\.csv' does not end as a table of --format parquet does: in \.parquet"):
        OutputPlan(tmp_path / "a.csv", "parquet")
    with pytest.raises(UsageError, match=r"'a\.parquet' does not end as a table of --format openface does: in \.csv"):
        OutputPlan(tmp_path / "a.parquet")
    assert OutputPlan.in_folder(tmp_path, "p", "parquet", ("aus",)).csv == tmp_path / "p" / "p.parquet"


def test_a_work_folder_without_its_lock_is_still_known(tmp_path):
    work = tmp_path / "p.unfinished"
    work.mkdir()
    for name in ("p.parquet", "p.metadata.json"):
        (work / name).write_text("{}")
    assert place_of(work) == Place(tmp_path / "p" / "p.parquet", own_folder=True)
    assert "p.parquet" in Place(tmp_path / "p" / "p.csv", own_folder=True).names
