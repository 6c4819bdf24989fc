"""Nothing leaves the machine, nothing is left in the user's home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CLIP = Path(__file__).resolve().parents[1] / "clips" / "smile_both.mp4"


def test_onnx_runtime_keeps_no_usage_data(tmp_path, shared_file):
    """ONNX Runtime's telemetry, on by default, stores a device id and events in the home folder and sends them."""
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "FACE_MIRROR_AU_WEIGHTS": str(shared_file("weights")),
        "ORT_DISABLE_TELEMETRY": "0",
    }
    environment.pop("XDG_CACHE_HOME", None)
    command = [sys.executable, "-m", "face_mirror_au", "run", str(CLIP), "-o", str(tmp_path / "out"), "--max-frames", "3", "--quiet"]
    for workers in ("0", "1"):
        subprocess.run([*command, "--workers", workers], env=environment, check=True, cwd=tmp_path)
    left = {path.name for path in (tmp_path / ".cache").rglob("*") if path.is_file()} if (tmp_path / ".cache").exists() else set()
    assert left <= {"devices.json"}, left
    assert (tmp_path / "out" / "smile_both" / "smile_both.csv").exists()
