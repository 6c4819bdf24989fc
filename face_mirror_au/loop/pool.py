"""The worker processes of a session: deals jobs, takes results, notices losses and makes them good.

A pool is used from one thread. Every job that is submitted comes back once, whatever becomes of the workers.
"""

from __future__ import annotations

import logging
import pickle
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import wait as wait_for_any
from types import TracebackType
from typing import Literal

from face_mirror_au.errors import UsageError
from face_mirror_au.loop.handle import Worker
from face_mirror_au.loop.launch import Launcher, SpawnLauncher, StartMethod, choose_start_method
from face_mirror_au.loop.losses import LossRules, loss_reason
from face_mirror_au.loop.messages import AtFrame, Failed, Finished, FrameRef, Job, OpenVideo, Ready, StartTask, receive
from face_mirror_au.loop.nursery import Nursery
from face_mirror_au.loop.ring import Block
from face_mirror_au.loop.tasks import TaskFactory, WorkerError
from face_mirror_hooks.records import WorkerLoss

logger = logging.getLogger(__name__)

HANG_AFTER_S = 60.0
# Models that are compiled at their first use (CoreML) take minutes.
START_LIMIT_S = 300.0
# The clock of a worker stands still while the parent is elsewhere, but for this much: else a parent that was stopped (Ctrl-Z) or had a
# long look at a result would take healthy workers for hung.
_LONGEST_STEP_S = 1.0
_EXIT_CODE_S = 5.0  # a process that dumps a core takes its time

# What a thread meets that waits for workers while another one closes the pool: workers and connections that are gone.
_SIGNS_OF_AN_END = (KeyError, OSError, RuntimeError, ValueError)


