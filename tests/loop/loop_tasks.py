"""What the tests' workers do. Importable, for it goes to them by pickle."""

from __future__ import annotations

import faulthandler
import hashlib
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_mirror_au.errors import ModelRunError
from face_mirror_au.pipeline.track import TrackState
from face_mirror_hooks.records import Face, Frame, FrameResult, Located, View, ViewResult

FORK_IF_THERE = "fork" if hasattr(os, "fork") else "spawn"


def frames_of(count, height=48, width=64, seed=0):
    """Frames of noise, each another."""
    random = np.random.default_rng(seed)
    return [Frame(index, index / 30, random.integers(0, 256, (height, width, 3), dtype=np.uint8)) for index in range(count)]


@dataclass(frozen=True)
class FakeChunkResult:
    """As `ChunkResult`, with a rule of its own: what was assumed matters up to its last digit."""

    results: tuple[FrameResult, ...]
    start: TrackState
    end: TrackState
    pid: int

    def holds_from(self, state):
        return place(self.start) % 2 == place(state) % 2


FACE = Face(np.zeros(4, np.float32), 1.0, np.zeros((68, 2), np.float32), "fake")


def place(state):
    return 0 if state.near is None else int(state.near.landmarks[0, 0])


@dataclass(frozen=True)
class Trouble:
    """What goes wrong, in the worker.

    Attributes
    ----------
    frames : tuple of int
        Where; frames of index -1 stand for the task's start.
    kind : str
        "segfault", "exit", "hang", "stop", "raise" or "memory".
    device : str or None
        Only there.
    once : Path or None
        Only as long as this file is not there.
    after : int or None
        Instead of `frames`: at so many frames after the worker's start.
    """

    frames: tuple[int, ...] = ()
    kind: str = "segfault"
    device: str | None = None
    once: Path | None = None
    after: int | None = None

    def strike(self, index, seen, device):
        here = index in self.frames or (self.after is not None and seen == self.after)
        if not here or self.device not in {None, device}:
            return
        if self.once is not None:
            if self.once.exists():
                return
            self.once.touch()
        self._now()

    def _now(self):
        faulthandler.disable()
        if self.kind == "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif self.kind == "exit":
            os._exit(3)
        elif self.kind == "hang":
            threading.Event().wait()
        elif self.kind == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif self.kind == "raise":
            raise ModelRunError("this model is no model")
        elif self.kind == "memory":
            raise MemoryError


@dataclass(frozen=True)
class FakeFactory:
    """Makes `FakeTask`s."""

    trouble: Trouble | None = None
    frame_s: float = 0.0
    slow_first_s: float = 0.0
    log: Path | None = None

    def __call__(self):
        return FakeTask(self)


class FakeTask:
    """Sums each frame up; the result of a frame depends on the frames before it, as tracking does."""

    def __init__(self, settings):
        self.settings = settings
        self.seen = 0
        self.worker = None

    def start(self, worker):
        self.worker = worker
        self._strike(-1)

    def start_video(self, video):
        if self.settings.log is not None:
            with self.settings.log.open("a") as log:
                log.write(f"{os.getpid()} {video}\n")

    def run(self, job, frames):
        state, results = job, []
        value = place(state) % 2
        for frame in frames:
            if frame.problem is not None:
                results.append(FrameResult.without_face(frame, (View.ORIGINAL,), frame.problem, error=frame.problem))
                continue
            self.seen += 1
            self._strike(frame.index)
            assert not frame.image.flags.writeable
            time.sleep(self.settings.frame_s + (self.settings.slow_first_s if frame.index == 0 else 0.0))
            digest = hashlib.sha256(frame.image.tobytes() + bytes([value])).digest()
            value = digest[0]
            results.append(FrameResult(frame.index, frame.time_s, (ViewResult(View.ORIGINAL, FACE, True, 1.0, digest.hex()),)))
        end = TrackState(Located(np.full((68, 2), value, np.float32), 1.0), lost=False)
        return FakeChunkResult(tuple(results), state, end, os.getpid())

    def _strike(self, index):
        if self.settings.trouble is not None:
            self.settings.trouble.strike(index, self.seen, self.worker.device)


def expected(frames, length, factory=FakeFactory()):
    """What a run must give: one chunk after the other, in this process."""
    task = factory()
    state, results = TrackState(), []
    for start in range(0, len(frames), length):
        chunk = [read_only(frame) for frame in frames[start : start + length]]
        result = task.run(state, iter(chunk))
        results.extend(result.results)
        state = result.end
    return results


def essence(results):
    """What can be compared."""
    return [(result.index, result.time_s, result.error, *(view.reason for view in result.views)) for result in results]


def read_only(frame):
    frame.image.flags.writeable = False
    return frame


def names_in(folder):
    """What lies in a folder; nothing where there is none."""
    folder = Path(folder)
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def shared_memory_names():
    """Blocks of shared memory with a name, of all programs."""
    return names_in("/dev/shm")  # noqa: S108  (not to write there)
