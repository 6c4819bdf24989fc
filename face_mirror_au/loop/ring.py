"""Frames in shared memory: a few blocks, each for one chunk of frames, used in turn.

A block has no name that could outlive its processes: its file descriptor goes to the workers over their sockets. Windows, which has no
such thing, has named blocks, which end with their last handle.
"""

from __future__ import annotations

import itertools
import mmap
import os
import sys
import tempfile
from math import prod
from multiprocessing import reduction
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Protocol

import numpy as np

from face_mirror_au.loop.messages import AttachBlock, FrameRef, send
from face_mirror_au.records import Frame, Image

_ALIGNMENT = 64  # of a frame's first pixel: a cache line
_NO_PICTURE = (0, 0, 3)

_ids = itertools.count()


class Memory(Protocol):
    """Shared memory as one process sees it."""

    buffer: memoryview

    def close(self) -> None:
        """Let go of it."""


class OwnMemory(Memory, Protocol):
    """Shared memory in the process that made it."""

    def send(self, connection: Connection, block: int, pid: int) -> None:
        """Give it to another process."""


class AnonymousMemory:
    """Memory behind a file descriptor without a name.

    Parameters
    ----------
    descriptor : int
        Owned from here on.
    size : int
        Bytes.
    """

    def __init__(self, descriptor: int, size: int, *, writable: bool) -> None:
        self.descriptor = descriptor
        self._map = mmap.mmap(descriptor, size, access=mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ)
        self.buffer = memoryview(self._map)

    @classmethod
    def create(cls, size: int) -> AnonymousMemory:
        """Make new memory."""
        return cls(_anonymous_descriptor(size), size, writable=True)

    @classmethod
    def attach(cls, descriptor: int, size: int) -> AnonymousMemory:
        """Map what another process made, for reading; the map keeps what it needs of the descriptor."""
        memory = cls(descriptor, size, writable=False)
        memory._close_descriptor()
        return memory

    def send(self, connection: Connection, block: int, pid: int) -> None:
        """Give it to another process."""
        send(connection, AttachBlock(block, len(self.buffer), None))
        reduction.send_handle(connection, self.descriptor, pid)

    def close(self) -> None:
        """Unmap, as soon as no array looks at it any more."""
        self._close_descriptor()
        try:
            self.buffer.release()
            self._map.close()
        except BufferError:  # an array still looks at it: its end is the map's
            pass

    def _close_descriptor(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class NamedMemory:
    """Memory with a name, for systems where a descriptor cannot be sent (Windows: the name goes with the last handle).

    Parameters
    ----------
    owner : bool
        True in the process that made it.
    """

    def __init__(self, memory: SharedMemory, *, owner: bool) -> None:
        self._memory = memory
        self._owner = owner
        if memory.buf is None:
            raise ValueError("the shared memory is closed")
        self.buffer: memoryview = memory.buf if owner else memory.buf.toreadonly()

    @classmethod
    def create(cls, size: int) -> NamedMemory:
        """Make new memory."""
        return cls(SharedMemory(create=True, size=size), owner=True)

    @classmethod
    def attach(cls, name: str) -> NamedMemory:
        """Map what another process made, for reading."""
        return cls(SharedMemory(name=name), owner=False)

    def send(self, connection: Connection, block: int, pid: int) -> None:  # noqa: ARG002  (as in AnonymousMemory)
        """Give it to another process."""
        send(connection, AttachBlock(block, self._memory.size, self._memory.name))

    def close(self) -> None:
        """Unmap, as soon as no array looks at it any more."""
        if self._owner:
            self._memory.unlink()  # does nothing on Windows
        try:
            self.buffer.release()
            self._memory.close()
        except BufferError:
            pass


def attach_memory(message: AttachBlock, connection: Connection) -> Memory:
    """Map the block of a message; its descriptor comes next on the connection."""
    if message.name is not None:
        return NamedMemory.attach(message.name)
    return AnonymousMemory.attach(reduction.recv_handle(connection), message.size)


def picture(memory: Memory, frame: FrameRef) -> Image:
    """A frame's pixels where they lie, (H, W, 3) uint8; read-only where the memory is."""
    # Not np.ndarray(buffer=...): that does not keep the memory from being unmapped.
    pixels: Image = np.frombuffer(memory.buffer, np.uint8, count=prod(frame.shape), offset=frame.offset)
    return pixels.reshape(frame.shape)


class Block:
    """The frames of one chunk, in shared memory. Frames may differ in size.

    Parameters
    ----------
    size : int
        Bytes to begin with; it grows as needed.

    Attributes
    ----------
    number : int
        Another one whenever the memory is another.
    """

    def __init__(self, size: int, *, named: bool) -> None:
        self._named = named
        self._used = 0
        self._allocate(size)

    def _allocate(self, size: int) -> None:
        self.number = next(_ids)
        self._memory: OwnMemory = NamedMemory.create(size) if self._named else AnonymousMemory.create(size)

    @property
    def size(self) -> int:
        """Bytes of the memory."""
        return len(self._memory.buffer)

    def clear(self) -> None:
        """Begin a new chunk."""
        self._used = 0

    def append(self, frame: Frame, room_for: int) -> FrameRef:
        """Copy a frame into the block.

        Parameters
        ----------
        frame : Frame
            Its image valid, or of no pixel.
        room_for : int
            How many more frames are to come, this one included: so much is made at once when the block must grow.
        """
        if frame.image.size == 0:
            return FrameRef(frame.index, frame.time_s, 0, _NO_PICTURE, frame.problem)
        step = -(-frame.image.nbytes // _ALIGNMENT) * _ALIGNMENT
        if self._used + step > self.size:
            self._grow(self._used + step * max(room_for, 1))
        height, width, _ = frame.image.shape
        reference = FrameRef(frame.index, frame.time_s, self._used, (height, width, 3), frame.problem)
        picture(self._memory, reference)[...] = frame.image
        self._used += step
        return reference

    def _grow(self, size: int) -> None:
        old = self._memory
        self._allocate(size)
        self._memory.buffer[: self._used] = old.buffer[: self._used]
        old.close()

    def send(self, connection: Connection, pid: int) -> None:
        """Give it to a worker."""
        self._memory.send(connection, self.number, pid)

    def close(self) -> None:
        """Let go of the memory."""
        self._memory.close()


class FrameRing:
    """The blocks of one video.

    Parameters
    ----------
    blocks : int
        How many there are at most: the bound on memory.
    named : bool
        Use named memory; by default only where there is nothing else.
    """

    def __init__(self, blocks: int, *, named: bool = sys.platform == "win32") -> None:
        self._most = blocks
        self._named = named
        self._blocks: list[Block] = []
        self._free: list[Block] = []

    @property
    def has_room(self) -> bool:
        """Whether `take` has a block to give."""
        return bool(self._free) or len(self._blocks) < self._most

    @property
    def bytes(self) -> int:
        """Shared memory in use."""
        return sum(block.size for block in self._blocks)

    def take(self, size: int) -> Block:
        """Take a block, empty; a new one begins with `size` bytes."""
        if not self._free:
            block = Block(max(size, mmap.PAGESIZE), named=self._named)
            self._blocks.append(block)
            return block
        block = self._free.pop()
        block.clear()
        return block

    def give_back(self, block: Block) -> None:
        """Its frames are no longer needed."""
        self._free.append(block)

    def close(self) -> None:
        """Let go of all memory."""
        for block in self._blocks:
            block.close()
        self._blocks.clear()
        self._free.clear()


def _anonymous_descriptor(size: int) -> int:
    if sys.platform == "linux":
        descriptor = os.memfd_create("face-mirror-au-frames", os.MFD_CLOEXEC)
        os.ftruncate(descriptor, size)
        return descriptor
    try:
        return unlinked_descriptor(size)
    except (OSError, AttributeError):
        return _file_descriptor(size)


def unlinked_descriptor(size: int) -> int:
    """Make POSIX shared memory whose name is gone at once (macOS, which has no memfd)."""
    memory = SharedMemory(create=True, size=size)
    try:
        return os.dup(memory._fd)  # type: ignore[attr-defined]  # noqa: SLF001  (no public way to it)
    finally:
        memory.unlink()
        memory.close()


def _file_descriptor(size: int) -> int:
    """Make a file without a name: the last resort, for the system may write it to disk."""
    with tempfile.TemporaryFile(prefix="face-mirror-au-") as file:
        file.truncate(size)
        return os.dup(file.fileno())
