"""The hooks: one function each. The first word says in which process a hook runs; docs/hooks.md has order, rate and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from face_mirror_hooks.markers import hookspec
from face_mirror_hooks.records import (
    Detection,
    Face,
    Frame,
    FrameResult,
    Image,
    Located,
    OnlineValues,
    SessionInfo,
    VideoInfo,
    VideoSummary,
    View,
    WorkerInfo,
    WorkerLoss,
)


@hookspec
def before_session(session: SessionInfo) -> None:
    """Parent: a run starts, before its first video."""


@hookspec
def after_session(session: SessionInfo) -> None:
    """Parent: a run ends, however it ends."""


@hookspec
def before_video(video: VideoInfo) -> None:
    """Parent: a video starts, before its first frame."""


@hookspec
def after_video(video: VideoInfo, summary: VideoSummary) -> None:
    """Parent: a video ended well, after its last frame."""


@hookspec
def after_result(folder: Path, metadata: Mapping[str, object]) -> None:
    """Parent: all files of a video's result are in their place."""


@hookspec
def on_video_error(video: VideoInfo, reason: str) -> None:
    """Parent: in place of `after_video`, when the video or this plugin failed."""


@hookspec
def after_worker_start(worker: WorkerInfo) -> None:
    """Worker: the process is there, before its first frame. Models are loaded here."""


@hookspec
def before_video_in_worker(video: VideoInfo) -> None:
    """Worker: this process will get frames of that video."""


@hookspec(firstresult=True)
def detect_faces(frame: Frame) -> Sequence[Detection] | None:
    """Worker: all faces of the frame; empty when there is none, None to leave it to the next plugin."""


@hookspec(firstresult=True)
def locate_landmarks(frame: Frame, view: View, near: Detection | Located) -> Located | None:
    """Worker: the landmarks of the face at `near` in that view's picture; None to leave it to the next plugin."""


@hookspec
def describe_face(frame: Frame, face: Face, view: View) -> object | None:
    """Worker: whatever the plugin wants to know of this face, as an object that can be pickled."""


@hookspec
def after_frame(result: FrameResult) -> None:
    """Parent: a frame is done; strictly in order, every frame once, failed ones too."""


@hookspec
def after_values(frame: FrameResult, values: Mapping[View, OnlineValues]) -> None:
    """Parent: the frame's action units are predicted; in order, after its `after_frame`."""


@hookspec
def on_frame_error(index: int, time_s: float, reason: str) -> None:
    """Parent: a frame could not be processed; in order, before its `after_frame`."""


@hookspec
def on_worker_lost(loss: WorkerLoss) -> None:
    """Parent: a worker died or hung, and this happens next."""


@hookspec
def draw_overlay(canvas: Image, result: FrameResult) -> None:
    """Parent: draw on a copy of the original picture, (H, W, 3) uint8 BGR, in place."""
