"""The mirrored videos: the two views' pictures as videos with the source's timestamps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from face_mirror_au.errors import LandmarksError
from face_mirror_au.media.encoder import VideoWriter
from face_mirror_au.media.geometry import fitted
from face_mirror_au.media.planes import BLACK_LUMA, GREY, DecodedFrame, Planes
from face_mirror_au.media.source import SourceInfo
from face_mirror_au.numerics.reflection import Mirror, midline_of_landmarks
from face_mirror_au.records import Frame, Image, View
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
        self._mirror = Mirror()
        self._of_planes = tuple(Mirror(black) for black in (BLACK_LUMA, GREY, GREY))
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

    def append(self, frame: Frame, result: FrameResult) -> None:
        """Add the next frame, and what is known of it. Planes are reflected as they are, not converted to BGR and back."""
        pictures = self._pictures(frame, result)
        self._start = result.time_s if self._start is None else self._start
        for view, writer in self._writers.items():
            writer.append(pictures[view], result.time_s - self._start)

    @property
    def notes(self) -> Sequence[str]:
        """What is not as in the source; complete after the block."""
        notes = [note for writer in self._writers.values() for note in writer.notes]
        if self._unmirrored:
            notes.append(f"{self._unmirrored} frames without a face stand in the mirrored videos as they are")
        return list(dict.fromkeys(notes))

    def _pictures(self, frame: Frame, result: FrameResult) -> Mapping[View, Image | Planes]:
        original = result.view(View.ORIGINAL)
        midline = None
        if original is not None and original.success and original.face is not None:
            with suppress(LandmarksError):
                midline = midline_of_landmarks(original.face.landmarks)
        self._unmirrored += midline is None
        planes, views = frame.planes if isinstance(frame, DecodedFrame) else None, list(self._writers)
        if midline is None:
            return dict.fromkeys(views, planes or fitted(frame.image, *self._size))
        if planes is None:
            return {view: fitted(image, *self._size) for view, image in self._mirror.views(frame.image, midline, views).items()}
        luma, blue, red = (
            mirror.views(plane, line, views)
            for mirror, plane, line in zip(
                self._of_planes, (planes.luma, planes.blue, planes.red), (midline, midline.halved, midline.halved), strict=True
            )
        )
        return {view: Planes(luma[view], blue[view], red[view], planes.colours) for view in views}
