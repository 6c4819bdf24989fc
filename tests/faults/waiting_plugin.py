"""A plugin that waits: at a frame, or when a video has failed. It says so by a file, so that nobody has to guess when."""

from __future__ import annotations

import os
import time
from pathlib import Path

from face_mirror_hooks import hookimpl

FOLDER = "FACE_MIRROR_WAITING"


class AtFrame:
    """Waits at the fifth frame, in the parent process."""

    @hookimpl
    def after_frame(self, result):
        if result.index == 4:
            _wait("frame")


class WhenStopped(AtFrame):
    """And again when the video is given up."""

    @hookimpl
    def on_video_error(self, video, reason):
        _wait("stopped")


def _wait(name):
    Path(os.environ[FOLDER], name).touch()
    deadline = time.monotonic() + 250
    while time.monotonic() < deadline:
        time.sleep(0.01)
