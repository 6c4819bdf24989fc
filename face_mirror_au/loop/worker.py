"""What runs in a worker process, however it was started: take messages, do jobs, until the parent's end of the connection closes."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection as mp_connection
from multiprocessing import parent_process
from multiprocessing.connection import Connection

from face_mirror_au.errors import FaceMirrorAUError
from face_mirror_au.loop.messages import AtFrame, AttachBlock, DropBlocks, Failed, Finished, FrameRef, Job, OpenVideo, Ready, StartTask
from face_mirror_au.loop.messages import receive as receive_message
from face_mirror_au.loop.messages import send as send_message
from face_mirror_au.loop.ring import Memory, attach_memory, picture
from face_mirror_au.loop.tasks import WorkerTask
from face_mirror_hooks.records import Frame, WorkerInfo


class ParentGoneError(Exception):
    """The other end of the connection is closed. Not an OSError, so that a task's own are told apart."""


def run_worker(connection: Connection) -> None:
    """Serve until the parent is gone; does not return."""
    code = 1
    try:
        # Ctrl-C reaches every process of the terminal; the parent decides what becomes of the workers.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _Worker(connection).serve()
    except ParentGoneError:
        code = 0
    except BaseException as error:  # noqa: BLE001  (a forked process must not run on into the code that forked it)
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
            print("a worker has run out of memory; another one takes its place", file=sys.stderr)  # noqa: T201  (it has nobody else to tell)
        else:
            traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(AttributeError, OSError, ValueError):  # None, full or closed
                stream.flush()
        # Not sys.exit: what the parent registered for its own end is not ours to run.
        os._exit(code)


def run_spawned_worker(connection: Connection) -> None:
    """`run_worker` for a process that has no nursery above it to end it, should it hang when the parent dies."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    run_worker(connection)


def _end_with(sentinel: int) -> None:
    mp_connection.wait([sentinel])
    os._exit(1)


class _Worker:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._blocks: dict[int, Memory] = {}
        self._task: WorkerTask | None = None

    def serve(self) -> None:
        while True:
            message = self._receive()
            if isinstance(message, Job):
                self._run(message)
            elif isinstance(message, AttachBlock):
                self._blocks[message.block] = attach_memory(message, self._connection)
            elif isinstance(message, DropBlocks):
                for number in message.blocks:
                    self._blocks.pop(number).close()
            elif isinstance(message, OpenVideo):
                self._open_video(message)
            elif isinstance(message, StartTask):
                self._start(message)

    def _start(self, message: StartTask) -> None:
        with self._failing("start its task"):
            self._task = pickle.loads(message.factory)()  # noqa: S301  (from our own parent)
            self._task.start(WorkerInfo(message.number, os.getpid(), message.device))
            self._send(Ready())

    def _open_video(self, message: OpenVideo) -> None:
        with self._failing("begin a video"):
            self._the_task.start_video(message.video)

    def _run(self, message: Job) -> None:
        with self._failing(f"process frames {message.frames[0].index} to {message.frames[-1].index}"):
            result = self._the_task.run(message.work, self._frames(message.frames, self._blocks.get(message.block)))
            self._send(Finished(message.number, result))

    @contextmanager
    def _failing(self, doing: str) -> Iterator[None]:
        """Tell the parent of an exception, which it raises."""
        try:
            yield
        except (MemoryError, ParentGoneError):
            raise  # ends this process: perhaps there is memory for the next
        except Exception as error:  # noqa: BLE001  (it goes to the parent)
            ours = error if isinstance(error, FaceMirrorAUError) else None
            self._send(Failed(doing, ours, f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error))))

    def _frames(self, references: tuple[FrameRef, ...], memory: Memory | None) -> Iterator[Frame]:
        for reference in references:
            self._send(AtFrame(reference.index))
            if memory is None:
                raise RuntimeError("the parent sent a job before its frames")
            yield Frame(reference.index, reference.time_s, picture(memory, reference), reference.problem)

    @property
    def _the_task(self) -> WorkerTask:
        if self._task is None:
            raise RuntimeError("the parent sent a job before the task")
        return self._task

    def _send(self, message: object) -> None:
        try:
            send_message(self._connection, message)
        except OSError as error:
            raise ParentGoneError from error

    def _receive(self) -> object:
        try:
            return receive_message(self._connection)
        except (EOFError, OSError) as error:
            raise ParentGoneError from error
