"""The data that travel between a frame loop and its plugins: frozen records, arrays with shape, dtype and unit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

N_LANDMARKS = 68

Float32Array = NDArray[np.float32]
Image = NDArray[np.uint8]


class View(Enum):
    """Which picture of the face. Left and right are always the subject's: `LEFT_MIRRORED` shows the subject's left half twice."""

    ORIGINAL = "original"
    LEFT_MIRRORED = "left_mirrored"
    RIGHT_MIRRORED = "right_mirrored"


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture.

    Attributes
    ----------
    index : int
        0-based position among the decoded frames of its video.
    time_s : float
        Seconds, from the container's timestamps (not index / fps).
    image : ndarray, (H, W, 3) uint8
        BGR, C-contiguous, in display orientation.
    problem : str or None
        Why this picture must not be measured (the decoder marked it as damaged), else None.
    """

    index: int
    time_s: float
    image: Image
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Detection:
    """A face box from a detector.

    Attributes
    ----------
    box : ndarray, (4,) float32
        x1, y1, x2, y2 in pixels of the full frame; may reach beyond the frame's edges.
    score : float
        0 to 1, the detector's own.
    keypoints : ndarray, (K, 2) float32
        The detector's few points in frame pixels, its own order (RetinaFace 5, BlazeFace 6); empty (0, 2) where it has none.
    """

    box: Float32Array
    score: float
    keypoints: Float32Array


@dataclass(frozen=True, slots=True)
class Located:
    """What a landmark model returns for one region.

    Attributes
    ----------
    landmarks : ndarray, (68, 2) float32
        Frame pixels, iBUG order.
    score : float
        The model's own probability that there is a face in the region; 1.0 where the model has no such output.
    mesh : ndarray, (478, 3) float32, or None
        All points of a mesh model in frame pixels (z in the same unit), else None.
    """

    landmarks: Float32Array
    score: float
    mesh: Float32Array | None = None


@dataclass(frozen=True, slots=True)
class Face:
    """A located face.

    Attributes
    ----------
    box : ndarray, (4,) float32
        Bounding box of the landmarks, x1, y1, x2, y2 in frame pixels.
    score : float
        Score of the detection that it was tracked from, 0 to 1.
    landmarks : ndarray, (68, 2) float32
        Frame pixels, iBUG order.
    source : str
        Name of the landmark model, e.g. ``"pfld"``.
    """

    box: Float32Array
    score: float
    landmarks: Float32Array
    source: str
