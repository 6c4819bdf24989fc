"""The plugin that draws, and what takes the drawn pictures: a video file."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from face_mirror_au.errors import FaceMirrorAUError
from face_mirror_au.media.encoder import VideoWriter
from face_mirror_au.media.geometry import fitted
from face_mirror_au.media.source import SourceInfo
from face_mirror_au.overlay.picture import draw_scene
from face_mirror_au.overlay.scene import scene_of
from face_mirror_au.records import Image, OnlineValues, View
from face_mirror_hooks import hookimpl
from face_mirror_hooks.records import FrameResult


class OverlayPlugin:
    """Draws face, bars, head pose and success. Called before others, so that theirs stands on top. Registered as "overlay"."""

    def __init__(self) -> None:
        self._values: Mapping[View, OnlineValues] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"_values": {}}  # a worker draws nothing

    @hookimpl
    def after_values(self, values: Mapping[View, OnlineValues]) -> None:
        """Keep the values of the frame that is drawn next."""
        self._values = values

    @hookimpl(tryfirst=True)
    def draw_overlay(self, canvas: Image, result: FrameResult) -> None:
        """Draw on the picture."""
        draw_scene(canvas, scene_of(result, self._values))


class OverlayVideo:
    """Writes the drawn pictures as a video that appears under its name when it is complete. Registered as "overlay-video".

    A video that cannot be written does not end the run: the tables are worth more.

    Attributes
    ----------
    problem : str
        Why there is no video; empty as long as all is well.
    notes : list of str
        What is not as in the source; complete after `finish`.
    """

    def __init__(self) -> None:
        self.problem = ""
        self.notes: list[str] = []
        self._closing = ExitStack()
        self._writer: VideoWriter | None = None
        self._path: Path | None = None
        self._size = (0, 0)
        self._begun_s: float | None = None

    def __reduce__(self) -> tuple[type[OverlayVideo], tuple[()]]:
        return type(self), ()  # a worker writes nothing

    def start(self, path: Path, info: SourceInfo) -> None:
        """Open the video of a source; what was not finished before is dropped."""
        self._abandon()
        self.problem, self.notes, self._path, self._size, self._begun_s = "", [], path, (info.width, info.height), None
        try:
            writer = VideoWriter(path, info.width, info.height, rate=info.rate, time_base=info.time_base)
            self._writer = self._closing.enter_context(writer)
        except FaceMirrorAUError as error:
            self._fail(error)

    @hookimpl(trylast=True)
    def draw_overlay(self, canvas: Image, result: FrameResult) -> None:
        """Take a picture on which all others have drawn."""
        if self._writer is None:
            return
        try:
            self._begun_s = result.time_s if self._begun_s is None else self._begun_s
            self._writer.append(fitted(canvas, *self._size), result.time_s - self._begun_s)
        except FaceMirrorAUError as error:
            self._fail(error)

    @hookimpl
    def on_video_error(self) -> None:
        """Leave nothing behind."""
        self._abandon()

    def finish(self) -> Path | None:
        """Complete the video and return where it is; None when it could not be written, and `problem` says why."""
        writer = self._writer
        if writer is None:
            return None
        try:
            self._closing.close()
        except FaceMirrorAUError as error:
            self._fail(error)
            return None
        self._writer, self.notes = None, list(writer.notes)
        return self._path

    def _fail(self, error: FaceMirrorAUError) -> None:
        self.problem = f"no overlay video: {error}"
        self._abandon()

    def _abandon(self) -> None:
        self._writer = None
        abandoned = _AbandonedError()
        self._closing.__exit__(_AbandonedError, abandoned, None)
        self._closing = ExitStack()


class _AbandonedError(Exception):
    """Tells the video's writer that the file is not wanted."""
