"""Interlaced video: two half pictures of different moments in each frame, made whole by FFmpeg's bwdif, one frame for one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.filter import Graph
    from av.video.frame import VideoFrame


class Deinterlacer:
    """Passes pictures through; from the first interlaced one on, those that are marked as interlaced are made whole.

    A frame keeps its time, and shows the moment of its first half picture.

    Attributes
    ----------
    frames : int
        How many were interlaced.
    failed : bool
        FFmpeg could not do it, as with pictures of two rows: they come out as they are.
    """

    def __init__(self, time_base: Fraction | None) -> None:
        self.frames = 0
        self.failed = False
        self._base = time_base or Fraction(1, 90_000)
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None
        self._inside: deque[tuple[VideoFrame, bool]] = deque()  # what went into the filter, and did not come out yet

    def process(self, pictures: Iterable[tuple[VideoFrame, bool]]) -> Iterator[tuple[VideoFrame, bool]]:
        """Pictures, and whether each is damaged, in order: as many come out as go in."""
        for picture, damaged in pictures:
            self.frames += picture.interlaced_frame
            shape = (picture.width, picture.height, picture.format.name)
            if self._graph is not None and shape != self._shape:
                yield from self._end()
            if self._graph is None and picture.interlaced_frame and not self.failed:
                self._begin(picture, shape)
            if self._graph is None:
                yield picture, damaged
            else:
                self._inside.append((picture, damaged))
                yield from self._push(picture)
        yield from self._end()

    def _begin(self, picture: VideoFrame, shape: tuple[int, int, str]) -> None:
        import av
        from av.filter import Graph

        graph = Graph()
        try:
            source = graph.add_buffer(width=picture.width, height=picture.height, format=picture.format, time_base=self._base)
            graph.link_nodes(source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")).configure()
        except (av.FFmpegError, OSError, ValueError):
            self.failed = True
            return
        self._graph, self._shape = graph, shape

    def _end(self) -> Iterator[tuple[VideoFrame, bool]]:
        if self._graph is not None:
            yield from self._push(None)
        self._graph = None
        yield from self._inside  # what the filter kept: nothing, as far as is known
        self._inside.clear()

    def _push(self, picture: VideoFrame | None) -> Iterator[tuple[VideoFrame, bool]]:
        """Put a picture, or None at the end, into the filter, and yield what comes out."""
        import av

        assert self._graph is not None  # noqa: S101  (begun)
        try:
            self._graph.vpush(picture)
            while self._inside:
                whole = self._graph.vpull()
                before, damaged = self._inside.popleft()
                whole.pts, whole.time_base = before.pts, self._base
                yield whole, damaged
        except (av.BlockingIOError, av.EOFError):
            return
        except (av.FFmpegError, OSError, ValueError):
            self.failed, self._graph = True, None
            yield from self._inside
            self._inside.clear()
