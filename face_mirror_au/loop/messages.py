"""What parent and worker say to each other: small records, pickled."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any


@dataclass(frozen=True, slots=True)
class FrameRef:
    """A frame whose pixels lie in shared memory.

    Attributes
    ----------
    offset : int
        Bytes from the block's start to the first pixel.
    shape : (int, int, int)
        Height, width, 3; (0, 0, 3) where there is no picture.
    """

    index: int
    time_s: float
    offset: int
    shape: tuple[int, int, int]
    problem: str | None


@dataclass(frozen=True, slots=True)
class StartTask:
    """To a new worker: who it is and what it does."""

    number: int
    device: str
    factory: bytes


@dataclass(frozen=True, slots=True)
class OpenVideo:
    """To a worker: the jobs that follow are of this video."""

    video: object


@dataclass(frozen=True, slots=True)
class AttachBlock:
    """To a worker: a block of shared memory; its file descriptor follows, unless it has a name."""

    block: int
    size: int
    name: str | None


@dataclass(frozen=True, slots=True)
class DropBlocks:
    """To a worker: these blocks are no longer used."""

    blocks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """To a worker: one piece of work.

    Attributes
    ----------
    number : int
        Given by `WorkerPool.submit`.
    work : object
        Goes to `WorkerTask.run`.
    block : int
        Number of the block in which the frames lie. It must not change until the job is done or abandoned.
    frames : tuple of FrameRef
        At least one.
    """

    number: int
    work: object
    block: int
    frames: tuple[FrameRef, ...]

    @property
    def span(self) -> tuple[int, int]:
        """Index of the first and of the last frame."""
        return self.frames[0].index, self.frames[-1].index


@dataclass(frozen=True, slots=True)
class Ready:
    """From a worker: its task has started."""


@dataclass(frozen=True, slots=True)
class AtFrame:
    """From a worker: work on this frame begins."""

    index: int


@dataclass(frozen=True, slots=True)
class Finished:
    """From a worker, and to whoever waits for the job: what it gave."""

    number: int
    result: object


@dataclass(frozen=True, slots=True)
class Failed:
    """From a worker: the task raised.

    Attributes
    ----------
    doing : str
        What it was asked to do.
    error : Exception or None
        Ours, to be raised again in the parent; None for any other.
    text : str
        Class and message of the exception.
    """

    doing: str
    error: Exception | None
    text: str
    traceback: str


def send(connection: Connection, message: object) -> None:
    """Send one message."""
    connection.send_bytes(pickle.dumps(message, protocol=5))


def receive(connection: Connection) -> Any:
    """Wait for one message.

    Raises
    ------
    EOFError, OSError
        The other side is gone.
    """
    return pickle.loads(connection.recv_bytes())  # noqa: S301  (from our own processes only)
