"""Faults of files, put into a Python process: what it does to files below a folder is counted, and fails, or kills it, at a step of choice.

For child processes of the tests. It reaches everything that goes through Python's own files; FFmpeg's output does.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import os
import pathlib
import signal
import sys
import threading
from collections.abc import Callable

# What needs space on the disk. On a full one everything else goes on as usual: renaming, removing, closing.
_SPACE = frozenset({"create", "write", "mkdir"})


class FileFaults:
    """Steps are numbered from 1, in the process that made this; its forks go undisturbed.

    Parameters
    ----------
    folder : Path
        What lies in it is watched.
    imports : bool
        Modules that are imported are steps, too: a process that starts does little else.

    Attributes
    ----------
    steps : list of (str, str)
        What was done and to which file.
    on_step : callable
        Called before each step with its number, kind and file; it may raise.
    """

    def __init__(self, folder: pathlib.Path, *, imports: bool = False) -> None:
        self._folder = f"{folder}{os.sep}"
        self._process = os.getpid()
        self.steps: list[tuple[str, str]] = []
        self.on_step: Callable[[int, str, str], None] = lambda *_: None
        self._inside = threading.local()
        self._patch()
        if imports:
            sys.addaudithook(lambda event, details: self._take("import", str(details[0])) if event == "import" else None)

    def step(self, kind: str, target: object) -> None:
        """Take note of a step, if it is to be watched."""
        path = _path_of(target)
        if path is not None and f"{path}{os.sep}".startswith(self._folder):
            self._take(kind, path[len(self._folder) :] or ".")

    def _take(self, kind: str, name: str) -> None:
        if os.getpid() != self._process or getattr(self._inside, "busy", False):
            return
        self.steps.append((kind, name))
        self._inside.busy = True
        try:
            self.on_step(len(self.steps), kind, name)
        finally:
            self._inside.busy = False

    def fail_at(self, number: int, code: int) -> None:
        """Let step `number` fail; when it needs space, all later ones that need some, too, as on a disk that is full."""
        first: list[str] = []

        def fail(step: int, kind: str, _name: str) -> None:
            if step == number:
                first.append(kind)
            if step == number or (step > number and first[0] in _SPACE and kind in _SPACE):
                raise OSError(code, os.strerror(code))

        self.steps.clear()
        self.on_step = fail

    def signal_at(self, number: int, delay_s: float, signal_number: int) -> None:
        """Send this process a signal `delay_s` after the beginning of step `number`; Ctrl-C to its children, too, as a terminal does."""
        to_all = signal_number == signal.SIGINT

        def send(step: int, _kind: str, _name: str) -> None:
            if step != number:
                return
            kill, target = (os.killpg, os.getpgrp()) if to_all else (os.kill, self._process)
            if delay_s:
                threading.Timer(delay_s, kill, (target, signal_number)).start()
            else:
                kill(target, signal_number)

        self.on_step = send

    def _patch(self) -> None:
        faults, real_open, file_of = self, io.open, _file_class(self.step)

        def opening(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
            if not set(mode) & set("wax+"):
                return real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
            if not isinstance(file, int):
                faults.step("create", file)
            raw = file_of(file, mode.replace("b", "").replace("t", ""), closefd, opener)
            if buffering == 0:
                return raw
            buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

        for module in (builtins, io):
            module.open = opening
        for name, kind in (("mkdir", "mkdir"), ("fsync", "fsync"), ("rename", "rename"), ("replace", "rename")):
            setattr(os, name, self._stepping(getattr(os, name), kind))
        os.open, os.close = self._os_open(os.open), self._os_close(os.close)
        for name in ("write", "sendfile"):
            setattr(os, name, self._stepping(getattr(os, name), "write"))
        if sys.version_info < (3, 11):  # pathlib kept functions of its own
            for name in ("mkdir", "rename", "replace", "open"):
                setattr(pathlib._NormalAccessor, name, staticmethod(opening if name == "open" else getattr(os, name)))

    def _stepping(self, function, kind):
        def stepping(target, *args, **kwargs):
            self.step(kind, target)
            return function(target, *args, **kwargs)

        return stepping

    def _os_open(self, function):
        def stepping(path, flags, *args, **kwargs):
            if flags & os.O_CREAT:
                self.step("create", path)
            return function(path, flags, *args, **kwargs)

        return stepping

    def _os_close(self, function):
        def stepping(descriptor):
            try:
                if _is_written(descriptor):
                    self.step("close", descriptor)
            finally:  # as on a network drive that tells of its quota at the end
                function(descriptor)

        return stepping


def _file_class(step: Callable[[str, object], None]) -> type[io.FileIO]:
    class File(io.FileIO):
        def write(self, data):
            step("write", self.fileno())
            return super().write(data)

        def close(self):
            try:
                if not self.closed and self.writable():
                    step("close", self.fileno())
            finally:
                super().close()

    return File


def _is_written(descriptor: int) -> bool:
    try:
        return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
    except OSError:
        return False


def _path_of(target: object) -> str | None:
    if isinstance(target, int):
        try:
            return os.readlink(f"/proc/self/fd/{target}")  # noqa: PTH115  (pathlib is what is patched)
        except OSError:
            return None
    return os.path.abspath(os.fsdecode(target))  # type: ignore[arg-type]  # noqa: PTH100  (pathlib is what is patched)


def is_full(number: int) -> int:
    """The error of step `number`: a full disk and a used-up quota in turn."""
    return errno.EDQUOT if number % 2 else errno.ENOSPC
