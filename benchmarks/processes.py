"""Watch a run of the command line from outside: when its rows come, and what memory and disk it takes. Linux only (/proc)."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_POLL_S = 0.01
_MEMORY_EVERY_S = 0.25


@dataclass
class Watched:
    """What was seen of one run.

    Attributes
    ----------
    rows : list of (float, int)
        Seconds since the start of the process, and how many frames had their online row by then.
    memory : list of (float, float, float)
        Seconds, proportional set size (PSS) of the parent with all its children, MB, and that of the parent alone.
    spool : float
        Largest size of the parent's unnamed files, MB.
    seconds : float
        Until the process ended.
    """

    rows: list[tuple[float, int]] = field(default_factory=list)
    memory: list[tuple[float, float, float]] = field(default_factory=list)
    spool: float = 0.0
    seconds: float = 0.0

    @property
    def first_row_s(self) -> float:
        """Start of the process to the first row in the online log."""
        return self.rows[0][0]

    @property
    def frames(self) -> int:
        """Rows in the end."""
        return self.rows[-1][1]

    @property
    def rate(self) -> float:
        """Frames a second from the first row to the last."""
        (start, before), (end, after) = self.rows[0], self.rows[-1]
        return (after - before) / (end - start)

    @property
    def peak(self) -> float:
        """Largest PSS of all processes, MB."""
        return max(total for _, total, _ in self.memory)

    def memory_at(self, frame: int) -> float:
        """PSS of all processes when that many frames were done, MB."""
        when = next((seconds for seconds, count in self.rows if count >= frame), self.rows[-1][0])
        return min(self.memory, key=lambda each: abs(each[0] - when))[1]


def watch(video: Path, output: Path, arguments: Sequence[str], views: int = 1) -> Watched:
    """Run `face-mirror-au run VIDEO -o OUTPUT ...` and watch it; `output` should be empty."""
    command = [sys.executable, "-m", "face_mirror_au", "run", str(video), "-o", str(output), "--quiet", *arguments]
    seen = Watched()
    log = output / f"{video.stem}.unfinished" / f"{video.stem}.online.csv"
    start = last = time.perf_counter()
    lines, position = 0, 0
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            now = time.perf_counter()
            with suppress(FileNotFoundError):  # not there yet, or published already
                with log.open("rb") as handle:
                    handle.seek(position)
                    new = handle.read()
                position += len(new)
                lines += new.count(b"\n")
                frames = (lines - 1) // views
                if frames > 0 and (not seen.rows or frames > seen.rows[-1][1]):
                    seen.rows.append((now - start, frames))
            if now - last >= _MEMORY_EVERY_S:
                last = now
                seen.memory.append((now - start, sum(map(pss, family(process.pid))), pss(process.pid)))
                seen.spool = max(seen.spool, _unnamed_files(process.pid))
            time.sleep(_POLL_S)
        seen.seconds = time.perf_counter() - start
        if process.returncode != 0:
            raise SystemExit(f"the run ended with exit code {process.returncode}")
    return seen


def family(pid: int) -> list[int]:
    """A process and its descendants, so far as their main threads started them."""
    found, todo = [], [pid]
    while todo:
        each = todo.pop()
        found.append(each)
        try:
            children = Path(f"/proc/{each}/task/{each}/children").read_text(encoding="ascii")
        except OSError:
            continue
        todo += [int(child) for child in children.split()]
    return found


def pss(pid: int) -> float:
    """Proportional set size of a process, MB; 0 when it has ended."""
    return pss_parts(pid).get("Pss", 0.0)


def pss_parts(pid: int) -> dict[str, float]:
    """Proportional set size of a process and what it is made of, MB, as the kernel names them; empty when it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return {}
    lines = (line.split() for line in text.splitlines() if line.startswith("Pss"))
    return {name.rstrip(":"): int(size) / 1024 for name, size, _ in lines}


def _unnamed_files(pid: int) -> float:
    total = 0
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(OSError):  # closed meanwhile
            name = str(link.readlink())
            if name.endswith("(deleted)") and "memfd" not in name:
                total += link.stat().st_size
    return total / 2**20
