"""Checks of what plugins return: data are validated where they enter."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import numpy as np

from face_mirror_hooks.records import N_LANDMARKS, Detection, Located


def check_detections(detections: object) -> tuple[Detection, ...]:
    """Return what `detect_faces` gave as a tuple; raise TypeError or ValueError when it is no sequence of sound detections."""
    if not isinstance(detections, Sequence):
        raise TypeError(f"detect_faces must return a sequence of Detection, not {type(detections).__name__}")
    for detection in detections:
        if not isinstance(detection, Detection):
            raise TypeError(f"detect_faces must return a sequence of Detection, not of {type(detection).__name__}")
        _check_points(detection.box, (4,), "Detection.box")
        x1, y1, x2, y2 = detection.box
        if x2 <= x1 or y2 <= y1:
            raise ValueError(f"Detection.box must be x1, y1, x2, y2 with x1 < x2 and y1 < y2, got {detection.box.tolist()}")
    return tuple(detections)


def check_located(located: object) -> Located:
    """Return what `locate_landmarks` gave; raise TypeError or ValueError when it is no sound `Located`."""
    if not isinstance(located, Located):
        raise TypeError(f"locate_landmarks must return a Located, not {type(located).__name__}")
    _check_points(located.landmarks, (N_LANDMARKS, 2), "Located.landmarks")
    return located


def check_description(description: object) -> object:
    """Return what `describe_face` gave; raise when it cannot be pickled.

    The check is made for any number of workers, so that a run in one process fails where one with workers would.
    """
    pickle.dumps(description, protocol=pickle.HIGHEST_PROTOCOL)
    return description


def _check_points(array: object, shape: tuple[int, ...], what: str) -> None:
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != np.float32:
        got = f"{array.shape} {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{what} must be an array {shape} float32, got {got}")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} has values that are not finite")
