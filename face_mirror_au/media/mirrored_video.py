"""The mirrored videos: the two views' pictures as videos with the source's timestamps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from face_mirror_au.errors import LandmarksError
from face_mirror_au.media.encoder import VideoWriter
from face_mirror_au.media.geometry import fitted
from face_mirror_au.media.source import SourceInfo
from face_mirror_au.numerics.reflection import midline_of_landmarks, mirror_views
from face_mirror_au.records import Image, View
from face_mirror_hooks.records import FrameResult


class MirroredVideos:
    """Writes one video for each mirrored view. A frame without a face is written as it is.

    Their times count from the first frame. They have one size: where the source changes its own, pictures are fitted in, with black beside.

    Parameters
    ----------
    paths : mapping of View to Path
    info : SourceInfo
        Of the source.
    """

    def __init__(self, paths: Mapping[View, Path], info: SourceInfo) -> None:
        self._closing = ExitStack()
        self._writers: dict[View, VideoWriter] = {}
        self._size = (info.width, info.height)
        self._start: float | None = None
        self._unmirrored = 0
        with ExitStack() as opening:
            for view, path in paths.items():
                self._writers[view] = opening.enter_context(
                    VideoWriter(path, info.width, info.height, rate=info.rate, time_base=info.time_base)
                )
            self._closing = opening.pop_all()

    def __enter__(self) -> MirroredVideos:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._closing.__exit__(kind, error, traceback)

    def append(self, image: Image, result: FrameResult) -> None:
        """Add the next frame: the original picture and what is known of it."""
        pictures = self._pictures(image, result)
        self._start = result.time_s if self._start is None else self._start
        for view, writer in self._writers.items():
            writer.append(fitted(pictures[view], *self._size), result.time_s - self._start)

    @property
    def notes(self) -> Sequence[str]:
        """What is not as in the source; complete after the block."""
        notes = [note for writer in self._writers.values() for note in writer.notes]
        if self._unmirrored:
            notes.append(f"{self._unmirrored} frames without a face stand in the mirrored videos as they are")
        return list(dict.fromkeys(notes))

    def _pictures(self, image: Image, result: FrameResult) -> Mapping[View, Image]:
        original = result.view(View.ORIGINAL)
        if original is not None and original.success and original.face is not None:
            try:
                return mirror_views(image, midline_of_landmarks(original.face.landmarks), list(self._writers))
            except LandmarksError:
                pass
        self._unmirrored += 1
        return dict.fromkeys(self._writers, image)
