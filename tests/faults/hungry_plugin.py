"""A plugin that takes the memory away from the worker that comes to the fourth frame: FACE_MIRROR_HUNGRY=FOLDER:HOW."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

from face_mirror_hooks import hookimpl

VARIABLE = "FACE_MIRROR_HUNGRY"
_eaten = []


class FirstWorker:
    """The first worker there; who does the frame again has memory."""

    @hookimpl(tryfirst=True)
    def detect_faces(self, frame):
        folder, how = os.environ[VARIABLE].rsplit(":", 1)
        if frame.index == 3:
            try:
                (Path(folder) / "taken").touch(exist_ok=False)
            except FileExistsError:
                return
            globals()[how]()


class EveryWorker:
    """Whoever comes to the frame."""

    @hookimpl(tryfirst=True)
    def detect_faces(self, frame):
        if frame.index == 3:
            globals()[os.environ[VARIABLE].rsplit(":", 1)[1]]()


def limit():
    """No more memory than there is now, and none of that free."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    size = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    for size in (1 << 20, 1 << 16, 1 << 12):
        with suppress(MemoryError):
            while True:
                _eaten.append(bytearray(size))


def kill():
    """As the system does when it has no more memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def refuse():
    """As Python does."""
    raise MemoryError
