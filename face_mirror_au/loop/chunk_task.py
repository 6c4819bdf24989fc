"""What a worker does with a chunk: the stateless half of the method, from the frame to its record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol, cast

from face_mirror_hooks.records import Frame, WorkerInfo

if TYPE_CHECKING:
    from face_mirror_au.pipeline.process import ChunkResult, FrameProcessor
    from face_mirror_au.pipeline.track import TrackState


class StartedProcessing(Protocol):
    """What a worker has once it has started: see `face_mirror_au.loop.hook_task.HookedWorker`."""

    @property
    def processor(self) -> FrameProcessor:
        """Runs the chunks."""

    def start_video(self, video: Any) -> None:
        """Hear of a new video."""


class Processing(Protocol):
    """What a process needs to become a worker; goes there by pickle. See `face_mirror_au.loop.hook_task.HookedProcessing`."""

    def start(self, worker: WorkerInfo) -> StartedProcessing:
        """Load the models, in the worker."""


class ChunkTask:
    """Runs chunks. A job is the `TrackState` at the chunk's start, its result a `ChunkResult`.

    Parameters
    ----------
    processing : Processing
    """

    def __init__(self, processing: Processing) -> None:
        self._processing = processing
        self._started: StartedProcessing | None = None

    def start(self, worker: WorkerInfo) -> None:
        """Load the models."""
        from face_mirror_au.models.pixels import opencv

        opencv().setNumThreads(1)  # the workers are the parallelism
        self._started = self._processing.start(worker)

    def start_video(self, video: object) -> None:
        """Hear of a new video."""
        self._running.start_video(video)

    def run(self, job: object, frames: Iterator[Frame]) -> ChunkResult:
        """Process one chunk."""
        return self._running.processor.process_chunk(frames, cast("TrackState", job))

    @property
    def _running(self) -> StartedProcessing:
        if self._started is None:
            raise RuntimeError("the task was not started")
        return self._started


class ChunkTaskFactory:
    """Makes `ChunkTask`s, in the workers.

    Parameters
    ----------
    processing : Processing
    """

    def __init__(self, processing: Processing) -> None:
        self._processing = processing

    def __call__(self) -> ChunkTask:
        """Make one."""
        return ChunkTask(self._processing)
