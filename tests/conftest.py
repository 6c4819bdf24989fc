"""Shared fixtures. Development data lie in ../shared, beside the project; without them the tests that need them skip, in CI they fail."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does, before NumPy is loaded

from face_mirror_au.loop.nursery import Nursery

# A shell starts background jobs with Ctrl-C ignored, nohup ignores the end of the terminal; programs that tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# The same examples each time, however slow the machine: a new one is for who looks for it, not for who merges.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")

SHARED = Path(__file__).resolve().parents[2] / "shared"
NOT_HERE = "development data ../shared/"


def _shared_path(relative: str) -> Path:
    path = SHARED / relative
    if not path.exists():
        message = f"{NOT_HERE}{relative} are not here"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what whoever has no development data need not worry about."""
    count = sum(NOT_HERE in str(report.longrepr) for report in terminalreporter.stats.get("skipped", ()))
    if count:
        terminalreporter.write_line(
            f"{count} tests were skipped: they need development data ({SHARED.name}/, beside the project). That is expected."
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of tests that are there for each start method, the forked ones skip where there is no fork."""
    if not hasattr(os, "fork"):
        for item in items:
            if "fork" in getattr(getattr(item, "callspec", None), "params", {}).values():
                item.add_marker(pytest.mark.skip(reason="there is no fork"))


@pytest.fixture(scope="session", autouse=True)
def nursery() -> Iterator[Nursery | None]:
    """Forks workers for tests that have sessions in this process, too: begun before the first of these, as a run does it."""
    if not hasattr(os, "fork"):
        yield None
        return
    started = Nursery.start()
    yield started
    started.close()


@pytest.fixture(scope="session")
def shared_file() -> Callable[[str], Path]:
    """Call it with a path inside ../shared: returns the full path, skips the test when it is absent, fails it in CI."""
    return _shared_path
