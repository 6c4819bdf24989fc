"""How worker processes come to be: forked by a nursery, or spawned."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Literal, Protocol

from face_mirror_au.loop.tasks import WorkerError
from face_mirror_au.loop.worker import run_spawned_worker

StartMethod = Literal["fork", "spawn"]

# They load Apple's frameworks, after which a forked process may crash or hang on macOS.
UNSAFE_TO_FORK_AFTER = ("av", "cv2", "onnxruntime")
THREADED_LIBRARIES = ("av", "onnxruntime")
_END_S = 2.0  # what a worker that was told to end is given


@dataclass(frozen=True, slots=True)
class Launched:
    """A worker process: its id and the parent's end of its connection."""

    pid: int
    connection: Connection


class Launcher(Protocol):
    """Makes and ends worker processes."""

    def launch(self) -> Launched:
        """Make a worker process.

        Raises
        ------
        WorkerError
        """

    def kill(self, pid: int) -> None:
        """End a worker at once, if it has not ended."""

    def exit_code(self, pid: int, timeout: float) -> int | None:
        """Exit code of a worker that is ending, negative for a signal; None when it is not known within `timeout` seconds."""

    def close(self) -> None:
        """End all workers. Their connections should be closed by now."""


class SpawnLauncher:
    """New interpreters, from any state of the parent."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._processes: dict[int, BaseProcess] = {}

    def launch(self) -> Launched:
        """See `Launcher`."""
        ours, theirs = self._context.Pipe(duplex=True)
        process = self._context.Process(target=run_spawned_worker, args=(theirs,), daemon=True, name="face-mirror-au worker")
        try:
            process.start()
        except OSError as error:
            raise WorkerError(f"a worker process cannot be started: {error}; use fewer workers") from error
        finally:
            theirs.close()
        if process.pid is None:
            raise WorkerError("a worker process cannot be started")
        self._processes[process.pid] = process
        return Launched(process.pid, ours)

    def kill(self, pid: int) -> None:
        """See `Launcher`."""
        if pid in self._processes:
            self._processes[pid].kill()
        elif sys.platform != "win32":  # the orphan of a nursery that was lost
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def exit_code(self, pid: int, timeout: float) -> int | None:
        """See `Launcher`."""
        process = self._processes.get(pid)
        if process is None:
            return None
        process.join(timeout)
        code = process.exitcode
        if code is not None:
            process.close()
            del self._processes[pid]
        return code

    def close(self) -> None:
        """See `Launcher`."""
        for pid in list(self._processes):
            if self.exit_code(pid, _END_S) is None:
                self.kill(pid)
                self.exit_code(pid, _END_S)


def assert_clean_to_fork() -> None:
    """Raise when a library is loaded after which this process should not be forked.

    Raises
    ------
    WorkerError
    """
    loaded = _loaded_too_early()
    if loaded:
        raise WorkerError(
            f"workers cannot be forked after {', '.join(loaded)} was loaded; use the start method 'spawn', or start them earlier"
        )


def choose_start_method(asked: StartMethod | None, *, strict: bool = sys.platform == "darwin") -> StartMethod:
    """How workers are started.

    Parameters
    ----------
    asked : "fork", "spawn" or None
        None takes fork where that is safe now, spawn otherwise.
    strict : bool
        Whether any of `UNSAFE_TO_FORK_AFTER` speaks against a fork, even one that was asked for, as on macOS.

    Raises
    ------
    WorkerError
        Fork was asked for where it is not to be had.
    """
    can_fork = hasattr(os, "fork")
    if asked == "spawn":
        return "spawn"
    if asked == "fork":
        if not can_fork:
            raise WorkerError("this system cannot fork processes; use the start method 'spawn'")
        if strict:
            assert_clean_to_fork()
        return "fork"
    # A thread may hold a lock at the moment of the fork, which nobody would release in the new process. Those of ONNX Runtime and FFmpeg
    # are not Python's: where these were loaded, workers hung now and then.
    threads = threading.active_count() > 1 or any(name in sys.modules for name in THREADED_LIBRARIES)
    safe = can_fork and not threads and not (strict and _loaded_too_early())
    return "fork" if safe else "spawn"


def _loaded_too_early() -> list[str]:
    return [name for name in UNSAFE_TO_FORK_AFTER if name in sys.modules]
