"""The stages of OpenFace's landmark models for `python -m benchmarks.landmarks_truth`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import ROOT

sys.path.insert(0, str(ROOT / "tests" / "clnf"))

import clnf_cases


def figures(shared: Path) -> Iterator[clnf_cases.Figure]:
    """How far each stage lies from the C++ program."""
    for stage in clnf_cases.STAGES:
        yield from stage(shared)
