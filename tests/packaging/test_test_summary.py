"""Whoever has no development data is told in one line that tests were skipped, and that this is expected."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("reasons", "said"), [(["development data ../shared/truth are not here"] * 3 + ["there is no fork"], 1), (["there is no fork"], 0)]
)
def test_the_summary_counts_them(request, reasons, said):
    ours = next(each for each in request.config.pluginmanager.get_plugins() if getattr(each, "__file__", "") == str(ROOT / "conftest.py"))
    lines = []
    skipped = [SimpleNamespace(longrepr=("file", 1, f"Skipped: {reason}")) for reason in reasons]
    ours.pytest_terminal_summary(SimpleNamespace(stats={"skipped": skipped}, write_line=lines.append))
    assert len(lines) == said
    assert all(line.startswith("3 tests were skipped") and "expected" in line for line in lines)
