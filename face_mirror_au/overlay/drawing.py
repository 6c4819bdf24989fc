"""What of a run is drawn, and where the pictures go."""

from __future__ import annotations

from pathlib import Path

from face_mirror_au.media.source import SourceInfo
from face_mirror_au.overlay.plugin import OverlayPlugin, OverlayVideo
from face_mirror_au.overlay.window import PreviewWindow
from face_mirror_hooks import PluginManager


class Drawing:
    """The drawing plugins of one run.

    Parameters
    ----------
    video : bool
        Write the pictures as a video.
    preview : bool
        Show them in a window; `check_display` must have found that there can be one.
    """

    def __init__(self, *, video: bool = False, preview: bool = False) -> None:
        self.video = OverlayVideo() if video else None
        self.window = PreviewWindow() if preview else None

    @property
    def wanted(self) -> bool:
        """Whether anybody looks at the next picture."""
        writing = self.video is not None and not self.video.problem
        return writing or (self.window is not None and not self.window.closed)

    @property
    def writes_video(self) -> bool:
        """Whether there will be a file."""
        return self.video is not None

    def start(self, path: Path, info: SourceInfo) -> None:
        """A source begins; its video, where one is wanted, goes to `path`."""
        if self.video is not None:
            self.video.start(path, info)

    def finish(self) -> list[Path]:
        """The source's last frame is drawn. Returns the video, where there is one."""
        path = None if self.video is None else self.video.finish()
        return [] if path is None else [path]

    @property
    def problems(self) -> list[str]:
        """Why there is no video; empty when none was wanted, or all is well."""
        return [self.video.problem] if self.video is not None and self.video.problem else []

    @property
    def notes(self) -> list[str]:
        """What in the video is not as in the source; complete after `finish`."""
        return [] if self.video is None else self.video.notes

    def register(self, manager: PluginManager) -> None:
        """Register what draws and what takes the pictures, when all other plugins are there: the latter come last of all."""
        if self.video is None and self.window is None:
            return
        manager.register(OverlayPlugin(), "overlay")
        if self.video is not None:
            manager.register(self.video, "overlay-video")
        if self.window is not None:
            manager.register(self.window, "preview")
