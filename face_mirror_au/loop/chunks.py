"""How many consecutive frames are one chunk."""

from __future__ import annotations

from face_mirror_au.records import Frame

# Shared memory holds a few chunks for each worker: this much keeps eight workers on 4K frames below 1 GB.
MAX_CHUNK_BYTES = 64 * 2**20
MIN_CHUNK_FRAMES = 4


def chunk_length(first: Frame, detect_every: int) -> int:
    """How many frames the chunk that begins with `first` has at most.

    The number of workers must have no part in it: chunks begin with a detection, and the result must not depend on who did the work.

    Parameters
    ----------
    first : Frame
    detect_every : int
        Frames between two scheduled detections.
    """
    size = first.image.nbytes
    fitting = max(MAX_CHUNK_BYTES // size, MIN_CHUNK_FRAMES) if size else detect_every
    return min(detect_every, fitting)
