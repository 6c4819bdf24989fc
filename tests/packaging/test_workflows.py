"""The workflows for other systems, which nobody here can run: what they name is there, and they may do no more than they must."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PLATFORMS = {
    "linux": {f"cp3{minor}-manylinux_{machine}" for minor in range(10, 15) for machine in ("x86_64", "aarch64")},
    # ONNX Runtime's last version for Intel Macs is older than Python 3.14.
    "macos": {f"cp3{minor}-macosx_{machine}" for minor in range(10, 15) for machine in ("x86_64", "arm64")} - {"cp314-macosx_x86_64"},
    "windows": {f"cp3{minor}-win_amd64" for minor in range(10, 15)},
}


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def commands(workflow):
    return "\n".join(step["run"] for step in steps(workflow) if "run" in step)


def make_targets():
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_there_is_a_workflow_for_each_system_and_for_the_wheels():
    assert [path.stem for path in WORKFLOWS] == ["ci", "macos", "wheels", "windows"]


def test_workflows_are_what_github_reads():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_make_target_and_path_of_a_workflow_exists(path):
    said = commands(read(path))
    targets = set(re.findall(r"\bmake ([a-z-]+)", said))
    assert targets <= make_targets()
    named = re.findall(r"(?<![\w/.])((?:tests|packaging|\.ci|docs)/[\w./-]+|(?:tests)\b)", said)
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert targets or named or "build" in said, "a workflow that runs nothing of ours"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_hold_no_secret_and_may_only_read(path):
    text = path.read_text(encoding="utf-8")
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets." not in text
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v\d+|[0-9a-f]{40})", step["uses"]) for step in steps(workflow) if "uses" in step)
    assert all(
        step["with"]["persist-credentials"] is False for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")
    )
    writing = {name for name, job in workflow["jobs"].items() if "permissions" in job}
    assert writing == ({"publish"} if path.stem == "wheels" else set())


def test_publishing_waits_for_a_tag_and_for_a_maintainer():
    job = read(ROOT / ".github" / "workflows" / "wheels.yml")["jobs"]["publish"]
    assert job["if"] == "github.event_name == 'push' && github.ref_type == 'tag'"
    assert job["environment"] == "publish"
    assert job["permissions"] == {"id-token": "write"}
    assert job["needs"] == ["wheels", "sdist"]


@pytest.mark.parametrize("name", ["ci", "macos", "windows"])
def test_jobs_that_run_tests_say_that_there_is_no_shared_data(name):
    workflow = read(ROOT / ".github" / "workflows" / f"{name}.yml")
    job = next(iter(workflow["jobs"].values()))
    assert {**workflow.get("env", {}), **job.get("env", {})}["CI"] == ""


@pytest.mark.parametrize("name", ["macos", "windows"])
def test_macos_and_windows_try_workers_and_devices(name):
    said = commands(read(ROOT / ".github" / "workflows" / f"{name}.yml"))
    assert "tests/loop" in said
    assert "tests/models" in said
    assert ("--device" in said and "coreml" in said and "fork spawn" in said) or name == "windows"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="cibuildwheel needs Python 3.11")
@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_cibuildwheel_builds_for_these_and_no_others(platform):
    command = [sys.executable, "-m", "cibuildwheel", "--print-build-identifiers", "--platform", platform]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == PLATFORMS[platform]
