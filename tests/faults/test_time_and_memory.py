"""The time of day jumps, and the memory of a worker is used up."""

from __future__ import annotations

import json

import fault_runs
import hungry_plugin
import pandas as pd
import pytest


def _measure(folder, *more, **options):
    """One view, two workers."""
    arguments = ["run", str(fault_runs.CLIP), "-o", str(folder / "out"), *fault_runs.SETTINGS, "--workers", "2", *more]
    return fault_runs.Run(arguments, folder, **options)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run = _measure(folder)
    assert run.end() == 0, run.stderr
    return folder / "out" / fault_runs.STEM


def test_a_clock_that_jumps_by_hours_changes_nothing(tmp_path, undisturbed):
    asked = json.dumps({"folder": str(tmp_path / "out"), "clock": True})
    run = _measure(tmp_path, program=[fault_runs.HERE / "faulty_command.py", asked])
    assert run.end() == 0, run.stderr
    assert fault_runs.content(tmp_path / "out" / fault_runs.STEM) == fault_runs.content(undisturbed)


def _check_rows(result, expected, code, run):
    """Whole, or with frames that have failed for a reason; never another value."""
    assert code == 0, run.stderr
    assert "Traceback" not in run.stderr
    table, raw = (pd.read_csv(result / f"{fault_runs.STEM}{ending}") for ending in (".csv", ".raw.csv"))
    failed = table["success"] == 0
    assert f"{len(table)} rows, {failed.sum()} failed" in run.stdout
    assert len(table) == fault_runs.FRAMES
    assert raw["reason"].notna().tolist() == failed.tolist()
    assert raw.loc[failed, "AU12_raw"].isna().all()
    if not failed.any():
        name = f"{fault_runs.STEM}.csv"
        assert (result / name).read_bytes() == (expected / name).read_bytes()
    # Frames after one that has failed are tracked from another place.
    landmarks = [column for column in table if column.startswith(("x_", "y_"))]
    moved = (table.loc[~failed, landmarks] - pd.read_csv(expected / f"{fault_runs.STEM}.csv").loc[~failed, landmarks]).abs()
    assert moved.to_numpy().max() < 1.5
    return raw.loc[failed, "reason"].tolist()


def _starved(folder, who, how):
    environment = {hungry_plugin.VARIABLE: f"{folder}:{how}", **fault_runs.PLUGINS}
    run = _measure(folder, "--plugin", f"hungry_plugin:{who}", environment=environment)
    return run, run.end(), folder / "out" / fault_runs.STEM


def test_a_worker_that_gets_no_more_memory_costs_no_value(tmp_path, undisturbed):
    run, code, result = _starved(tmp_path, "FirstWorker", "limit")
    _check_rows(result, undisturbed, code, run)
    assert (tmp_path / "taken").exists()
    losses = json.loads((result / f"{fault_runs.STEM}.metadata.json").read_text())["worker_losses"]
    assert ("workers were lost and replaced" in run.stderr) == bool(losses)


@pytest.mark.parametrize(("how", "reason"), [("kill", "the worker died on this frame (signal 9)"), ("refuse", "MemoryError")])
def test_a_frame_for_which_no_worker_has_the_memory_fails_with_the_reason(tmp_path, undisturbed, how, reason):
    run, code, result = _starved(tmp_path, "EveryWorker", how)
    (told,) = _check_rows(result, undisturbed, code, run)
    assert reason in told
    assert reason in run.stdout
