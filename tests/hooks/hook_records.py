"""One of each record."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from face_mirror_hooks.records import (
    Detection,
    Face,
    Frame,
    FrameResult,
    Located,
    OnlineValues,
    PluginFailure,
    SessionInfo,
    VideoInfo,
    VideoSummary,
    View,
    ViewResult,
    WorkerInfo,
    WorkerLoss,
)
from face_mirror_hooks.testing import sample_images, sample_landmarks

POINTS = sample_landmarks(80, 60, 60)
BOX = np.array([50, 30, 110, 90], np.float32)

SESSION = SessionInfo((View.ORIGINAL, View.LEFT_MIRRORED), ("clip",), 2, "fork")
VIDEO = VideoInfo(0, Path("clip.mp4"), "clip", 160, 120, Fraction(30000, 1001), 3)
SUMMARY = VideoSummary(3, {"no face found": 1}, ("a worker was lost",))
WORKER = WorkerInfo(1, 4711, "coreml")
LOSS = WorkerLoss(WORKER, "died", -11, (30, 59), "replaced on CPU")
FAILURE = PluginFailure("p", "describe_face", "ValueError: no")
FRAME = Frame(7, 0.28, sample_images(1)[0])
DETECTION = Detection(BOX, 0.9, np.zeros((5, 2), np.float32))
LOCATED = Located(POINTS, 0.8, np.zeros((478, 3), np.float32))
FACE = Face(BOX, 0.9, POINTS, "pfld")
VIEW_RESULT = ViewResult(View.ORIGINAL, FACE, True, 0.9, "", {"p": FAILURE})
RESULT = FrameResult(7, 0.28, (VIEW_RESULT, ViewResult(View.LEFT_MIRRORED, None, False, 0.0, "no face found")), crowd=True)
VALUES = OnlineValues(np.zeros(51), np.zeros(18), np.arange(51.0))

ONE_OF_EACH = (SESSION, VIDEO, SUMMARY, WORKER, LOSS, FAILURE, FRAME, DETECTION, LOCATED, FACE, VIEW_RESULT, RESULT, VALUES)
