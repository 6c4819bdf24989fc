"""A disk that is full, or a quota that is used up, at any of the steps at which a run writes."""

from __future__ import annotations

import json
import shutil
import subprocess

import fault_runs
import pytest


def _sweep(command, folder, earlier, sample, first=1):
    asked = {"command": command, "folder": str(folder / "out"), "earlier": str(earlier), "sample": sample, "first": first}
    run = fault_runs.Run([json.dumps(asked)], folder, program=[fault_runs.HERE / "full_disk_sweep.py"])
    code = run.end(3000)
    assert code == 0, run.stderr
    undisturbed, *tries = map(json.loads, run.stdout.splitlines())
    assert undisturbed["exit_code"] == 0, undisturbed["stderr"]
    assert len(tries) == (sample or len(undisturbed["steps"]) - first + 1)
    return undisturbed, tries


def _check(undisturbed, tries, earlier, rows):
    before = fault_runs.content(earlier)
    for each in tries:
        where = f"at step {each['number']}, {each['step']}: {each['stderr']}"
        if each["exit_code"] == 0:  # it could be done without, or in another way
            assert each["left"] == undisturbed["left"], where
            continue
        assert "Traceback" not in each["stderr"], where
        if each["exit_code"] == 3:  # only the page is missing
            assert "no report page: " in each["stderr"], where
            assert "the disk is full" in each["stderr"], where
            missing = dict(undisturbed["left"].items() - each["left"].items())
            assert missing.keys() <= set(_page()), where
            continue
        assert each["exit_code"] == 1, where
        (error,) = [line for line in each["stderr"].splitlines() if line.startswith("error: ")]
        assert "the disk is full; free some space" in error, where
        assert fault_runs.STEM in error, where
        assert not [path for path in each["left"] if "writing" in path], where
        others = {path: digest for path, digest in each["left"].items() if not path.startswith(f"{fault_runs.STEM}.unfinished")}
        if others != before:  # caught while the files were moved to their place: nothing says that they are a result
            assert each["step"][0][0] == "rename", where
            assert f"{fault_runs.STEM}/{fault_runs.STEM}.metadata.json" not in others, where
            assert f"{fault_runs.STEM}.unfinished/{fault_runs.STEM}.metadata.json" in each["left"], where
        for online in each["online"]:
            kept = fault_runs.rows_of(online)
            assert kept == rows[: len(kept)], where
        if each["again"] is not None:
            assert each["again"]["exit_code"] == 0, where
            assert each["then"] == undisturbed["left"], where


def _page():
    return [f"{fault_runs.STEM}/{fault_runs.STEM}{ending}" for ending in (".report.html", ".asymmetry.csv")]


def test_a_full_disk_at_any_step_costs_this_run_and_nothing_else(tmp_path, earlier, long_form):
    out = tmp_path / "out"
    undisturbed, tries = _sweep(fault_runs.mirror(out, workers=0), tmp_path, earlier, None if long_form else 9)
    assert len(undisturbed["steps"]) > 80
    rows = fault_runs.rows_of((out / fault_runs.STEM / f"{fault_runs.STEM}.online.csv").read_text())
    assert len(rows) == fault_runs.FRAMES * 3
    _check(undisturbed, tries, earlier, rows)
    assert {each["exit_code"] for each in tries} >= {1}

    if not long_form:
        return
    # With the page there is more at the end; what comes before is the same.
    with_page, tries = _sweep(fault_runs.mirror(out, workers=0, page=True), tmp_path, earlier, None, len(undisturbed["steps"]) - 8)
    assert set(_page()) <= set(with_page["left"])
    _check(with_page, tries, earlier, rows)


def test_a_full_disk_in_a_batch_leaves_whole_results_only(tmp_path, long_form):
    out, nothing = tmp_path / "out", tmp_path / "nothing"
    nothing.mkdir()
    clips = [str(fault_runs.CLIPS / name) for name in ("smile_both.mp4", "blink_left.mp4")]
    command = ["batch", *clips, "-o", str(out), *fault_runs.SETTINGS, "--workers", "0", "--views", "original,left,right", "--no-report"]
    undisturbed, tries = _sweep(command, tmp_path, nothing, 60 if long_form else 5)
    complete = fault_runs.results(undisturbed["left"])
    assert len(complete) > 10
    for each in tries:
        where = f"at step {each['number']}, {each['step']}: {each['stderr']}"
        assert "Traceback" not in each["stderr"], where
        whole = {path: digest for path, digest in fault_runs.results(each["left"]).items() if ".unfinished" not in path}
        assert whole.items() <= complete.items(), where
        if each["exit_code"] == 0:
            assert whole == complete, where
        else:
            assert each["exit_code"] == 1, where
            assert "the disk is full; free some space" in each["stderr"], where
        for folder in {path.split("/")[0] for path in whole}:
            assert f"{folder}/{folder}.metadata.json" in whole or folder in each["stderr"], where
        assert not [path for path in each["left"] if "writing" in path or "part" in path], where
        if each["again"] is not None:
            assert each["again"]["exit_code"] == 0, where
            assert fault_runs.results(each["then"]) == complete, where


def test_a_disk_that_is_really_full(tmp_path, long_form):
    allowed = shutil.which("unshare") and subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode == 0
    if not allowed:
        pytest.skip("a file system of a size of choice can be mounted by root only")
    sizes = [*(range(8, 480, 24) if long_form else (8, 48, 120)), 4096]
    asked = {"command": fault_runs.mirror(tmp_path / "out", workers=0), "folder": str(tmp_path / "out"), "kilobytes": sizes}
    wrapper = ["unshare", "-m", "--propagation", "private"]
    run = fault_runs.Run([json.dumps(asked)], tmp_path, program=[fault_runs.HERE / "small_disks.py"], wrapper=wrapper)
    assert run.end(1000) == 0, run.stderr
    tries = list(map(json.loads, run.stdout.splitlines()))
    assert [each["kilobytes"] for each in tries] == sizes
    codes = [each["exit_code"] for each in tries]
    assert codes == sorted(codes, reverse=True)
    assert (codes[0], codes[-1]) == (1, 0)
    for each in tries:
        where = f"{each['kilobytes']} KB: {each['stderr']}"
        assert "Traceback" not in each["stderr"], where
        if each["exit_code"]:
            assert "the disk is full; free some space" in each["stderr"], where
            assert not [path for path in each["left"] if "writing" in path], where
            for online in each["online"]:
                fault_runs.rows_of(online)
        else:
            assert f"{fault_runs.STEM}/{fault_runs.STEM}.metadata.json" in each["left"], where
