"""The sessions of `make host-sessions` in their short form."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_tables_of_random_sessions_belong_to_their_videos(shared_file, monkeypatch):
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
    command = [sys.executable, "-m", "benchmarks.host_sessions", "--sessions", "2", "--seed", "28"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 breaches" in done.stdout
