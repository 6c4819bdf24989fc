"""`python -m fuzz [TARGET ...]`: every target for 1,000,000 executions or 20 minutes, whichever is first, and what came of it."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from fuzz.contract import CORPUS, FINDINGS
from fuzz.targets import TARGETS

FOLDER = Path(__file__).parent
# Inputs that reached something new, kept for the next run; not a part of the project.
GROWN = FOLDER / "grown"

EXECUTIONS, SECONDS = 1_000_000, 1200
# Then a new process goes on with the inputs so far: atheris keeps up to 30 KB an execution (of `tracking`), which would be taken for ours.
ROUND_SECONDS = 40
INPUT_SECONDS = 10  # a single input that takes longer is a hang
MEMORY_MB = 1024
INPUT_BYTES = 8192

_EXECUTIONS = re.compile(rb"^(?:#|Done )(\d+)\s", re.MULTILINE)
_ENDED = re.compile(rb"^Done \d+ ", re.MULTILINE)
_MEMORY_MB = re.compile(rb"\brss: (\d+)Mb")
_STATISTICS = re.compile(rb"^stat::(\w+): +(\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What came of a target."""

    name: str
    executions: int
    seconds: float
    cpu_seconds: float
    peak_mb: int
    finding: str


def fuzz(name: str, executions: int, seconds: int) -> Outcome:
    """Run one target, in processes of its own, one after the other."""
    grown, corpus, findings = (parent / name for parent in (GROWN, CORPUS, FINDINGS))
    for place in (grown, findings):
        place.mkdir(parents=True, exist_ok=True)
    before = set(findings.iterdir())
    started, worked = time.monotonic(), _children_cpu()
    log = GROWN / f"{name}.log"
    log.unlink(missing_ok=True)
    executed = peak = code = 0
    while not code and executed < executions and (left := seconds - (time.monotonic() - started)) >= 1:
        command = [
            sys.executable, "-m", "fuzz.one", name, f"-atheris_runs={executions - executed}",
            f"-max_total_time={min(ROUND_SECONDS, left):.0f}", f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEMORY_MB}",
            f"-max_len={INPUT_BYTES}", f"-artifact_prefix={findings}/", f"-dict={FOLDER / 'words.dict'}",
            "-print_final_stats=1", str(grown), str(corpus),
        ]  # fmt: skip
        with log.open("ab") as stream:
            begin = stream.tell()
            code = subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, check=False).returncode
        said = log.read_bytes()[begin:]
        if code == -signal.SIGALRM and _ENDED.search(said):  # its clock still ran when it was done
            code = 0
        inputs, memory = _statistics(said)
        executed, peak = executed + inputs, max(peak, memory)
    found = sorted(path.name for path in set(findings.iterdir()) - before)
    finding = ", ".join(found) or ("" if code == 0 else f"ended with {code}, see {log.name}")
    return Outcome(name, executed, time.monotonic() - started, _children_cpu() - worked, peak, finding)


def _statistics(log: bytes) -> tuple[int, int]:
    """Executions and peak RSS, MB. An uncaught exception, or the last of all executions, ends a process before it prints its statistics."""
    told = {key: int(value) for key, value in _STATISTICS.findall(log)}
    executed = max(map(int, _EXECUTIONS.findall(log)), default=0)
    peak = max(map(int, _MEMORY_MB.findall(log)), default=0)
    return told.get(b"number_of_executed_units", executed), told.get(b"peak_rss_mb", peak)


def _children_cpu() -> float:
    times = os.times()
    return times.children_user + times.children_system


def main() -> int:
    """Run the targets; 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all when not given")
    parser.add_argument("--executions", type=int, default=EXECUTIONS)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    given = parser.parse_args()
    unknown = set(given.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    print("| target | executions | seconds | of a processor | peak RSS, MB | found |\n|---|---|---|---|---|---|", flush=True)
    clean = True
    for name in given.targets or TARGETS:
        outcome = fuzz(name, given.executions, given.seconds)
        clean = clean and not outcome.finding
        numbers = f"{outcome.executions:,} | {outcome.seconds:.0f} | {outcome.cpu_seconds:.0f} | {outcome.peak_mb}"
        print(f"| {name} | {numbers} | {outcome.finding or 'nothing'} |", flush=True)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
