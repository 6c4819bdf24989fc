"""Non-maximum suppression: of the boxes that cover the same face, keep one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.records import Float32Array

# A box or keypoint that lies farther away than this, or a box that is narrower than a pixel, is none: both in the network's pixels.
MAX_PLACE, MIN_SIDE = 1e5, 1.0


def usable(boxes: Float32Array, keypoints: Float32Array) -> NDArray[np.bool_]:
    """Which of N detections have a place and a size, (N,) bool.

    Parameters
    ----------
    boxes : ndarray, (N, 4) float32
        x1, y1, x2, y2 in pixels of the network's input.
    keypoints : ndarray, (N, k, 2) float32
        Same pixels.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        has_size = (boxes[:, 2:] - boxes[:, :2] >= MIN_SIDE).all(axis=1)
        return np.asarray(has_size & (np.abs(boxes) <= MAX_PLACE).all(axis=1) & (np.abs(keypoints) <= MAX_PLACE).all(axis=(1, 2)))


def overlap(box: Float32Array, boxes: Float32Array) -> Float32Array:
    """Return intersection over union of one box (4,) with N boxes (N, 4), all x1, y1, x2, y2: (N,) float32, 0 where both are empty."""
    box, boxes = box.astype(np.float64), boxes.astype(np.float64)  # areas of wild boxes would overflow
    lower, upper = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    common = np.maximum(upper - lower, 0).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - common
    ratio = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return np.asarray(ratio, dtype=np.float32)


def best_first(scores: Float32Array) -> NDArray[np.intp]:
    """Return the order of falling score; equal scores keep their order, so that the result is the same on every machine."""
    return np.argsort(-scores, kind="stable")


def groups_by_overlap(boxes: Float32Array, scores: Float32Array, threshold: float) -> list[NDArray[np.intp]]:
    """Group boxes greedily: the best box takes all that overlap it by more than `threshold`, then the best of the rest, and so on.

    Parameters
    ----------
    boxes : ndarray, (N, 4) float32
    scores : ndarray, (N,) float32
    threshold : float
        Intersection over union.

    Returns
    -------
    list of ndarray of int
        Indices of each group, best score first within a group and between groups. Taking each group's first is greedy suppression.
    """
    rest = best_first(scores)
    groups = []
    while rest.size:
        together = overlap(boxes[rest[0]], boxes[rest]) > threshold
        together[0] = True  # an empty box overlaps nothing, not even itself
        groups.append(rest[together])
        rest = rest[~together]
    return groups
