"""The frozen program does what the installed one does. `make frozen` makes it and says so by FACE_MIRROR_AU_FROZEN."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from face_mirror_au.numerics._kernels import NAMES

CLIP = Path(__file__).resolve().parents[1] / "clips" / "smile_left.mp4"
FOLDER = os.environ.get("FACE_MIRROR_AU_FROZEN")
TABLES = ("", "_left_mirrored", "_right_mirrored", ".raw", ".online", ".asymmetry")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not FOLDER, reason="there is no frozen program (make frozen makes one and runs these tests)"),
]


@pytest.fixture(scope="module")
def program():
    return Path(FOLDER).resolve() / ("face-mirror-au.exe" if os.name == "nt" else "face-mirror-au")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """What a machine without Python is like: an empty folder to be in, nothing of ours in the environment."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV", "FACE_MIRROR_AU"))}
    home = tmp_path_factory.mktemp("home")
    return {"cwd": home, "env": {**environment, "HOME": str(home), "XDG_CACHE_HOME": str(home), "XDG_DATA_HOME": str(home)}}


def said_by(*command, status=0, **where):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **where)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def models():
    weights = os.environ.get("FACE_MIRROR_AU_WEIGHTS")
    if not weights:
        pytest.skip("no models are named by FACE_MIRROR_AU_WEIGHTS")
    return weights


def measure(command, method, models, out, where):
    workers = ["--workers", "2", *(["--start-method", method] if method else [])]
    said_by(*command, "run", CLIP, "-o", out, "--views", "original,left,right", "--weights", models, *workers, **where)
    return out / CLIP.stem


@pytest.fixture(scope="module")
def unfrozen(models, elsewhere, tmp_path_factory):
    return measure([sys.executable, "-m", "face_mirror_au"], None, models, tmp_path_factory.mktemp("unfrozen"), elsewhere)


def test_it_knows_its_version_its_kernels_and_its_libraries(program, elsewhere):
    found = json.loads(said_by(program, "info", "--json", **elsewhere))
    assert found["kernels"] == dict.fromkeys(NAMES, "compiled")
    assert None not in found["versions"].values()
    assert found["versions"]["face-mirror-au"] == said_by(program, "--version", **elsewhere).strip()
    assert set(found["model sets"]) >= {"open", "openface-au"}, "the manifest is inside"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_its_workers_measure_what_the_installed_program_measures(program, elsewhere, models, unfrozen, method, tmp_path):
    if method == "fork" and not hasattr(os, "fork"):
        pytest.skip("there is no fork")
    made = measure([program], method, models, tmp_path, elsewhere)
    assert json.loads((made / f"{CLIP.stem}.metadata.json").read_text())["settings"]["start_method"] == method
    for table in TABLES:
        name = f"{CLIP.stem}{table}.csv"
        assert (made / name).read_bytes() == (unfrozen / name).read_bytes(), name
    assert "<svg" in (made / f"{CLIP.stem}.report.html").read_text(encoding="utf-8")


def test_children_that_are_started_by_name_are_found_inside(program, elsewhere):
    inside = program.parent / "_internal"
    path = [inside / "base_library.zip", *inside.glob("python*/lib-dynload"), inside]
    job = json.dumps({"call": "face_mirror_au.devices.probe:answer_devices_here", "sys_path": [str(part) for part in path]})
    answer = said_by(program, "-m", "face_mirror_au.devices.probe_child", input=job, **elsewhere)
    assert json.loads(answer) == {"answer": ["cpu"]}
    assert said_by(program, "-m", "pip", "--version", **elsewhere).startswith("pip ")


def test_it_is_no_python_for_everything_else(program, elsewhere):
    said_by(program, "-m", "http.server", status=2, **elsewhere)
    said_by(program, "-c", "print(1)", status=2, **elsewhere)
