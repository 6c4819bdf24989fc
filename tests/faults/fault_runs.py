"""Runs to be disturbed: the command as a process of its own, what it leaves, and who is left of it."""

from __future__ import annotations

import csv
import hashlib
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

from face_mirror_au.tables.formats import RAW

HERE = Path(__file__).resolve().parent
CLIPS = HERE.parent / "clips"
CLIP, STEM = CLIPS / "smile_both.mp4", "smile_both"
FRAMES = 8
VIEWS = ("original", "left_mirrored", "right_mirrored")
SETTINGS = ("--profile", "hybrid", "--device", "cpu", "--max-frames", str(FRAMES), "--detect-every", "3")
# Environment in which plugins of this folder are found.
PLUGINS = {"PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}
_MARK = "FACE_MIRROR_FAULT_MARK"
_END_S = 250.0


def mirror(out: Path, *more: object, workers: int = 2, clip: Path = CLIP, page: bool = False) -> list[str]:
    """Arguments of a run with three views and videos. The page takes three times as long as all the rest."""
    return ["mirror", str(clip), "-o", str(out), *SETTINGS, "--workers", str(workers), *([] if page else ["--no-report"]), *map(str, more)]


class Run:
    """A command under way, known with all its children by a variable in their environment.

    Parameters
    ----------
    arguments : list of str
        Of the command.
    folder : Path
        For its temporary files: `folder/tmp`.
    program : list of str
        What runs the command, if not Python itself.
    environment : dict, optional
        More variables.
    wrapper : list of str
        A command that runs all this.
    options : object
        For `subprocess.Popen`.
    """

    def __init__(self, arguments, folder: Path, *, program=("-m", "face_mirror_au"), environment=None, wrapper=(), **options) -> None:
        self.mark = uuid.uuid4().hex
        self.temporary = folder / "tmp"
        self.temporary.mkdir(exist_ok=True)
        variables = {**os.environ, "TMPDIR": str(self.temporary), _MARK: self.mark, "COLUMNS": "500", **(environment or {})}
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "start_new_session": True, **options}
        command = [*wrapper, sys.executable, *map(str, program), *map(str, arguments)]
        self.process = subprocess.Popen(command, text=True, env=variables, **options)

    def end(self, limit_s: float = _END_S) -> int:
        """Wait for its end; its exit code. One that hangs is killed with all that belongs to it."""
        try:
            self.stdout, self.stderr = self.process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            for pid in processes_of(self.mark):
                os.kill(pid, signal.SIGKILL)
            raise
        return self.process.returncode

    def orphans(self) -> list[int]:
        """Its processes that are still there; those that are ending are given their time."""
        deadline = time.monotonic() + _END_S
        while (found := processes_of(self.mark)) and time.monotonic() < deadline:
            time.sleep(0.01)
        return found


def processes_of(mark: str) -> list[int]:
    """Ids of the processes that carry a mark; zombies have no environment any more."""
    found, wanted = [], f"{_MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def shared_memory() -> set[str]:
    """What Python has put into /dev/shm; browsers have files there, too."""
    return {path.name for path in Path("/dev/shm").iterdir() if path.name.startswith(("psm_", "sem."))}  # noqa: S108  (where Linux has it)


def left_in_shared_memory(before: set[str]) -> set[str]:
    """What was put there and stays: other programs come and go."""
    left, deadline = shared_memory() - before, time.monotonic() + 20
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left &= shared_memory()
    return left


def content(folder: Path) -> dict[str, str]:
    """SHA-256 of each file, by its path in the folder; of folders, nothing; of videos, how many frames they have.

    One in some 1600 videos comes out of x264 with other bytes, from the same pictures and with one thread, too (x264 of PyAV 18.1).
    """
    return {str(path.relative_to(folder)): _told(path) for path in sorted(folder.rglob("*"))}


def _told(path: Path) -> str:
    if not path.is_file():
        return ""
    if path.suffix != ".mp4":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    import av

    with av.open(str(path)) as container:
        return f"{sum(1 for _ in container.decode(video=0))} frames"


def results(found: dict[str, str]) -> dict[str, str]:
    """Of the `content` of a batch's output folder, what are results: all but what it remembers, when it was where."""
    return {path: digest for path, digest in found.items() if not path.startswith("batch.") and digest}


def online_table(out: Path, stem: str = STEM) -> Path | None:
    """The online table of a run that has not come to its end."""
    path = out / f"{stem}.unfinished" / f"{stem}.online.csv"
    return path if path.exists() else None


def rows_of(text: str) -> list[list[str]]:
    """The complete rows of an online table. Each must have all its columns, and follow on the one before."""
    *lines, _unfinished = text.split("\n")
    header, *rows = list(csv.reader(lines)) or [list(RAW.names)]
    assert tuple(header) == RAW.names
    assert {len(row) for row in rows} <= {len(RAW.names)}
    expected = [(str(frame), view) for frame in range(1, FRAMES + 1) for view in VIEWS]
    assert [(row[0], row[2]) for row in rows] == expected[: len(rows)]
    return rows