class WorkerPool:
    """Worker processes with one task each. Use it as a context manager, or call `start` and `close`.

    Parameters
    ----------
    factory : callable
        Makes the task in each worker; see `TaskFactory`.
    start_method : "fork", "spawn" or None
        None: fork where that is safe when the pool starts, else spawn.
    device : str
        Where models run at first; the task hears of it in its `WorkerInfo`. After two losses it is "cpu".
    hang_after_s : float
        A worker that spends more time on one frame is taken for hung.
    on_lost : callable, optional
        Told of every loss, in the parent, inside `wait`.
    nursery : Nursery, optional
        One that was started earlier. It is not closed with the pool, and `start_method` is not looked at.
    """

    def __init__(
        self,
        factory: TaskFactory,
        *,
        workers: int,
        start_method: StartMethod | None = None,
        device: str = "cpu",
        hang_after_s: float = HANG_AFTER_S,
        on_lost: Callable[[WorkerLoss], None] | None = None,
        nursery: Nursery | None = None,
    ) -> None:
        if workers < 1:
            raise UsageError(f"a pool has 1 or more workers, not {workers}")
        self.workers = workers
        self.start_method: StartMethod | None = start_method
        self.hang_after_s = hang_after_s
        self._factory = pickle.dumps(factory, protocol=5)
        self._on_lost = on_lost
        self._nursery = nursery
        self._launcher: Launcher | None = None
        self._rules = LossRules(device)
        self._workers: dict[int, Worker] = {}
        self._pending: deque[Job] = deque()
        self._blocks: dict[int, Block] = {}
        self._abandoned: set[int] = set()
        self._video: OpenVideo | None = None
        self._jobs = 0
        self._clock = time.monotonic()
        self._closed = False

    def __enter__(self) -> WorkerPool:  # noqa: PYI034  (Self is not in Python 3.10)
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        """True after an error or `close`: no worker is left."""
        return self._closed

    @property
    def losses(self) -> tuple[WorkerLoss, ...]:
        """All workers that were lost so far."""
        return tuple(self._rules.losses)

    @property
    def outstanding(self) -> int:
        """Jobs that were submitted and are not done, the abandoned ones left out."""
        return len(self._pending) + sum(1 for worker in self._workers.values() if worker.job and worker.job.number not in self._abandoned)

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers."""
        return tuple(worker.process.pid for worker in self._workers.values())

    def start(self) -> None:
        """Start the workers; they load their models while this process goes on.

        Raises
        ------
        WorkerError
        """
        if self._launcher is not None:
            return
        if self._nursery is not None:
            self.start_method, self._launcher = "fork", self._nursery
        else:
            self.start_method = choose_start_method(self.start_method)
            self._launcher = Nursery.start() if self.start_method == "fork" else SpawnLauncher()
        try:
            for number in range(self.workers):
                self._launch(number)
        except BaseException:
            self.close()
            raise

    def open_video(self, video: object) -> None:
        """Jobs from now on are of this video; it goes to every worker's `WorkerTask.start_video`, by pickle.

        Raises
        ------
        WorkerError
            When another video is open.
        """
        if self._video is not None:
            raise WorkerError("the workers serve one video at a time; end the one before first")
        self._rules.new_video()
        self._video = OpenVideo(video)
        for worker in self._workers.values():
            worker.tell(self._video)

    def close_video(self) -> None:
        """Forget the video's jobs, done or not. Its blocks may be closed from now on."""
        self._pending.clear()
        self._blocks.clear()
        self._video = None
        for worker in self._workers.values():
            if worker.job is not None:
                self._abandoned.add(worker.job.number)
            worker.drop_blocks()

    def submit(self, work: object, block: Block, frames: Sequence[FrameRef]) -> int:
        """Have a job done.

        Returns
        -------
        int
            Its number.
        """
        self._jobs += 1
        self._blocks[block.number] = block
        self._pending.append(Job(self._jobs, work, block.number, tuple(frames)))
        with self._closed_by_exceptions():
            self._deal()
        return self._jobs

    def wait(self, timeout: float) -> list[Finished]:
        """Deal jobs, then wait until one is done, at most `timeout` seconds. 0: only look.

        After any exception the pool is closed.

        Raises
        ------
        WorkerError
            Workers cannot start, or a task raised.
        FaceMirrorAUError
            As a task raised it.
        """
        with self._closed_by_exceptions():
            return self._wait(timeout)

    def close(self) -> None:
        """End all workers."""
        if self._closed or self._launcher is None:
            return
        self._closed = True
        for worker in self._workers.values():
            if worker.job is not None or not worker.ready:
                self._launcher.kill(worker.process.pid)
            worker.process.connection.close()
        self._workers.clear()
        self._pending.clear()
        if self._nursery is None:
            self._launcher.close()

    @contextmanager
    def _closed_by_exceptions(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            ended = self._closed
            # Whatever it was, Ctrl-C too: a message may have gone in half.
            self.close()
            if ended and isinstance(error, _SIGNS_OF_AN_END):
                raise WorkerError("the workers have ended") from error
            raise

    def _wait(self, timeout: float) -> list[Finished]:
        if self._closed or not self._workers:
            raise WorkerError("the workers have ended")
        deadline = time.monotonic() + timeout
        done: list[Finished] = []
        while True:
            self._deal()
            left = min(deadline - time.monotonic(), _LONGEST_STEP_S, self.hang_after_s / 4)
            by_connection = {worker.process.connection: worker for worker in self._workers.values()}
            for connection in wait_for_any(list(by_connection), max(left, 0.0)):
                worker = by_connection[connection]  # type: ignore[index]  # only what was given comes back
                self._read(worker, done)
            self._check_hung()
            if done or time.monotonic() >= deadline:
                self._deal()
                return done

    def _deal(self) -> None:
        for worker in list(self._workers.values()):
            if not self._pending:
                return
            if worker.idle:
                job = self._pending.popleft()
                try:
                    worker.give(job, self._blocks[job.block], self._without_given_up(job.frames))
                except OSError as error:
                    self._lose(worker, error)

    def _without_given_up(self, frames: tuple[FrameRef, ...]) -> tuple[FrameRef, ...]:
        given_up = self._rules.given_up
        return tuple(replace(frame, problem=given_up[frame.index]) if frame.index in given_up else frame for frame in frames)

    def _read(self, worker: Worker, done: list[Finished]) -> None:
        connection = worker.process.connection
        while True:
            try:
                if not connection.poll(0):
                    return
                message = receive(connection)
            except (EOFError, OSError) as error:
                self._lose(worker, error)
                return
            worker.silent_s = 0.0
            if isinstance(message, AtFrame):
                worker.frame = message.index
            elif isinstance(message, Finished):
                worker.job = worker.frame = None
                if message.number in self._abandoned:
                    self._abandoned.discard(message.number)
                else:
                    done.append(message)
            elif isinstance(message, Ready):
                worker.ready = True
                self._rules.worker_ready()
            elif isinstance(message, Failed):
                raise _task_error(message)

    def _check_hung(self) -> None:
        now = time.monotonic()
        step = min(now - self._clock, _LONGEST_STEP_S)
        self._clock = now
        for worker in list(self._workers.values()):
            if worker.idle:
                continue
            worker.silent_s += step
            if worker.silent_s > (self.hang_after_s if worker.ready else max(START_LIMIT_S, self.hang_after_s)):
                self._lose(worker, None)

    def _lose(self, worker: Worker, error: Exception | None) -> None:
        """Bury a worker and start another. `error`: what its connection raised; None when it hung."""
        # The socket's own time limit: a worker that stopped in the middle of a message.
        reason: Literal["died", "hung"] = "hung" if error is None or isinstance(error, BlockingIOError) else "died"
        exit_code = self._bury(worker, reason)
        job = worker.job
        if job is not None and job.number in self._abandoned:
            self._abandoned.discard(job.number)
            job = None
        frame = worker.frame if job is None or worker.frame is not None else job.frames[0].index
        next_step = self._rules.worker_lost(
            worker.device,
            ready=worker.ready,
            frame=None if job is None else frame,
            reason=loss_reason(reason, exit_code, self.hang_after_s),
        )
        loss = WorkerLoss(worker.info, reason, exit_code, None if job is None else job.span, next_step)
        self._rules.losses.append(loss)
        logger.warning("worker %d %s (exit code %s) at frame %s: %s", worker.number, reason, exit_code, frame, next_step)
        if job is not None:
            self._pending.appendleft(job)
        if self._rules.hopeless:
            raise WorkerError(
                f"workers end before they are ready (exit code {exit_code}); run with --workers 0 to see the cause. "
                "In a script of your own, start the run below `if __name__ == '__main__':`"
            )
        self._launch(worker.number)
        if self._on_lost is not None:
            self._on_lost(loss)

    def _bury(self, worker: Worker, reason: Literal["died", "hung"]) -> int | None:
        launcher = self._the_launcher
        pid = worker.process.pid
        del self._workers[worker.number]
        worker.process.connection.close()
        if reason == "hung":
            launcher.kill(pid)
            launcher.exit_code(pid, _EXIT_CODE_S)
            return None  # it would be our own signal
        exit_code = launcher.exit_code(pid, _EXIT_CODE_S)
        if exit_code is None:
            launcher.kill(pid)
        return exit_code

    def _launch(self, number: int) -> None:
        if self._closed:  # by another thread, while this one waited for workers
            raise WorkerError("the workers have ended")
        launcher = self._the_launcher
        try:
            process = launcher.launch()
        except WorkerError:
            if not isinstance(launcher, Nursery) or launcher.alive:
                raise
            # Somebody ended the nursery. This process has threads by now and must not fork another.
            logger.warning("the process that forks workers was lost; new workers are spawned")
            self._replace_nursery(launcher)
            process = self._the_launcher.launch()
        worker = Worker(number, self._rules.device, process)
        self._workers[number] = worker
        worker.limit_waits(self.hang_after_s)
        worker.tell(StartTask(number, worker.device, self._factory))
        if self._video is not None:
            worker.tell(self._video)

    def _replace_nursery(self, nursery: Nursery) -> None:
        self._launcher = SpawnLauncher()
        if self._nursery is None:
            nursery.close()
        self._nursery = None

    @property
    def _the_launcher(self) -> Launcher:
        if self._launcher is None:
            raise WorkerError("the workers were not started")
        return self._launcher


def _task_error(message: Failed) -> Exception:
    if message.error is not None:
        return message.error
    logger.error("a worker failed to %s:\n%s", message.doing, message.traceback)
    return WorkerError(f"a worker failed to {message.doing}: {message.text}")
