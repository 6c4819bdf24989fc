"""Which form of the tests runs, the models, and what an undisturbed run gives."""

from __future__ import annotations

import os
import sys

import fault_runs
import pytest

LONG = os.environ.get("FACE_MIRROR_AU_LONG") == "1"


def pytest_collection_modifyitems(items):
    for item in items:
        if "faults" in item.path.parts:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(3000 if LONG else 300))
            if sys.platform != "linux":
                item.add_marker(pytest.mark.skip(reason="processes and files are looked up in /proc"))


@pytest.fixture(scope="session")
def long_form():
    """Whether every moment and every step is tried, not a sample (`make faults`)."""
    return LONG


@pytest.fixture(scope="session", autouse=True)
def _models(shared_file):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
        yield


@pytest.fixture(scope="session")
def earlier(tmp_path_factory):
    """The output folder of an earlier run, of other content."""
    folder = tmp_path_factory.mktemp("earlier")
    run = fault_runs.Run(fault_runs.mirror(folder / "out", "--baseline", "shared"), folder)
    assert run.end() == 0, run.stderr
    return folder / "out"
