"""Python's development mode, every warning an error: nothing is left open, nothing outdated called, no text in the locale's encoding."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIPS = ROOT / "tests" / "clips"
# OpenCV and Matplotlib open text files without an encoding, so that this warning cannot be an error.
STRICT = ("-X", "dev", "-W", "error", "-X", "warn_default_encoding", "-W", "default::EncodingWarning")
EVERY_MODULE = """
import importlib, pkgutil, face_mirror_au, face_mirror_hooks, face_mirror_weights
for package in (face_mirror_au, face_mirror_hooks, face_mirror_weights):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if "__pyinstaller." not in found.name:  # read by PyInstaller, which is not here
            importlib.import_module(found.name)
"""


def strictly(*words):
    """Run Python strictly; fail on a warning that is about our code, wherever it was swallowed."""
    done = subprocess.run([sys.executable, *STRICT, *map(str, words)], capture_output=True, text=True, encoding="utf-8", check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    ours = ("face_mirror_au", str(ROOT / "hooks"), str(ROOT / "weights"))
    lines = said.splitlines()
    assert [line for line in lines if "Warning:" in line and ("EncodingWarning" not in line or any(part in line for part in ours))] == []
    assert "Exception ignored" not in said
    return said


def test_importing_every_module():
    strictly("-c", EVERY_MODULE)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_measuring_reporting_comparing_and_a_batch(shared_file, tmp_path, monkeypatch):
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
    command = ("-m", "face_mirror_au")
    few = ("--max-frames", "6", "-o", tmp_path)
    strictly(*command, "run", CLIPS / "smile_left.mp4", "--views", "original,left,right", "--workers", "2", "--start-method", "spawn", *few)
    strictly(*command, "mirror", CLIPS / "smile_both.mp4", "--workers", "1", "--overlay", *few)
    strictly(*command, "report", tmp_path / "smile_left")
    strictly(*command, "compare", tmp_path / "smile_left", tmp_path / "smile_both", "-o", tmp_path)
    strictly(*command, "batch", CLIPS / "smile_right.mp4", "--workers", "0", *few)
    assert (tmp_path / "compare.html").is_file()
