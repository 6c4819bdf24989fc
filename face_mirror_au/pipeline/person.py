"""Whether the followed face is still the same person's, by the look of the aligned face (FHOG), window after window.

Two windows that are far from every earlier one of about the same head pose are another person's. Compared are the cells of brows, eyes and
nose, and of these the most similar ones: an expression changes some, another person all. Distances on clips of ten people: of one person's
window to the nearest earlier one at most 2.6, whatever the face does; of two people at least 3.1.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from face_mirror_au.records import FaceDescriptor, Float32Array, FloatArray

WINDOW = 10  # measured frames
MAX_DISTANCE = 2.9
_SIDE, _ROWS, _CELLS = 12, 7, 60  # of the aligned face's FHOG: cells in a row, rows down to the nose, cells that are compared
# Windows whose head poses differ by more are not compared: the far side of a turned face looks unlike itself. rad
_MAX_TURN = 0.2
_MAX_WINDOWS = 64  # kept; then every second one is dropped


@dataclass(frozen=True, slots=True)
class _Window:
    look: FloatArray
    turn: FloatArray
    time_s: float


class PersonWatch:
    """Takes the followed face's descriptors in frame order.

    Attributes
    ----------
    changed_s : float or None
        When a face of another look was first seen; None as long as it is one person's.
    """

    def __init__(self) -> None:
        self.changed_s: float | None = None
        self._known: list[_Window] = []
        self._newest: deque[_Window] = deque()
        self._looks: list[Float32Array] = []
        self._turns: list[FloatArray] = []
        self._begun_s = 0.0
        self._strange_s: float | None = None

    def append(self, descriptor: FaceDescriptor | None, time_s: float) -> None:
        """Take the next frame; None where it has no face, which ends a window."""
        if self.changed_s is not None:
            return
        if descriptor is None:
            self._looks.clear()
            self._turns.clear()
            return
        if not self._looks:
            self._begun_s = time_s
        self._looks.append(descriptor.hog)
        self._turns.append(descriptor.pose[1:4])
        if len(self._looks) == WINDOW:
            self._judge(_Window(_upper_face(np.mean(self._looks, axis=0, dtype=np.float64)), np.mean(self._turns, axis=0), self._begun_s))
            self._looks.clear()
            self._turns.clear()

    def _judge(self, window: _Window) -> None:
        distances = [_distance(window, known) for known in self._known if np.abs(window.turn - known.turn).max() < _MAX_TURN]
        if distances and min(distances) > MAX_DISTANCE:
            # A single one may be a grimace in a blurred moment.
            if self._strange_s is not None:
                self.changed_s = self._strange_s
            self._strange_s = window.time_s
            return
        self._strange_s = None
        # A window in which one person gives way to another is near to both: it counts as known only when the next one was judged.
        self._newest.append(window)
        if len(self._newest) > 1:
            self._known.append(self._newest.popleft())
        if len(self._known) > _MAX_WINDOWS:
            del self._known[1::2]


def _distance(first: _Window, second: _Window) -> float:
    cells = np.sort(((first.look - second.look) ** 2).sum(axis=-1), axis=None)
    return float(np.sqrt(cells[:_CELLS].sum()))


def _upper_face(hog: FloatArray) -> FloatArray:
    return hog.reshape(_SIDE, _SIDE, -1)[:_ROWS]
