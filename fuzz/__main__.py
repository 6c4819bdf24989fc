"""`python -m fuzz [TARGET ...]`: every target for 1,000,000 executions or 20 minutes, whichever is first, and what came of it."""

from __future__ import annotations

import argparse
import re
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
INPUT_SECONDS = 10  # a single input that takes longer is a hang
MEMORY_MB = 1024
INPUT_BYTES = 8192

_EXECUTIONS = re.compile(rb"^(?:#|Done )(\d+)\s", re.MULTILINE)
_MEMORY_MB = re.compile(rb"\brss: (\d+)Mb")
_STATISTICS = re.compile(rb"^stat::(\w+): +(\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What came of a target."""

    name: str
    executions: int
    seconds: float
    peak_mb: int
    finding: str


def fuzz(name: str, executions: int, seconds: int) -> Outcome:
    """Run one target in a process of its own."""
    grown, corpus, findings = (parent / name for parent in (GROWN, CORPUS, FINDINGS))
    for place in (grown, findings):
        place.mkdir(parents=True, exist_ok=True)
    before = set(findings.iterdir())
    command = [
        sys.executable, "-m", "fuzz.one", name, f"-atheris_runs={executions}", f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS}",
        f"-rss_limit_mb={MEMORY_MB}", f"-max_len={INPUT_BYTES}", f"-artifact_prefix={findings}/", f"-dict={FOLDER / 'words.dict'}",
        "-print_final_stats=1", str(grown), str(corpus),
    ]  # fmt: skip
    started = time.monotonic()
    log = GROWN / f"{name}.log"
    with log.open("wb") as stream:
        code = subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, check=False).returncode
    text = log.read_bytes()
    # An uncaught exception, or the last of all executions, ends the process before it prints its statistics.
    numbers = {
        "number_of_executed_units": max(map(int, _EXECUTIONS.findall(text)), default=0),
        "peak_rss_mb": max(map(int, _MEMORY_MB.findall(text)), default=0),
    }
    numbers |= {key.decode(): int(value) for key, value in _STATISTICS.findall(text)}
    found = sorted(path.name for path in set(findings.iterdir()) - before)
    finding = ", ".join(found) or ("" if code == 0 else f"ended with {code}, see {log.name}")
    executed, peak = numbers.get("number_of_executed_units", 0), numbers.get("peak_rss_mb", 0)
    return Outcome(name, executed, time.monotonic() - started, peak, finding)


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
    print("| target | executions | seconds | peak RSS, MB | found |\n|---|---|---|---|---|", flush=True)
    clean = True
    for name in given.targets or TARGETS:
        outcome = fuzz(name, given.executions, given.seconds)
        clean = clean and not outcome.finding
        row = f"| {name} | {outcome.executions:,} | {outcome.seconds:.0f} | {outcome.peak_mb} | {outcome.finding or 'nothing'} |"
        print(row, flush=True)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
