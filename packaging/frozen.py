"""Freeze the program into dist/face-mirror-au, a folder that needs no Python. `make frozen` runs it, and then the tests of it.

An environment of its own, with the wheel and PyInstaller, so that nothing but what the program needs is found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "dist" / "face-mirror-au"
PYINSTALLER = "pyinstaller>=6.10,<7"


def main() -> None:
    """Build it; say where it is and how large."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="face-mirror-au-frozen-") as folder:
        environment = Path(folder) / "venv"
        venv.create(environment, with_pip=True)
        python = str(environment / ("Scripts" if os.name == "nt" else "bin") / "python")
        _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(ROOT), PYINSTALLER)
        _run(python, str(ROOT / ".make" / "usable_opencv.py"))
        shutil.rmtree(PROGRAM, ignore_errors=True)
        _run(
            python, "-m", "PyInstaller", "--log-level", "WARN", "--noconfirm", "--distpath", str(PROGRAM.parent),
            "--workpath", str(Path(folder) / "work"), str(ROOT / "packaging" / "face-mirror-au.spec"),
        )  # fmt: skip
    size = sum(path.lstat().st_size for path in PROGRAM.rglob("*") if path.is_file() and not path.is_symlink())
    print(f"{PROGRAM}: {size / 1e6:.0f} MB, made in {time.monotonic() - started:.0f} s")


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}")


if __name__ == "__main__":
    main()
