"""kill -9 of a run, at moments from its first import to its last file."""

from __future__ import annotations

import json
import random
import shutil
import signal
from itertools import pairwise

import fault_runs
import pytest

PHASES = ("start", "frames", "files", "page")
# How many moments of each phase.
SHORT, LONG = (1, 2, 2, 0), (5, 6, 5, 4)


def _run(arguments, folder, **faults):
    asked = json.dumps({"folder": str(folder / "out"), **faults})
    return fault_runs.Run([asked, *arguments], folder, program=[fault_runs.HERE / "faulty_command.py"])


def _phases(steps):
    """Numbers of the steps of each phase, from 1."""
    files = [number for number, (kind, _) in enumerate(steps, 1) if kind != "import"]
    rows = [number for number in files if steps[number - 1][1].endswith(".online.csv")]
    page = steps.index(["import", "matplotlib"]) + 1 if ["import", "matplotlib"] in steps else len(steps)
    edges = (1, files[0], rows[-1] + 1, page, len(steps) + 1)
    return [range(start, stop) for start, stop in pairwise(edges)]


def _moments(steps, counts):
    """Step and delay of each moment, at random but the same each time."""
    chance = random.Random(20)  # noqa: S311  (no secret)
    for phase, numbers, count in zip(PHASES, _phases(steps), counts, strict=True):
        for number in sorted(chance.sample(numbers, count)):
            # Not at the end: it might be over by then.
            yield phase, number, 0.0 if phase in PHASES[2:] else chance.choice((0.0, chance.uniform(0, 0.03)))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, long_form):
    """Steps of a run that nobody kills, and its rows and files."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run = _run(fault_runs.mirror(folder / "out", page=long_form), folder, log=str(folder / "steps.json"))
    assert run.end() == 0, run.stderr
    rows = fault_runs.rows_of((folder / "out" / fault_runs.STEM / f"{fault_runs.STEM}.online.csv").read_text())
    return json.loads((folder / "steps.json").read_text()), rows, fault_runs.content(folder / "out")


def test_kill_9_at_any_moment_leaves_valid_rows_no_process_no_memory_and_the_next_run_is_whole(tmp_path, undisturbed, earlier, long_form):
    steps, rows, complete = undisturbed
    out, before, memory = tmp_path / "out", fault_runs.content(earlier), fault_runs.shared_memory()
    shutil.copytree(earlier, out)
    kept_in = dict.fromkeys(PHASES, 0)
    for phase, number, delay in _moments(steps, LONG if long_form else SHORT):
        where = f"{delay:.3f} s after step {number} of {len(steps)}, {steps[number - 1]}"
        run = _run(fault_runs.mirror(out, page=long_form), tmp_path, signal=[number, delay, signal.SIGKILL])
        assert run.end() == -signal.SIGKILL, where
        assert run.orphans() == [], where
        assert fault_runs.shared_memory() <= memory, where
        assert list(run.temporary.iterdir()) == [], where
        left = fault_runs.content(out)
        if not _publishing(left):
            assert {path: digest for path, digest in left.items() if ".unfinished" not in path} == before, where
            online = fault_runs.online_table(out)
            kept = fault_runs.rows_of(online.read_text()) if online else []
            assert kept == rows[: len(kept)], where
            kept_in[phase] += len(kept)
        # Others pile up: the next run finds what all of them have left.
        if long_form or f"{fault_runs.STEM}.unfinished/{fault_runs.STEM}.metadata.json" in left or _publishing(left):
            _complete(out, tmp_path, complete, page=long_form)
            shutil.rmtree(out)
            shutil.copytree(earlier, out)
    assert kept_in["start"] == 0
    assert kept_in["frames"] > 0
    assert kept_in["files"] % len(rows) == 0
    _complete(out, tmp_path, complete, page=long_form)


def test_kill_9_of_a_batch_leaves_whole_results_and_the_next_one_goes_on(tmp_path, long_form):
    out = tmp_path / "out"
    clips = [fault_runs.CLIP, fault_runs.CLIPS / "blink_left.mp4"]
    command = ["batch", *clips, "-o", out, *fault_runs.SETTINGS, "--workers", "2"]
    run = _run(command, tmp_path, log=str(tmp_path / "steps.json"))
    assert run.end() == 0, run.stderr
    complete = fault_runs.results(fault_runs.content(out))
    steps = json.loads((tmp_path / "steps.json").read_text())
    shutil.rmtree(out)
    first = next(number for number, (kind, _) in enumerate(steps, 1) if kind != "import")
    chance = random.Random(9)  # noqa: S311  (no secret)
    for number in sorted(chance.sample(range(first, len(steps)), 8 if long_form else 2)):
        where = f"at step {number} of {len(steps)}, {steps[number - 1]}"
        run = _run(command, tmp_path, signal=[number, 0, signal.SIGKILL])
        # Later ones have less to do, and may be at their end before the moment comes.
        assert run.end() in {-signal.SIGKILL, 0}, where
        assert run.orphans() == [], where
        assert list(run.temporary.iterdir()) == [], where
        left = {path: digest for path, digest in fault_runs.results(fault_runs.content(out)).items() if ".unfinished" not in path}
        assert left.items() <= complete.items(), where
    run = _run(command, tmp_path)
    assert run.end() == 0, run.stderr
    assert fault_runs.results(fault_runs.content(out)) == complete


def _publishing(left):
    """Whether the files were on the way to their place: the metadata go last."""
    return f"{fault_runs.STEM}/{fault_runs.STEM}.metadata.json" not in left


def _complete(out, folder, expected, *, page):
    """The next run, undisturbed, gives what a first one gives; what it found is gone, or of an earlier result's rows."""
    run = fault_runs.Run(fault_runs.mirror(out, page=page), folder)
    assert run.end() == 0, run.stderr
    assert fault_runs.content(out) == expected, run.stderr
