"""Signals that end a run, and standard streams that are closed, full, or read by somebody who goes away."""

from __future__ import annotations

import json
import os
import pty
import random
import signal
import time
from pathlib import Path

import fault_runs
import pytest
import waiting_plugin


def _short(out, *more):
    """Arguments of a run with as little as there can be."""
    return ["run", str(fault_runs.CLIP), "-o", str(out), *fault_runs.SETTINGS, "--workers", "1", *map(str, more)]


def _waiting(folder, kind, **options):
    """A run that waits at its fifth frame, when it has come there."""
    environment = {
        waiting_plugin.FOLDER: str(folder),
        "PYTHONPATH": os.pathsep.join([str(fault_runs.HERE), os.environ.get("PYTHONPATH", "")]),
    }
    arguments = _short(folder / "out", "--plugin", f"waiting_plugin:{kind}")
    run = fault_runs.Run(arguments, folder, environment=environment, **options)
    _wait_for(folder / "frame", run)
    return run


def _wait_for(path, run):
    deadline = time.monotonic() + 250
    while not path.exists():
        assert run.process.poll() is None, run.process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _kept(folder):
    text = fault_runs.online_table(folder / "out").read_text()
    assert text.endswith("\n")
    return text.count("\n") - 1


def test_a_second_ctrl_c_ends_a_run_that_does_not_come_to_its_end(tmp_path):
    run = _waiting(tmp_path, "WhenStopped")
    run.process.send_signal(signal.SIGINT)
    _wait_for(tmp_path / "stopped", run)
    run.process.send_signal(signal.SIGINT)
    assert run.end() == -signal.SIGINT
    assert "Traceback" not in run.stderr
    assert _kept(tmp_path) >= 4
    assert run.orphans() == []


def test_sigterm_twice_as_timeout_sends_it_ends_a_run_and_keeps_its_rows(tmp_path):
    run = _waiting(tmp_path, "AtFrame")
    run.process.send_signal(signal.SIGTERM)
    run.process.send_signal(signal.SIGTERM)
    assert run.end() == 143
    assert "stopped by SIGTERM; the rows measured so far are in" in run.stderr
    assert "Traceback" not in run.stderr
    assert _kept(tmp_path) >= 4
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"{fault_runs.STEM}.unfinished"}
    assert run.orphans() == []


def test_a_terminal_that_is_closed_ends_a_run_and_keeps_its_rows(tmp_path):
    ours, theirs = pty.openpty()
    run = _waiting(tmp_path, "AtFrame", stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=_own_terminal)
    os.close(theirs)
    os.close(ours)
    assert run.end() == 129
    assert _kept(tmp_path) >= 4
    assert sorted(path.name for path in fault_runs.online_table(tmp_path / "out").parent.iterdir()) == [
        ".lock",
        f"{fault_runs.STEM}.online.csv",
    ]
    assert run.orphans() == []


def _own_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_with_nohup_a_run_outlives_its_terminal(tmp_path):
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    run = fault_runs.Run(_short(tmp_path / "out"), tmp_path, preexec_fn=ignore)
    online = tmp_path / "out" / f"{fault_runs.STEM}.unfinished"
    _wait_for(online, run)
    os.killpg(run.process.pid, signal.SIGHUP)
    assert run.end() == 0, run.stderr
    assert (tmp_path / "out" / fault_runs.STEM / f"{fault_runs.STEM}.metadata.json").exists()


def test_ctrl_c_at_any_moment_ends_a_run_with_one_line(tmp_path, undisturbed, long_form):
    steps, _ = undisturbed
    chance = random.Random(3)  # noqa: S311  (no secret)
    first = steps.index(["import", "face_mirror_au.cli.app"]) + 2
    for number in sorted(chance.sample(range(first, len(steps)), 20 if long_form else 3)):
        where = f"at step {number} of {len(steps)}, {steps[number - 1]}"
        run = _with_faults(tmp_path, signal=[number, 0, signal.SIGINT])
        assert run.end() == 130, where
        assert "Traceback" not in run.stderr, where
        assert run.orphans() == [], where
        for path in (tmp_path / "out").glob("*"):
            assert path.name.startswith(f"{fault_runs.STEM}.unfinished"), where
            assert not list(path.glob(".writing*")), where


@pytest.mark.parametrize("as_json", [False, True])
def test_a_reader_that_takes_one_line_and_goes_leaves_the_run_to_its_end(tmp_path, as_json):
    run = fault_runs.Run(_short(tmp_path / "out", *(["--json"] if as_json else [])), tmp_path)
    first = run.process.stdout.readline()
    run.process.stdout.close()
    run.process.stdout = None
    assert run.end() == 0, run.stderr
    assert first.startswith("{" if as_json else "profile hybrid")
    assert "Traceback" not in run.stderr
    assert "Broken" not in run.stderr
    assert (tmp_path / "out" / fault_runs.STEM / f"{fault_runs.STEM}.metadata.json").exists()


def _with_faults(folder, **faults):
    asked = json.dumps({"folder": str(folder / "out"), **faults})
    return fault_runs.Run([asked, *_short(folder / "out")], folder, program=[fault_runs.HERE / "faulty_command.py"])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Steps of a run that comes to its end, and what it leaves."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run = _with_faults(folder, log=str(folder / "steps.json"))
    assert run.end() == 0, run.stderr
    return json.loads((folder / "steps.json").read_text()), fault_runs.content(folder / "out")


@pytest.mark.parametrize("closed", [(1,), (0, 1, 2)])
def test_a_run_with_closed_standard_streams_gives_the_same(tmp_path, undisturbed, closed):
    """Unless somebody sees to it, the files that it opens get the numbers of these, and with them what libraries print."""

    def close():
        for number in closed:
            os.close(number)

    arguments = _short(tmp_path / "out", "--plugin", "chatty_plugin:AtEachFrame", "--workers", 0)
    run = fault_runs.Run(arguments, tmp_path, preexec_fn=close, environment=fault_runs.PLUGINS)
    assert run.end() == 0, run.stderr
    tables = {path: digest for path, digest in undisturbed[1].items() if path.endswith(".csv")}
    assert len(tables) == 4
    assert tables.items() <= fault_runs.content(tmp_path / "out").items()


def test_a_full_standard_output_is_told_and_costs_no_result(tmp_path, undisturbed):
    with Path("/dev/full").open("w") as full:
        run = fault_runs.Run(_short(tmp_path / "out"), tmp_path, stdout=full)
        assert run.end() == 1
    assert run.stderr.count("the standard output cannot be written: No space left on device") == 1
    assert "Traceback" not in run.stderr
    assert fault_runs.content(tmp_path / "out") == undisturbed[1]
