"""Cameras and clocks for tests of live sessions: nothing in them depends on how fast the machine is."""

from __future__ import annotations

import threading

import numpy as np

from face_mirror_au.records import Frame


def picture(index):
    return Frame(index, index / 30, np.full((4, 4, 3), index % 256, np.uint8))


class FakeClock:
    """A clock that stands still but for `wait`, which is also how a stop event waits."""

    def __init__(self, now=1000.0):
        self.now = now
        self.waits = []

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.waits.append(seconds)
        self.now += seconds
        return False

    def is_set(self):
        return False


class ScriptedCamera:
    """Gives pictures, raises what stands among them, and waits where a threading.Event does."""

    name, width, height, rate = "scripted", 4, 4, None

    def __init__(self, *script):
        self.script = list(script)
        self.problems = []
        self.closed = threading.Event()

    def read(self, stop):
        while self.script:
            item = self.script.pop(0)
            if isinstance(item, threading.Event):
                assert item.wait(10), "the test forgot to go on"
            elif isinstance(item, Exception):
                raise item
            else:
                return item
        return None

    def close(self):
        self.closed.set()
