"""Stand-ins for `open_session` that behave as badly as execution providers do. A module of its own: spawned children import it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

CPU_S = 0.004
FASTER_S, SLOWER_S = 0.001, 0.008


class Session:
    """Doubles its input; `before` is called with the number of the inference."""

    def __init__(self, seconds: float, offset: float = 0.0, before=lambda number: None) -> None:
        self.seconds, self.offset, self.before = seconds, offset, before
        self.number = 0

    def run(self, **inputs):
        self.number += 1
        self.before(self.number)
        time.sleep(self.seconds)
        return [inputs["input"] * 2 + np.float32(self.offset)]


def crash(*_) -> None:
    print("half a crash report", flush=True)
    print("the other half", file=sys.stderr, flush=True)
    os.write(2, b"*** from native code ***\n")
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(*_) -> None:
    time.sleep(60)


def is_forked() -> bool:
    return "face_mirror_au.devices.probe" in sys.modules  # the parent's module; a spawned child has only probe_child


def _factory(on_device):
    def open_session(path: Path, *, device: str, **_):
        with path.with_suffix(".log").open("a") as log:
            log.write(f"{device} {'fork' if is_forked() else 'spawn'}\n")
        return Session(CPU_S) if device == "cpu" else on_device()

    return open_session


def raising():
    raise RuntimeError("the provider says no\nand more lines")


def only_spawned():
    if is_forked():
        crash()
    return Session(FASTER_S)


def only_forked():
    if not is_forked():
        crash()
    return Session(FASTER_S)


faster = _factory(lambda: Session(FASTER_S))
slower = _factory(lambda: Session(SLOWER_S))
wrong = _factory(lambda: Session(FASTER_S, offset=0.5))
nearly_right = _factory(lambda: Session(FASTER_S, offset=0.001))
not_a_number = _factory(lambda: Session(FASTER_S, offset=float("nan")))
crashes_when_loaded = _factory(crash)
crashes_first = _factory(lambda: Session(FASTER_S, before=crash))
crashes_later = _factory(lambda: Session(FASTER_S, before=lambda number: crash() if number == 15 else None))
hangs = _factory(lambda: Session(FASTER_S, before=hang))
raises = _factory(raising)
exits = _factory(lambda: os._exit(3))
crashes_forked = _factory(only_spawned)
crashes_spawned = _factory(only_forked)


def crashes_forked_if_second(path: Path, *, device: str, **rest):
    return (crashes_forked if path.stem == "second" else faster)(path, device=device, **rest)


def crashes_if_second(path: Path, *, device: str, **rest):
    return (crashes_first if path.stem == "second" else faster)(path, device=device, **rest)


def all_devices(_job) -> list[str]:
    return ["cpu", "coreml"]


def cuda_here(_job) -> list[str]:
    return ["cpu", "cuda"]


def cpu_only(_job) -> list[str]:
    return ["cpu"]


def dies_when_asked(_job) -> list[str]:
    crash()
    return []
