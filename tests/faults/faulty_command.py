"""The command with faults put into its process: `faulty_command.py '{"folder": OUT, ...}' ARGUMENT...`.

`"log": FILE` writes what the process did, step by step, at its end. `"signal": [STEP, SECONDS, NUMBER]` sends it a signal so long after a
step has begun. `"clock": true` lets the time of day jump by hours, forth and back, whenever somebody looks at it.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import cycle
from pathlib import Path

from faulty_files import FileFaults

_HOUR = 3600.0


def main() -> None:
    asked = json.loads(sys.argv.pop(1))
    faults = FileFaults(Path(asked["folder"]), imports=True)
    if "signal" in asked:
        faults.signal_at(*asked["signal"])
    if asked.get("clock"):
        _let_jump()
    from face_mirror_au.__main__ import main as command

    try:
        command()
    finally:
        if "log" in asked:
            steps = list(faults.steps)
            Path(asked["log"]).write_text(json.dumps(steps))


def _let_jump() -> None:
    jumps, real, real_ns = cycle((3, -5, 0, 26, -1)), time.time, time.time_ns
    time.time = lambda: real() + next(jumps) * _HOUR
    time.time_ns = lambda: real_ns() + int(next(jumps) * _HOUR) * 10**9


if __name__ == "__main__":
    main()
