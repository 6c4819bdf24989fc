"""A worker as the parent sees it: its process, what it works on, and how it is spoken to."""

from __future__ import annotations

import os
import socket
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass, field, replace

from face_mirror_au.loop.launch import Launched
from face_mirror_au.loop.messages import DropBlocks, FrameRef, Job, send
from face_mirror_au.loop.ring import Block
from face_mirror_hooks.records import WorkerInfo


@dataclass(slots=True)
class Worker:
    """A worker process.

    Attributes
    ----------
    ready : bool
        Its task has started.
    job : Job or None
        What it works on.
    frame : int or None
        The frame of it that it began last.
    silent_s : float
        How long nothing was heard of it while it should be working.
    blocks : dict of int to Block
        The shared memory that it has mapped.
    """

    number: int
    device: str
    process: Launched
    ready: bool = False
    job: Job | None = None
    frame: int | None = None
    silent_s: float = 0.0
    blocks: dict[int, Block] = field(default_factory=dict)

    @property
    def info(self) -> WorkerInfo:
        """As plugins know it."""
        return WorkerInfo(self.number, self.process.pid, self.device)

    @property
    def idle(self) -> bool:
        """Whether it can be given a job."""
        return self.ready and self.job is None

    def give(self, job: Job, block: Block, frames: tuple[FrameRef, ...]) -> None:
        """Send it a job, with `frames` in place of the job's own, and its block of shared memory where it does not have that yet.

        Raises
        ------
        OSError
            It cannot be reached.
        """
        self.job, self.frame, self.silent_s = job, None, 0.0
        connection = self.process.connection
        outdated = tuple(number for number, known in self.blocks.items() if known.number != number)
        if outdated:
            send(connection, DropBlocks(outdated))
            for number in outdated:
                del self.blocks[number]
        if block.number not in self.blocks:
            block.send(connection, self.process.pid)
            self.blocks[block.number] = block
        send(connection, replace(job, frames=frames))

    def tell(self, message: object) -> None:
        """Send it a message. One that cannot be reached is noticed, and replaced, when it is next listened to."""
        with suppress(OSError):
            send(self.process.connection, message)

    def drop_blocks(self) -> None:
        """Have it let go of all shared memory."""
        if self.blocks:
            self.tell(DropBlocks(tuple(self.blocks)))
            self.blocks.clear()

    def limit_waits(self, seconds: float) -> None:
        """Raise `BlockingIOError` when it stops in the middle of a message for so long, where the parent would wait for ever."""
        if sys.platform == "win32":
            return
        limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))  # struct timeval
        with socket.socket(fileno=os.dup(self.process.connection.fileno())) as handle:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
