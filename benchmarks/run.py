"""Frames a second, start and memory of whole processes: `python -m benchmarks.run`. Needs ../shared; Linux only."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from benchmarks import ROOT
from benchmarks.processes import watch

SHARED = ROOT.parent / "shared"
CLIPS = ("default.wmv", "2015-10-15-15-14.avi")
ROUNDS = 5
COMMON = ("--weights", str(SHARED / "weights"), "--device", "cpu")
ALL_VIEWS = ("--views", "original,left,right", "--no-report")


def main() -> None:
    """Print the table."""
    print(f"medians of {ROUNDS} runs; PSS of parent and workers together")
    print(f"{'clip':<24}{'profile':<10}{'views':>5}{'workers':>8}{'first row s':>12}{'frames/s after':>15}{'whole s':>9}{'peak MB':>9}")
    for clip in CLIPS:
        for profile in ("openface-pfld", "hybrid"):
            for views, workers in ((1, 0), (1, 2), (3, 2)):
                seen = []
                for _ in range(ROUNDS):
                    with tempfile.TemporaryDirectory() as folder:
                        arguments = [*COMMON, "--profile", profile, "--workers", str(workers), *(ALL_VIEWS if views == 3 else ())]
                        seen.append(watch(SHARED / "media" / clip, Path(folder), arguments, views))
                first, rate, whole, peak = (
                    statistics.median(values)
                    for values in zip(*((each.first_row_s, each.rate, each.seconds, each.peak) for each in seen), strict=True)
                )
                print(f"{clip:<24}{profile:<10}{views:>5}{workers:>8}{first:>12.2f}{rate:>15.0f}{whole:>9.2f}{peak:>9.0f}", flush=True)


if __name__ == "__main__":
    main()
