"""What is loaded when: the nursery must be forked before anything heavy is imported (on macOS a process that forks later may crash)."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

CLIP = Path(__file__).resolve().parents[1] / "clips" / "smile_both.mp4"
HEAVY = {"av", "cv2", "onnxruntime"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.parametrize("command", ["run", "batch"])
def test_the_command_line_forks_its_nursery_before_anything_heavy_is_imported(command, tmp_path, shared_file):
    script = textwrap.dedent("""
        import sys
        from face_mirror_au.loop import nursery

        start = nursery.Nursery.start.__func__

        def noting(cls, preload):
            print("loaded:", sorted({"av", "cv2", "onnxruntime"} & set(sys.modules)), flush=True)
            return start(cls, preload)

        nursery.Nursery.start = classmethod(noting)
        from face_mirror_au.cli.app import app
        app()
    """)
    environment = {**os.environ, "FACE_MIRROR_AU_WEIGHTS": str(shared_file("weights"))}
    done = subprocess.run(
        [sys.executable, "-c", script, command, str(CLIP), "-o", str(tmp_path), "--max-frames", "3", "--workers", "1"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("loaded: []\n")
    assert done.stdout.count("loaded:") == 1, "one nursery, and one only"


def test_the_command_line_starts_without_heavy_imports():
    code = "import sys, face_mirror_au.cli.app; print(sorted({'av', 'cv2', 'onnxruntime', 'onnx', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_what_the_nursery_preloads_starts_no_thread_but_those_of_blas():
    code = """
import os, sys
from face_mirror_au.cli.options import PRELOAD
import importlib, numpy, cv2
before = len(os.listdir("/proc/self/task"))
for name in PRELOAD:
    importlib.import_module(name)
print(before, len(os.listdir("/proc/self/task")), "onnxruntime" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after, loaded = done.stdout.split()
    assert (after, loaded) == (before, "True")
