"""A sample plugin: one line for each call of a hook, with the process that it ran in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from face_mirror_hooks import hookimpl
from face_mirror_hooks.records import (
    Face,
    Frame,
    FrameResult,
    OnlineValues,
    SessionInfo,
    VideoInfo,
    VideoSummary,
    View,
    WorkerInfo,
    WorkerLoss,
)

FILE_VARIABLE = "FACE_MIRROR_LOG"


class LogPlugin:
    """Appends ``<process id> <hook> <what>`` to a file, from any process. Takes no part in anything.

    Parameters
    ----------
    path : Path, optional
        The file; else the environment variable FACE_MIRROR_LOG names it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    def _write(self, hook: str, what: object) -> None:
        # One write of one line to a file opened for appending: lines of several processes do not mix.
        line = f"{os.getpid()} {hook} {what}\n".encode()
        handle = os.open(self._path or os.environ[FILE_VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)

    @hookimpl
    def before_session(self, session: SessionInfo) -> None:
        self._write("before_session", " ".join(session.labels))

    @hookimpl
    def after_session(self, session: SessionInfo) -> None:
        self._write("after_session", " ".join(session.labels))

    @hookimpl
    def before_video(self, video: VideoInfo) -> None:
        self._write("before_video", video.label)

    @hookimpl
    def after_video(self, video: VideoInfo, summary: VideoSummary) -> None:
        self._write("after_video", f"{video.label} {summary.frames}")

    @hookimpl
    def on_video_error(self, video: VideoInfo, reason: str) -> None:
        self._write("on_video_error", f"{video.label} {reason}")

    @hookimpl
    def after_worker_start(self, worker: WorkerInfo) -> None:
        self._write("after_worker_start", f"{worker.number} {worker.device}")

    @hookimpl
    def before_video_in_worker(self, video: VideoInfo) -> None:
        self._write("before_video_in_worker", video.label)

    @hookimpl(tryfirst=True)
    def detect_faces(self, frame: Frame) -> None:
        self._write("detect_faces", frame.index)

    @hookimpl(tryfirst=True)
    def locate_landmarks(self, frame: Frame, view: View) -> None:
        self._write("locate_landmarks", f"{frame.index} {view.value}")

    @hookimpl
    def describe_face(self, frame: Frame, face: Face, view: View) -> None:
        self._write("describe_face", f"{frame.index} {view.value} {face.source}")

    @hookimpl
    def after_frame(self, result: FrameResult) -> None:
        self._write("after_frame", result.index)

    @hookimpl
    def after_values(self, frame: FrameResult, values: Mapping[View, OnlineValues]) -> None:
        self._write("after_values", f"{frame.index} {' '.join(view.value for view in values)}")

    @hookimpl
    def after_result(self, folder: Path) -> None:
        self._write("after_result", folder.is_dir())

    @hookimpl
    def on_frame_error(self, index: int, reason: str) -> None:
        self._write("on_frame_error", f"{index} {reason}")

    @hookimpl
    def on_worker_lost(self, loss: WorkerLoss) -> None:
        self._write("on_worker_lost", f"{loss.worker.number} {loss.reason} {loss.next_step}")

    @hookimpl
    def draw_overlay(self, result: FrameResult) -> None:
        self._write("draw_overlay", result.index)
