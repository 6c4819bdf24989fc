"""Which Pythons `make wheels` builds for, with stand-ins that only say their version."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "packaging" / "wheels.py"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="stand-ins are shell scripts")


@pytest.fixture
def find():
    return runpy.run_path(str(SCRIPT))["find_interpreters"]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """An empty PATH and no pyenv; call it to put a Python somewhere."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.delenv("PYTHONS", raising=False)

    def put(where, says):
        path = tmp_path / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{says}\n", encoding="utf-8")
        path.chmod(0o700)
        return path

    return put


def test_path_comes_first_then_the_newest_of_pyenv(find, machine):
    machine("bin/python3.12", "echo 3 12 5")
    machine("pyenv/versions/3.12.1/bin/python", "echo 3 12 1")
    machine("bin/python3.10", "echo 'pyenv: python3.10: command not found' >&2; exit 127")
    for patch in (9, 13):
        machine(f"pyenv/versions/3.10.{patch}/bin/python", f"echo 3 10 {patch}")
    machine("pyenv/versions/3.9.18/bin/python", "echo 3 9 18")
    machine("pyenv/versions/3.15.0/bin/python", "echo 3 15 0")
    assert [each.version for each in find()] == [(3, 10, 13), (3, 12, 5)]


def test_a_python_without_venv_is_passed_over(find, machine):
    machine("bin/python3.11", "echo \"ModuleNotFoundError: No module named 'ensurepip'\" >&2; exit 1")
    machine("bin/python3.13", "echo 3 13 0")
    assert [each.version for each in find()] == [(3, 13, 0)]


def test_where_none_is_found_it_is_the_one_that_runs(find, machine):
    (found,) = find()
    assert found.version[:2] in {(3, 10), (3, 11), (3, 12), (3, 13), (3, 14)}


def test_named_pythons_are_taken_and_no_others(find, machine, monkeypatch):
    machine("bin/python3.12", "echo 3 12 5")
    other = machine("other/python", "echo 3 13 2")
    monkeypatch.setenv("PYTHONS", str(other))
    assert [each.path for each in find()] == [other]
    monkeypatch.setenv("PYTHONS", "python3.99")
    with pytest.raises(SystemExit, match=r"python3\.99 is no Python"):
        list(find())
