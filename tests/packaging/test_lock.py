"""The lock names a version for all that pyproject.toml asks for, and nothing of the machine that it was made on."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}
PINS = [Requirement(line.rstrip(" \\")) for line in LOCK.splitlines() if re.match(r"[a-z0-9]", line)]


def environment(python, system):
    return {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": system, "platform_system": SYSTEMS[system]}


def applies(requirement, where):
    return requirement.marker is None or requirement.marker.evaluate({**where, "extra": ""})


def asked():
    if sys.version_info < (3, 11):
        pytest.skip("reads pyproject.toml with tomllib, which is in Python 3.11")
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    every = [Requirement(text) for group in groups for text in group]
    return [requirement for requirement in every if canonicalize_name(requirement.name) != project["name"]]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_has_a_version_that_pyproject_allows_of_everything(python, system):
    where = environment(python, system)
    pinned = {}
    for pin in PINS:
        if applies(pin, where):
            assert canonicalize_name(pin.name) not in pinned, "two versions of one package"
            pinned[canonicalize_name(pin.name)] = next(iter(pin.specifier)).version
    wrong = [
        f"{requirement} ({pinned.get(canonicalize_name(requirement.name))})"
        for requirement in asked()
        if applies(requirement, where)
        and not requirement.specifier.contains(pinned.get(canonicalize_name(requirement.name), "0"), prereleases=True)
    ]
    assert wrong == [], "run `make lock`"


def test_every_pin_has_hashes():
    blocks = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(PINS) > 100
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_lock_names_no_host_and_no_folder():
    assert re.findall(r"://|--(?:extra-)?index|--find-links|-e |file:|/\w+/", LOCK) == []
