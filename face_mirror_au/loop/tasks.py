"""What a worker does, as the machinery around it sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from face_mirror_au.errors import FaceMirrorAUError
from face_mirror_hooks.records import Frame, WorkerInfo


class WorkerError(FaceMirrorAUError):
    """Worker processes cannot be started, or one failed in a way that another try would not mend."""


class WorkerTask(Protocol):
    """Lives in a worker process, from its start to its end; videos and jobs come and go."""

    def start(self, worker: WorkerInfo) -> None:
        """Make what must be made after the fork, models above all."""

    def start_video(self, video: object) -> None:
        """Hear of a new video, before its first job."""

    def run(self, job: object, frames: Iterator[Frame]) -> object:
        """Do one job.

        Parameters
        ----------
        job : object
            As it was submitted.
        frames : iterator of Frame
            The job's frames, in order. Taking one tells the parent that work on it begins: a worker that dies or hangs does so on the
            frame that was taken last. Pictures are read-only views of shared memory, valid until `run` returns.

        Returns
        -------
        object
            Goes to the parent by pickle.
        """


TaskFactory = Callable[[], WorkerTask]
"""Makes the task, in the worker. It goes there by pickle: a class or function of a module, or an object with `__call__`."""
