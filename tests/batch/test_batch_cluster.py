"""A batch across machines: here, two worker processes of Dask."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from batch_clips import GOOD, HOW, contents, n_results, rows, statuses

from face_mirror_au.batch import cluster
from face_mirror_au.batch.job import Job, Results
from face_mirror_au.batch.session import wanted_results
from face_mirror_au.cli.terminal import ExitCode
from face_mirror_au.run.settings import RunSettings
from face_mirror_au.tables.columns import GROUPS


@pytest.fixture
def two_workers(environment, tmp_path):
    """Address of a scheduler, and the process ids of its two workers."""
    pytest.importorskip("distributed")
    script = Path(__file__).with_name("local_cluster.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "dask")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it tells of the worker that is killed
        env=environment,
        cwd=tmp_path,
        text=True,
    )
    yield json.loads(process.stdout.readline())
    process.communicate("")


@pytest.fixture
def recipe(module_batch):
    """With what a worker makes its runner, and for which results."""
    made = cluster.Recipe(None, "open", "auto", None, RunSettings(), {})

    def recipe_for(folder):
        results = Results(folder, "openface", GROUPS, write_videos=False, page=False)
        return replace(made, expected=wanted_results(made.runner(), results).settings), results

    return recipe_for


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_with_a_worker_killed_all_is_done_and_equals_a_batch_of_this_machine(two_workers, twenty, environment, batch, tmp_path):
    batch(twenty, "-o", tmp_path / "here")
    output = tmp_path / "there"
    command = [sys.executable, "-m", "face_mirror_au", "batch", str(twenty), "-o", str(output), "--scheduler", two_workers["address"], *HOW]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (n_results(output) > 2 and len(list(output.glob(".batch-part-*"))) > 1):
        time.sleep(0.002)
    os.kill(two_workers["workers"][0], signal.SIGKILL)
    at_kill = n_results(output)
    said, _ = process.communicate(timeout=120)
    assert at_kill < GOOD, "it was killed in the middle"
    assert process.returncode == ExitCode.FAILED, said
    assert sorted(statuses(output)) == ["done"] * GOOD + ["failed"] * 3, said
    assert contents(output) == contents(tmp_path / "here")
    assert {row["reason"] for row in rows(output)} == {row["reason"] for row in rows(tmp_path / "here")}
    assert not list(output.glob(".batch-part-*"))

    again = batch(twenty, "-o", output)
    assert statuses(output).count("skipped") == GOOD, "this machine takes for done what a cluster has done"
    assert again.exit_code == ExitCode.FAILED


def test_a_worker_that_differs_takes_no_part(recipe, clip, tmp_path):
    made, results = recipe(tmp_path)
    other = replace(made, expected={**made.expected, "versions": {**made.expected["versions"], "numpy": "0.1"}})
    outcome = cluster.measure_there(other, results, Job(clip, "clip"))
    assert "versions numpy is" in outcome.error
    assert "and 0.1 here" in outcome.error
    assert not list(tmp_path.iterdir())


def test_a_worker_keeps_its_runner_for_all_videos(recipe, clip, tmp_path, monkeypatch):
    made, results = recipe(tmp_path)
    monkeypatch.setattr(cluster, "_held", cluster._Held())
    runners = []
    runner = cluster.Recipe.runner
    monkeypatch.setattr(cluster.Recipe, "runner", lambda self: runners.append(runner(self)) or runners[-1])
    for name in ("a", "b", "c"):
        assert not cluster.measure_there(made, results, Job(clip, name)).error
    assert len(runners) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "c"}


def test_models_that_a_worker_lacks_are_its_outcome(recipe, clip, tmp_path):
    made, results = recipe(tmp_path)
    outcome = cluster.measure_there(replace(made, weights=tmp_path / "nowhere"), results, Job(clip, "clip"))
    assert "nowhere" in outcome.error


def test_without_dask_the_message_names_the_command(clip, batch, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = batch(clip, "-o", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:1")
    assert done.exit_code == ExitCode.FAILED
    assert "pip install 'face-mirror-au[distributed]'" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_without_a_scheduler_the_message_names_the_address(clip, batch, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.3)
    for address in ("tcp://127.0.0.1:1", "carrier-pigeon://x"):
        done = batch(clip, "-o", tmp_path / "out", "--scheduler", address)
        assert done.exit_code == ExitCode.FAILED
        assert f"there is no Dask scheduler at {address}" in done.stderr
        assert statuses(tmp_path / "out") == ["pending"]


def test_tls_without_certificates_says_what_to_set(clip, batch, tmp_path):
    pytest.importorskip("distributed")
    done = batch(clip, "-o", tmp_path / "out", "--scheduler", "tls://127.0.0.1:1")
    assert done.exit_code == ExitCode.FAILED
    assert "needs certificates: set Dask's distributed.comm.tls" in done.stderr


def test_a_scheduler_is_not_asked_when_nothing_is_to_be_done(clip, batch, tmp_path):
    pytest.importorskip("distributed")
    batch(clip, "-o", tmp_path)
    assert batch(clip, "-o", tmp_path, "--scheduler", "tcp://127.0.0.1:1").exit_code == ExitCode.OK
    assert statuses(tmp_path) == ["skipped"]


def test_a_scheduler_is_for_the_cpu(clip, batch, tmp_path):
    done = batch(clip, "-o", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:1", "--device", "cuda", how=())
    assert done.exit_code == ExitCode.USAGE
    assert "for the CPU, not for cuda" in done.stderr


@pytest.mark.parametrize(
    ("future", "message"),
    [
        ({"status": "cancelled"}, "the Dask scheduler was lost"),
        ({"status": "error", "exception": lambda: MemoryError("too little")}, "a Dask worker failed: MemoryError: too little"),
    ],
)
def test_what_dask_gives_up_is_a_reason(future, message):
    pytest.importorskip("distributed")
    assert message in cluster._outcome(SimpleNamespace(**future)).error


def test_a_video_that_kills_its_workers_is_a_reason():
    distributed = pytest.importorskip("distributed")
    killed = distributed.KilledWorker("task", SimpleNamespace(address="tcp://127.0.0.1:1"), 3)
    assert "died, one after the other" in cluster._outcome(SimpleNamespace(status="error", exception=lambda: killed)).error
