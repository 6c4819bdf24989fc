"""A disk that is full, or a quota that is used up, at any of the steps at which a run writes."""

from __future__ import annotations

import json

import fault_runs


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
        assert each["exit_code"] == 1, where
        assert "Traceback" not in each["stderr"], where
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


def test_a_full_disk_at_any_step_costs_this_run_and_nothing_else(tmp_path, earlier, long_form):
    out = tmp_path / "out"
    undisturbed, tries = _sweep(fault_runs.mirror(out, workers=0), tmp_path, earlier, None if long_form else 12)
    assert len(undisturbed["steps"]) > 80
    rows = fault_runs.rows_of((out / fault_runs.STEM / f"{fault_runs.STEM}.online.csv").read_text())
    assert len(rows) == fault_runs.FRAMES * 3
    _check(undisturbed, tries, earlier, rows)
