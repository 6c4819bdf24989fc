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
    """

    def __init__(self, time_base: Fraction | None) -> None:
        self.frames = 0
        self._base = time_base or Fraction(1, 90_000)
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None
        self._waiting: deque[tuple[int | None, bool]] = deque()  # timestamp and damage of the pictures inside the filter

    def process(self, pictures: Iterable[tuple[VideoFrame, bool]]) -> Iterator[tuple[VideoFrame, bool]]:
        """Pictures, and whether each is damaged, in order: as many come out as go in."""
        for picture, damaged in pictures:
            self.frames += picture.interlaced_frame
            shape = (picture.width, picture.height, picture.format.name)
            if self._graph is not None and shape != self._shape:
                yield from self._end()
            if self._graph is None:
                if not picture.interlaced_frame:
                    yield picture, damaged
                    continue
                self._begin(picture, shape)
            yield from self._pass(picture, damaged)
        yield from self._end()

    def _begin(self, picture: VideoFrame, shape: tuple[int, int, str]) -> None:
        from av.filter import Graph

        graph = Graph()
        source = graph.add_buffer(width=picture.width, height=picture.height, format=picture.format, time_base=self._base)
        graph.link_nodes(source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")).configure()
        self._graph, self._shape = graph, shape

    def _pass(self, picture: VideoFrame, damaged: bool) -> Iterator[tuple[VideoFrame, bool]]:
        assert self._graph is not None  # noqa: S101  (begun)
        self._waiting.append((picture.pts, damaged))
        self._graph.vpush(picture)
        yield from self._pull()

    def _end(self) -> Iterator[tuple[VideoFrame, bool]]:
        if self._graph is not None:
            self._graph.vpush(None)
            yield from self._pull()
            self._graph = None

    def _pull(self) -> Iterator[tuple[VideoFrame, bool]]:
        import av

        assert self._graph is not None  # noqa: S101
        while self._waiting:
            try:
                picture = self._graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return
            picture.pts, damaged = self._waiting.popleft()
            picture.time_base = self._base
            yield picture, damaged
