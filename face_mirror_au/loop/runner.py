"""The frame loop as a run sees it: with workers or without, the same results."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from face_mirror_au.loop.frames import LoopCounts, process_frames, process_frames_in_workers
from face_mirror_au.loop.hook_task import HookedProcessing, HookedTask
from face_mirror_au.loop.pool import HANG_AFTER_S, WorkerPool
from face_mirror_au.records import Frame
from face_mirror_hooks.records import FrameResult, VideoInfo, WorkerInfo, WorkerLoss

if TYPE_CHECKING:
    from face_mirror_au.loop.launch import StartMethod
    from face_mirror_au.loop.nursery import Nursery
    from face_mirror_au.pipeline.process import FrameProcessor


class FrameLoop:
    """Processes videos one after the other. Its workers start when it is made: make it before any thread, video or session.

    Parameters
    ----------
    workers : int
        0: this process does the work.
    start_method, device, hang_after_s, nursery
        See `WorkerPool`.
    """

    _pool_type: ClassVar[type[WorkerPool]] = WorkerPool

    def __init__(
        self,
        processing: HookedProcessing,
        workers: int,
        start_method: StartMethod | None = None,
        device: str = "cpu",
        hang_after_s: float = HANG_AFTER_S,
        nursery: Nursery | None = None,
    ) -> None:
        self._followed = processing.followed
        self._news: deque[WorkerLoss] = deque()
        self._task: HookedTask | None = None
        self._pool: WorkerPool | None = None
        self.counts = LoopCounts()
        if workers:
            self._pool = self._pool_type(
                processing,
                workers=workers,
                start_method=start_method,
                device=device,
                hang_after_s=hang_after_s,
                on_lost=self._news.append,
                nursery=nursery,
            )
            self._pool.start()
        else:
            self._task = processing()
            self._task.start(WorkerInfo(0, os.getpid(), device))

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.close()

    @property
    def start_method(self) -> str:
        """How workers start: fork or spawn; "none" without workers."""
        return "none" if self._pool is None else str(self._pool.start_method)

    @property
    def losses(self) -> tuple[WorkerLoss, ...]:
        """All workers that were lost so far."""
        return () if self._pool is None else self._pool.losses

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the workers."""
        return () if self._pool is None else self._pool.pids

    @property
    def processor(self) -> FrameProcessor:
        """The processor of this process; only without workers."""
        if self._task is None:
            raise RuntimeError("with workers, the processors are theirs")
        return self._task.processor

    def take_news(self) -> list[WorkerLoss]:
        """The losses since the last call."""
        news = list(self._news)
        self._news.clear()
        return news

    def process(
        self, frames: Iterable[Frame], video: VideoInfo, detect_every: int, *, keep: Callable[[Frame], Frame] | None = None
    ) -> Iterator[tuple[Frame | None, FrameResult]]:
        """Process the frames of one video.

        Parameters
        ----------
        frames : iterable of Frame
            In order.
        detect_every : int
            Frames of a chunk, at most; the detector looks at the first of each.
        keep : callable, optional
            Called with each frame; what it returns is kept until the result is there, and given back with it.

        Yields
        ------
        Frame or None, and FrameResult
            One pair for each frame, in order.
        """
        kept: deque[Frame] = deque()

        def keeping() -> Iterator[Frame]:
            for frame in frames:
                if keep is not None:
                    kept.append(keep(frame))
                yield frame

        if self._pool is not None:
            self.counts = LoopCounts()
            results = process_frames_in_workers(
                keeping(), self._pool, detect_every=detect_every, video=video, counts=self.counts, followed=self._followed
            )
        else:
            assert self._task is not None  # noqa: S101  (one of both is there)
            self._task.start_video(video)
            results = process_frames(keeping(), self._task.processor, detect_every=detect_every)
        for result in results:
            yield (kept.popleft() if keep is not None else None), result
