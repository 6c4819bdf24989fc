"""Frames that come from many threads, in any order, given out in frame order to one. Bounded: who comes too early waits."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from face_mirror_au.errors import VideoError
from face_mirror_au.records import Float32Array, Image

# The application holds a batch of 100 frames itself. Fewer of ours are enough for its six threads; a batch done in any order at all
# needs nearly all of it.
MAX_HELD_FRAMES = 128
MIN_HELD_FRAMES = 24
MAX_HELD_BYTES = 512 * 2**20
# When every place is taken, and the next frame is neither here nor with any thread, it has this long to turn up.
GAP_GRACE_S = 2.0

NEVER_CAME = "the application did not give this frame"


@dataclass(frozen=True, slots=True)
class HostFrame:
    """A frame as the application's loop left it.

    Attributes
    ----------
    index : int
        0-based, the application's.
    image : ndarray, (H, W, 3) uint8 BGR, or None
        A copy; None where there is no room for it.
    points : ndarray, (68, 2) float32, or None
        None where the application found no face.
    problem : str or None
        Why it must not be measured.
    """

    index: int
    image: Image | None
    points: Float32Array | None = None
    problem: str | None = None


@dataclass(slots=True)
class OrderCounts:
    """What happened on the way.

    Attributes
    ----------
    waits : int
        Frames whose thread had to wait for a place.
    waited_s : float
        How long, all threads together.
    timed_out : int
        Frames that found no place in time: empty rows.
    never_came : int
        Indices that were left out by the application: empty rows.
    twice : int
        Frames that came again; the first one counts.
    """

    waits: int = 0
    waited_s: float = 0.0
    timed_out: int = 0
    never_came: int = 0
    twice: int = 0


class OrderedFrames:
    """Puts frames in order.

    Parameters
    ----------
    wait_s : float
        How long a thread waits for a place.
    places : int, optional
        How many frames are held; by default as many as fit in `MAX_HELD_BYTES`.
    """

    def __init__(self, wait_s: float, places: int | None = None) -> None:
        self.counts = OrderCounts()
        self._wait_s = wait_s
        self._places = places or MIN_HELD_FRAMES
        self._fixed = places is not None
        self._change = threading.Condition()
        self._held: dict[int, HostFrame] = {}
        self._under_way: Counter[int] = Counter()
        self._next = 0
        self._largest = -1
        self._size: tuple[int, int] | None = None
        self._closed = False
        self._given_up: str | None = None

    # The application's threads

    def begin(self, index: int, image: Image) -> bool:
        """Say that a thread works on a frame; False when nobody wants it: it came before, or the video was given up."""
        with self._change:
            if self._given_up is not None or self._closed:
                return False
            if index < self._next or index in self._held or self._under_way[index]:
                self.counts.twice += 1
                return False
            if self._size is None:
                self._size = image.shape[1], image.shape[0]
                if not self._fixed:
                    self._places = max(MIN_HELD_FRAMES, min(MAX_HELD_FRAMES, MAX_HELD_BYTES // max(image.nbytes, 1)))
            self._under_way[index] += 1
            self._largest = max(self._largest, index)
            self._change.notify_all()
            return True

    def put(self, frame: HostFrame) -> None:
        """Hand a frame in, after its `begin`. Waits for a place; when there is none in time, an empty row takes it."""
        with self._change:
            del self._under_way[frame.index]
            if not self._has_place(frame.index):
                frame = self._wait_for_place(frame)
            if frame.index >= self._next and self._given_up is None:
                self._held[frame.index] = frame
            self._change.notify_all()

    def close(self) -> None:
        """No frame comes any more."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def give_up(self, reason: str) -> None:
        """End it, for both sides."""
        with self._change:
            self._given_up = self._given_up or reason
            self._held.clear()
            self._change.notify_all()

    # Our thread

    def wait_for_size(self) -> tuple[int, int] | None:
        """Width and height, as soon as the first frame is seen; None when none came."""
        with self._change:
            while self._size is None and not self._closed and self._given_up is None:
                self._change.wait()
            return self._size

    def __iter__(self) -> Iterator[HostFrame]:
        """Yield one frame for every index, from 0 to the largest that was seen.

        Raises
        ------
        VideoError
            When the video was given up.
        """
        while (frame := self._take()) is not None:
            yield frame

    def _take(self) -> HostFrame | None:
        with self._change:
            while self._next not in self._held and not self._closed and self._given_up is None:
                self._change.wait()
            if self._given_up is not None:
                raise VideoError(self._given_up)
            index = self._next
            frame = self._held.pop(index, None)
            if frame is None:
                if index > self._largest:
                    return None
                self.counts.never_came += 1
                frame = HostFrame(index, None, problem=NEVER_CAME)
            self._next += 1
            self._change.notify_all()
            return frame

    # Both, inside the lock

    def _has_place(self, index: int) -> bool:
        return index <= self._next or len(self._held) < self._places or self._closed or self._given_up is not None

    def _wait_for_place(self, frame: HostFrame) -> HostFrame:
        self.counts.waits += 1
        start = time.monotonic()
        gap, gap_since = -1, start
        try:
            while not self._has_place(frame.index):
                now = time.monotonic()
                if now - start >= self._wait_s:
                    self.counts.timed_out += 1
                    reason = f"the workers could not keep up: no place for this frame within {self._wait_s:g} s"
                    return replace(frame, image=None, points=None, problem=reason)
                if self._next in self._held or self._under_way[self._next] or gap != self._next:
                    gap, gap_since = self._next, now
                elif now - gap_since >= min(GAP_GRACE_S, self._wait_s / 2):
                    self._skip()
                    continue
                self._change.wait(min(0.1, self._wait_s))
        finally:
            self.counts.waited_s += time.monotonic() - start
        return frame

    def _skip(self) -> None:
        """The next frame was left out by the application: an empty row takes its place, so that those behind it go on."""
        self.counts.never_came += 1
        self._held[self._next] = HostFrame(self._next, None, problem=NEVER_CAME)
        self._change.notify_all()
