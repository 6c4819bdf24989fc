"""Whether there is a second face that the detector did not see beside the followed one: it looks again, with that one covered.

A detector that sees the whole frame in few pixels misses a smaller face beside a large one, as in a call's gallery; ours search parts of
the frame only when the whole shows none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from face_mirror_au.pipeline.confidence import MIN_NEW_CONFIDENCE, MIN_NEW_SCORE
from face_mirror_au.pipeline.finder import FaceFinder
from face_mirror_au.records import Detection, Float32Array, Frame, Located, View

# Of frames that are shown to the detector anyhow, those whose thirty is a multiple of this: every three seconds or so.
EVERY_THIRTIES = 3
# How much is covered around the landmarks, in their sizes: forehead, hair, chin, ears.
_MARGIN = 0.6
# A smaller face is no second patient: a poster, a passer-by far off.
_SMALLEST_SHARE = 0.3

Fits = Callable[[Located, str, float], object | None]
"""`FaceTracker.accept`."""


def is_due(index: int) -> bool:
    """Whether a frame that the detector looks at is one to look at again."""
    return index // 30 % EVERY_THIRTIES == 0


def another_face(finder: FaceFinder, fits: Fits, frame: Frame, followed: Float32Array) -> bool:
    """Whether there is a face beside the followed one.

    Parameters
    ----------
    finder : FaceFinder
    fits : callable
        Whether landmarks, of a source and above a confidence, are those of a face.
    frame : Frame
    followed : ndarray, (4,) float32
        Box of the followed face's landmarks: x1, y1, x2, y2 px.
    """
    covered = _grown(followed)
    size = float(np.hypot(*(followed[2:] - followed[:2])))
    for found in finder.detect(_without(frame, covered)):
        small = float(np.hypot(*(found.box[2:] - found.box[:2]))) < _SMALLEST_SHARE * size
        if small or found.score < MIN_NEW_SCORE or _is_inside(found, covered):
            continue
        # Only landmarks that form a face count: hands, ears and patterns are detected, too.
        located, source = finder.locate(frame, View.ORIGINAL, found)
        if fits(located, source, MIN_NEW_CONFIDENCE) is not None and not _same(located, followed):
            return True
    return False


def _grown(box: Float32Array) -> Float32Array:
    margin = _MARGIN * (box[2:] - box[:2])
    return np.concatenate([box[:2] - margin, box[2:] + margin])


def _without(frame: Frame, covered: Float32Array) -> Frame:
    image = frame.image.copy()
    x1, y1, x2, y2 = np.maximum(covered, 0).astype(int).tolist()
    image[y1:y2, x1:x2] = 128
    return replace(frame, image=image)


def _is_inside(found: Detection, covered: Float32Array) -> bool:
    centre = (found.box[:2] + found.box[2:]) / 2
    return bool(np.all(centre >= covered[:2]) and np.all(centre <= covered[2:]))


def _same(located: Located, followed: Float32Array) -> bool:
    centre = located.landmarks.mean(axis=0)
    return bool(np.all(centre >= followed[:2]) and np.all(centre <= followed[2:]))
