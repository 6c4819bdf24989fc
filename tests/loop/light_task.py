"""A task that loads nothing itself, to see what is there."""

from __future__ import annotations

import sys


class ModulesTask:
    """Tells what was loaded in its process before it began."""

    def start(self, worker):
        self.loaded = [name for name in ("av", "cv2", "onnxruntime") if name in sys.modules]

    def start_video(self, video):
        pass

    def run(self, job, frames):
        for _ in frames:
            pass
        return self.loaded


class LargeResultTask:
    """Gives more than a socket holds."""

    def start(self, worker):
        pass

    def start_video(self, video):
        pass

    def run(self, job, frames):
        return [frame.index for frame in frames], bytes(20_000_000)
