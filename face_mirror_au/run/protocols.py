"""What those above hand in: who listens to a run, what is drawn of it, and who writes its report page."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from face_mirror_au.media.source import SourceInfo
from face_mirror_au.records import Frame
from face_mirror_au.run.measuring import OnlineOfViews
from face_mirror_hooks import PluginManager
from face_mirror_hooks.records import FrameResult


class Sink:
    """Gets everything that a run gives, in order. This one lets it pass.

    Attributes
    ----------
    wants_pictures : bool
        Whether `append` gets the frames: with their image, or with planes (see `DecodedFrame`).
    """

    wants_pictures = False

    def start(self, info: SourceInfo) -> None:
        """The source is open; nothing is read yet."""

    def append(self, frame: Frame | None, result: FrameResult, values: OnlineOfViews) -> None:
        """A frame is done. Whatever this raises ends the run."""


class Drawing(Protocol):
    """What is drawn on the pictures of a run, and where these go. The drawing is done by plugins, which `register` adds."""

    @property
    def wanted(self) -> bool:
        """Whether anybody looks at the next picture."""

    @property
    def writes_video(self) -> bool:
        """Whether there will be a file."""

    def register(self, manager: PluginManager) -> None:
        """Add the plugins, when all others are there."""

    def start(self, path: Path, info: SourceInfo) -> None:
        """A source begins; its video, where one is wanted, goes to `path`."""

    def finish(self) -> list[Path]:
        """The source's last frame is drawn. Returns the video, where there is one."""

    @property
    def problems(self) -> list[str]:
        """Why there is no video; empty when none was wanted, or all is well."""

    @property
    def notes(self) -> list[str]:
        """What in the video is not as in the source; complete after `finish`."""


class PageWriter(Protocol):
    """Writes the report page of a result, and its numbers beside it."""

    def __call__(self, folder: Path, stem: str) -> Path:
        """Write the page into the folder of the result's tables; return where it is.

        Raises
        ------
        FaceMirrorAUError
        """
