"""A program that gives a command again and again, each time with the disk full from a later step on. Prints a line of JSON for each time.

`full_disk_sweep.py '{"command": [...], "folder": OUT, "earlier": FOLDER, "first": 1, "sample": null or 10}'`.
Before each time the folder holds what is in `earlier`; after it the command is given once more, with room on the disk (in a sample: after
the last one, and after a move that failed).
"""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from itertools import pairwise
from pathlib import Path

from fault_runs import content
from faulty_files import FileFaults, is_full


def main() -> None:
    asked = json.loads(sys.argv[1])
    folder, earlier = Path(asked["folder"]), Path(asked["earlier"])
    faults = FileFaults(folder)
    _restore(earlier, folder)
    report(call(asked["command"]), steps=faults.steps, left=content(folder))
    numbers = list(range(asked["first"], len(faults.steps) + 1))
    if asked["sample"]:
        numbers = _spread(numbers, asked["sample"])
    for number in numbers:
        _restore(earlier, folder)
        faults.fail_at(number, is_full(number))
        failed = call(asked["command"])
        faults.on_step = lambda *_: None
        step, left = faults.steps[number - 1 : number], content(folder)
        online = [path.read_text() for path in folder.rglob("*.online.csv") if path.parent.name.endswith(".unfinished")]
        wanted = number == numbers[-1] or (step and step[0][0] == "rename") or not asked["sample"]
        again = call(asked["command"]) if wanted else None
        report(failed, number=number, step=step, left=left, online=online, again=again, then=content(folder))


def _spread(numbers: list[int], count: int) -> list[int]:
    """One of each of `count` equal parts."""
    chance = random.Random(7)  # noqa: S311  (no secret)
    edges = [len(numbers) * part // count for part in range(count + 1)]
    return [numbers[chance.randrange(start, stop)] for start, stop in pairwise(edges)]


def _restore(earlier: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(earlier, folder)


def call(command: list[str]) -> dict[str, object]:
    """Give a command in this process; how it ended and what it said."""
    from face_mirror_au.cli.app import app

    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            app(command)
        except SystemExit as end:
            code = end.code
        except BaseException as error:  # noqa: BLE001  (it is what is looked for)
            code = repr(error)
    return {"exit_code": code, "stdout": out.getvalue(), "stderr": err.getvalue()}


def stopped_rows(folder: Path) -> list[str]:
    """The online tables of runs that have not come to their end."""
    return [path.read_text() for path in folder.rglob("*.online.csv") if ".unfinished" in path.parent.name]


def report(outcome: dict[str, object], **more: object) -> None:
    """Print a line of JSON."""
    print(json.dumps({**outcome, **more}), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    os.environ["COLUMNS"] = "500"
    main()
