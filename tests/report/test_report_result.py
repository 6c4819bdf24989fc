"""A result that is missing, damaged or mixed is told in one line; it never becomes a page."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from report_folder import BUMP, N, make_run, metadata, values

from face_mirror_au.errors import ResultError
from face_mirror_au.results.result import find_result, read_result


def rewrite(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_result_is_found_by_its_own_folder_and_by_the_one_above(tmp_path):
    inside = make_run(tmp_path / "out" / "p")
    assert find_result(inside) == find_result(tmp_path / "out") == (inside, "p")


def test_none_or_several_results_are_told(tmp_path):
    with pytest.raises(ResultError, match="does not exist; give the folder"):
        find_result(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ResultError, match="is no file of a run; give its folder"):
        find_result(tmp_path / "file")
    with pytest.raises(ResultError, match="holds no result of a run"):
        find_result(tmp_path)
    make_run(tmp_path / "a"), make_run(tmp_path / "b")
    with pytest.raises(ResultError, match="holds 2 results; give the folder of one"):
        find_result(tmp_path)
    make_run(tmp_path / "a", "q")
    with pytest.raises(ResultError, match="holds 2 results; run each recording with -o DIR"):
        find_result(tmp_path / "a")


def test_tables_are_read_as_they_are(tmp_path):
    run = read_result(make_run(tmp_path, failed=(3,), yaw_deg=2.0), "p")
    np.testing.assert_array_equal(run.time_s, np.arange(N) / 10)
    assert np.isnan(run.sides["mirrored"].left[3]).all()
    assert run.sides["mirrored"].left[5, 8] == 3.75
    assert run.sides["mirrored"].right[5, 8] == 1.25
    assert run.measured == dict.fromkeys(("original", "left_mirrored", "right_mirrored"), N - 1)
    assert "unmirrored" not in run.sides
    np.testing.assert_allclose(run.yaw_deg[~np.isnan(run.yaw_deg)], 2.0, atol=0.05)
    assert np.isnan(run.yaw_deg[3])


def test_the_short_formats_are_read_too(tmp_path):
    folder = make_run(tmp_path, settings={"format": "face-mirror"})
    (folder / "p.csv").unlink()
    for side in ("left", "right"):  # success as the short formats have it, frames from 0, no time
        path = folder / f"p_{side}_mirrored.csv"
        lines = [line.split(",") for line in path.read_text().splitlines()]
        rows = [",".join([str(i), "True", *cells[3:]]) for i, cells in enumerate(lines[1:])]
        path.write_text("\n".join([",".join(["frame", *lines[0][2:]]), *rows]) + "\n")
    run = read_result(folder, "p")
    assert run.yaw_deg is None
    assert run.sides["mirrored"].left[5, 8] == 3.75
    assert run.sides["mirrored"].left_success.all()


def test_a_table_without_pose_is_no_error(tmp_path):
    make_run(tmp_path)
    rewrite(tmp_path / "p.csv", "pose_Ry", "something")
    assert read_result(tmp_path, "p").yaw_deg is None


@pytest.mark.parametrize("ending", [".csv", "_left_mirrored.csv", "_right_mirrored.csv", ".raw.csv", ".metadata.json"])
def test_a_missing_file_is_named(tmp_path, ending):
    (make_run(tmp_path) / f"p{ending}").unlink()
    with pytest.raises(ResultError, match=rf"'p{ending}' is not there.*run the recording again"):
        read_result(tmp_path, "p")


@pytest.mark.parametrize("ending", [".csv", "_left_mirrored.csv", ".raw.csv", ".sides.csv"])
@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00broken", b'frame,success\n"1,0\n', b"\x00" * 40])
def test_a_broken_table_is_named(tmp_path, ending, content):
    (make_run(tmp_path, sides=(values(), values())) / f"p{ending}").write_bytes(content)
    with pytest.raises(ResultError, match=rf"'p{ending}'.*run the recording again"):
        read_result(tmp_path, "p")


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "damaged"), ("{", "damaged"), ("[]", "was not written by"), ('{"versions": {"other": "1"}}', "was not written by")],
)
def test_broken_metadata_are_named(tmp_path, content, words):
    (make_run(tmp_path) / "p.metadata.json").write_text(content)
    with pytest.raises(ResultError, match=rf"'p.metadata.json'.*{words}"):
        read_result(tmp_path, "p")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [("3.75", "much", "AU12_r is no number"), ("3.75", "7.00", "AU12_r is 7.0, not within 0 to 5"), ("3.75", "-1", "not within 0 to 5"),
     ("3.75", "inf", "not within 0 to 5"), (",0.500,1,", ",0.500,yes,", "success of 'yes'")],
)  # fmt: skip
def test_a_cell_that_cannot_be_is_told(tmp_path, old, new, words):
    rewrite(make_run(tmp_path) / "p_left_mirrored.csv", old, new)
    with pytest.raises(ResultError, match=words):
        read_result(tmp_path, "p")


@pytest.mark.parametrize(("old", "new"), [("0.500000", "soon"), ("0.500000", ""), ("0.500000", "nan"), ("0.500000", "0.05")])
def test_a_time_that_cannot_be_is_told(tmp_path, old, new):
    rewrite(make_run(tmp_path) / "p.raw.csv", old, new)
    with pytest.raises(ResultError, match=r"'p\.raw\.csv'"):
        read_result(tmp_path, "p")


@pytest.mark.parametrize("ending", [".csv", "_left_mirrored.csv", ".sides.csv"])
def test_files_of_two_runs_are_told(tmp_path, ending):
    path = make_run(tmp_path, sides=(values(AU12=BUMP), values())) / f"p{ending}"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(ResultError, match=rf"'p{ending}' has 11 rows, the run 12 frames"):
        read_result(tmp_path, "p")


def test_a_run_of_the_original_alone_is_told_what_to_do(tmp_path):
    make_run(tmp_path)
    for side in ("left", "right"):
        (tmp_path / f"p_{side}_mirrored.csv").unlink()
    with pytest.raises(ResultError, match="no sides to compare; run the recording with 'face-mirror-au mirror'"):
        read_result(tmp_path, "p")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    (make_run(tmp_path) / "p.raw.csv").chmod(0)
    with pytest.raises(ResultError, match=r"'p\.raw\.csv' cannot be read"):
        read_result(tmp_path, "p")


def test_metadata_of_odd_types_do_not_stop_the_page(tmp_path):
    from face_mirror_au.report.write import write_report

    make_run(tmp_path)
    odd = metadata(models=[], input=3, frames="many", warnings="x", notes=None, worker_losses=1, files=None, settings=None, baseline=None)
    (tmp_path / "p.metadata.json").write_text(json.dumps(odd))
    assert write_report(tmp_path, "p").is_file()
