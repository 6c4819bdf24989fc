"""What a process with all its children holds at a moment: memory, descriptors, threads, shared memory. Linux only (/proc)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import family, pss_parts

FRAMES_IN_MEMORY = "memfd:face-mirror-au-frames"
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (it is looked at, not written to)
_QUIET_S = 0.2
_PATIENCE_S = 60.0  # a worker that has just begun reads its models first


@dataclass(frozen=True)
class Holding:
    """What one process holds.

    Attributes
    ----------
    pss : float
        Proportional set size, MB.
    memory : float
        Of that, what is no page of a file, MB. The system drops pages of libraries as it likes, and how much of them is counted depends on
        which other programs use them: that moves by 50 MB while they come and go.
    descriptors : int
        Open files, pipes and sockets.
    threads : int
    ring_blocks : int
        Mapped pieces of the ring of frames.
    zombie : bool
        Ended, and nobody has asked for its exit code.
    asleep : bool
        Waits for something.
    ticks : int
        Processor time so far, in the kernel's units.
    """

    pss: float
    memory: float
    descriptors: int
    threads: int
    ring_blocks: int
    zombie: bool
    asleep: bool
    ticks: int


@dataclass(frozen=True)
class Census:
    """What all processes hold.

    Attributes
    ----------
    processes : mapping of int to Holding
        By process id, this process and its descendants.
    named_blocks : frozenset of str
        Shared memory with a name, of all Python programs on the machine.
    """

    processes: Mapping[int, Holding]
    named_blocks: frozenset[str]

    @classmethod
    def take(cls) -> Census:
        """Count now."""
        found = {pid: _holding(pid) for pid in family(os.getpid())}
        names = frozenset(path.name for path in _SHARED_MEMORY.glob("psm_*"))
        return cls({pid: holding for pid, holding in found.items() if holding is not None}, names)

    @classmethod
    def take_when_quiet(cls) -> Census:
        """Count when all children have slept for a moment, or when that has taken too long all the same."""
        deadline, before = time.monotonic() + _PATIENCE_S, cls.take()
        while True:
            time.sleep(_QUIET_S)
            now = cls.take()
            if now.resting == before.resting is not None or time.monotonic() > deadline:
                return now
            before = now

    def memory_of(self, pid: int) -> float:
        """Own memory of one process, MB; 0 when it is not there."""
        return self.processes[pid].memory if pid in self.processes else 0.0

    def total(self, what: str) -> float:
        """Sum of an attribute of `Holding` over all processes."""
        return float(sum(getattr(each, what) for each in self.processes.values()))

    @classmethod
    def lasting_names(cls, before: frozenset[str]) -> frozenset[str]:
        """New shared memory with a name; what another program has for a while is waited for."""
        deadline = time.monotonic() + _PATIENCE_S
        while (new := cls.take().named_blocks - before) and time.monotonic() < deadline:
            time.sleep(_QUIET_S)
        return new

    @property
    def resting(self) -> dict[int, int] | None:
        """Processor time of each child; None when one is at work."""
        children = {pid: each for pid, each in self.processes.items() if pid != os.getpid()}
        return {pid: each.ticks for pid, each in children.items()} if all(each.asleep for each in children.values()) else None


def has_frames(pid: int) -> bool:
    """Whether a worker has mapped frames: it has started, and was given work in this video."""
    return _ring_blocks(pid) > 0


def _ring_blocks(pid: int) -> int:
    with suppress(OSError):  # it has ended
        return Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace").count(FRAMES_IN_MEMORY)
    return 0


def _holding(pid: int) -> Holding | None:
    folder = Path(f"/proc/{pid}")
    try:
        state, *numbers = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2].split()
        descriptors = sum(1 for _ in (folder / "fd").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return None
    except PermissionError:  # as of a zombie
        descriptors = 0
    parts = pss_parts(pid)
    pss = parts.get("Pss", 0.0)
    return Holding(
        pss=pss,
        memory=pss - parts.get("Pss_File", 0.0),
        descriptors=descriptors,
        threads=int(numbers[16]),
        ring_blocks=_ring_blocks(pid),
        zombie=state == "Z",
        asleep=state in "SZ",
        ticks=int(numbers[10]) + int(numbers[11]),
    )
