"""The nursery: a small process, forked before any thread or session exists, that forks all workers, the first ones and replacements alike.

A process with threads must not fork: a lock that one of them holds stays locked in the child. The parent will have threads (decoders), the
nursery never has. It ends, and ends its workers, when the parent's end of its connection closes, by whatever cause.

Why not the forkserver of `multiprocessing` (tried in November 2026, Python 3.11): when the parent is killed, a worker that hangs in native
code with Python's lock held stays, and with it the server and a tracker; a folder stays among the temporary files. It does not start where
the folder for these has a long name (a socket lies there) or the current folder holds a `signal.py`. Scripts need a guard around their
start, and a run takes 0.2 s of CPU and 9 MB more.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe, reduction
from multiprocessing.connection import Connection, wait

from face_mirror_au.loop.launch import Launched, assert_clean_to_fork
from face_mirror_au.loop.messages import receive, send
from face_mirror_au.loop.tasks import WorkerError
from face_mirror_au.loop.worker import run_worker

_GRACE_S = 1.0  # what workers are given to end by themselves when the parent is gone
_END_S = 5.0  # what the nursery is given
_REPLY_S = 10.0


@dataclass(frozen=True, slots=True)
class _Fork:
    """Parent to nursery."""


@dataclass(frozen=True, slots=True)
class _Kill:
    """Parent to nursery."""

    pid: int


@dataclass(frozen=True, slots=True)
class _Forked:
    """Nursery to parent; the worker's connection follows."""

    pid: int


@dataclass(frozen=True, slots=True)
class _NotForked:
    """Nursery to parent."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Exited:
    """Nursery to parent."""

    pid: int
    code: int


class Nursery:
    """The parent's view of the nursery. See `start`."""

    def __init__(self, pid: int, connection: Connection) -> None:
        self.pid = pid
        self._connection = connection
        self._codes: dict[int, int] = {}
        self._lost = False

    @classmethod
    def start(cls, preload: Sequence[str] = ()) -> Nursery:
        """Fork it. Call this before the first thread, video or session.

        Parameters
        ----------
        preload : sequence of str
            Modules that workers will need: the nursery imports them while the parent goes on, and workers have them from the start, in
            memory that they share. Importing them must not start threads of their own. Not on macOS (see `UNSAFE_TO_FORK_AFTER`).

        Raises
        ------
        WorkerError
            On macOS, when a library is loaded after which this process should not be forked.
        """
        if sys.platform == "darwin":
            assert_clean_to_fork()
        ours, theirs = Pipe(duplex=True)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # else what is in the buffer would be written twice
                stream.flush()
        with warnings.catch_warnings():
            # Python 3.12 counts NumPy's BLAS threads, which see to themselves in a fork.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            code = 1
            try:
                ours.close()
                _NurseryProcess(theirs).serve(preload if sys.platform != "darwin" else ())
                code = 0
            except BaseException:  # noqa: BLE001  (must not run on into the code that forked it)
                traceback.print_exc()
            finally:
                os._exit(code)
        theirs.close()
        return cls(pid, ours)

    @property
    def alive(self) -> bool:
        """False once it could not be reached."""
        return not self._lost

    def launch(self) -> Launched:
        """See `Launcher`."""
        try:
            send(self._connection, _Fork())
            deadline = time.monotonic() + _REPLY_S
            while self._connection.poll(max(deadline - time.monotonic(), 0.0)):
                message = receive(self._connection)
                if isinstance(message, _Forked):
                    return Launched(message.pid, Connection(reduction.recv_handle(self._connection)))
                if isinstance(message, _NotForked):
                    raise WorkerError(f"a worker process cannot be started: {message.reason}; use fewer workers")
                self._note(message)
        except (EOFError, OSError) as error:
            self._lost = True
            raise WorkerError("the process that starts workers has ended") from error
        self._lost = True
        raise WorkerError("the process that starts workers does not answer")

    def kill(self, pid: int) -> None:
        """See `Launcher`."""
        try:
            # Not from here: only its parent process knows that the id is still the worker's.
            send(self._connection, _Kill(pid))
        except OSError:
            self._lost = True
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def exit_code(self, pid: int, timeout: float) -> int | None:
        """See `Launcher`."""
        deadline = time.monotonic() + timeout
        try:
            while pid not in self._codes and self._connection.poll(max(deadline - time.monotonic(), 0.0)):
                self._note(receive(self._connection))
        except (EOFError, OSError):
            self._lost = True
        return self._codes.pop(pid, None)

    def close(self) -> None:
        """See `Launcher`."""
        if self._connection.closed:
            return
        self._connection.close()
        deadline = time.monotonic() + _END_S
        try:
            while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
                if time.monotonic() > deadline:
                    os.kill(self.pid, signal.SIGKILL)
                    deadline = float("inf")
                time.sleep(0.002)
        except ChildProcessError:  # a host that waits for all of its children was first
            pass

    def _note(self, message: object) -> None:
        if isinstance(message, _Exited):
            self._codes[message.pid] = message.code


class _NurseryProcess:
    """What runs in the nursery."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._workers: set[int] = set()

    def serve(self, preload: Sequence[str]) -> None:
        for number in (signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the parent decides
        self._wake, self._waker = os.pipe()
        for end in (self._wake, self._waker):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # a handler there must be, or nothing wakes
        for name in preload:
            with suppress(ImportError):  # workers will say so
                importlib.import_module(name)
        gc.freeze()  # or the collector would write on, and so copy, the pages that workers share
        try:
            while True:
                ready = wait([self._connection, self._wake])
                if self._wake in ready:
                    self._reap()
                if self._connection in ready:
                    self._obey(receive(self._connection))
        except (EOFError, OSError):
            self._end_workers()

    def _obey(self, message: object) -> None:
        if isinstance(message, _Fork):
            self._fork()
        elif isinstance(message, _Kill) and message.pid in self._workers:
            os.kill(message.pid, signal.SIGKILL)

    def _fork(self) -> None:
        try:
            ours, theirs = Pipe(duplex=True)
            pid = os.fork()
        except OSError as error:
            send(self._connection, _NotForked(error.strerror or str(error)))
            return
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for end in (self._wake, self._waker):
                os.close(end)
            self._connection.close()
            ours.close()
            run_worker(theirs)
        theirs.close()
        self._workers.add(pid)
        with ours:
            send(self._connection, _Forked(pid))
            reduction.send_handle(self._connection, ours.fileno(), os.getppid())

    def _reap(self) -> None:
        try:
            while os.read(self._wake, 512):
                pass
        except BlockingIOError:
            pass
        for pid in list(self._workers):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self._workers.discard(pid)
                send(self._connection, _Exited(pid, os.waitstatus_to_exitcode(status)))

    def _end_workers(self) -> None:
        """Idle workers see their own connections close; those that work or hang are killed."""
        deadline = time.monotonic() + _GRACE_S
        while self._workers:
            if time.monotonic() > deadline:
                for pid in self._workers:
                    os.kill(pid, signal.SIGKILL)
                deadline = float("inf")
            for pid in list(self._workers):
                if os.waitpid(pid, os.WNOHANG)[0]:
                    self._workers.discard(pid)
            time.sleep(0.002)
