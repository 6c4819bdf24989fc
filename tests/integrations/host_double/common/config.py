"""What the double shall do: a JSON file that the test wrote."""

import json
import os
import threading
from pathlib import Path

JOB = json.loads(Path(os.environ["HOST_DOUBLE_JOB"]).read_text())
LANDMARK_DETECTOR = JOB.get("detector", "own")
WINDOW_CLOSED = threading.Event()
VIDEO = 0


def now(what, index):
    """Whether this frame is one of those that the test named: by number, or, in a session, by video and number."""
    named = JOB.get(what, [])
    return index in named or [VIDEO, index] in named
