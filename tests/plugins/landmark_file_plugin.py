"""A sample plugin: serves recorded landmarks, as an application with a landmark detector of its own would.

``<label>.npz`` in its folder holds `frames`, (N,) int, and `landmarks`, (N, 68, 2) px. A ``<label>.csv`` has the columns
frame, x_0 ... x_67, y_0 ... y_67.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from face_mirror_hooks import hookimpl
from face_mirror_hooks.records import Detection, Float32Array, Frame, Located, VideoInfo, View

FOLDER_VARIABLE = "FACE_MIRROR_LANDMARKS"


class LandmarkFilePlugin:
    """Detects and locates the original view from a file; leaves mirrored views to the next plugin.

    Parameters
    ----------
    folder : Path, optional
        Where the files are; else the environment variable FACE_MIRROR_LANDMARKS names it.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._landmarks: dict[int, Float32Array] = {}

    @hookimpl
    def before_video_in_worker(self, video: VideoInfo) -> None:
        self._landmarks = {}
        folder = self._folder or Path(os.environ[FOLDER_VARIABLE])
        self._landmarks = read_landmarks(folder / video.label)

    @hookimpl
    def detect_faces(self, frame: Frame) -> list[Detection]:
        points = self._landmarks.get(frame.index)
        if points is None:
            return []
        return [Detection(np.concatenate([points.min(axis=0), points.max(axis=0)]), 1.0, np.zeros((0, 2), np.float32))]

    @hookimpl
    def locate_landmarks(self, frame: Frame, view: View) -> Located | None:
        if view is not View.ORIGINAL:
            return None
        points = self._landmarks.get(frame.index)
        # A score of 0 says that there is no face; None would leave the frame to the next plugin.
        return Located(np.zeros((68, 2), np.float32), 0.0) if points is None else Located(points, 1.0)


def read_landmarks(stem: Path) -> dict[int, Float32Array]:
    """Frame index to landmarks, (68, 2) float32 px, from `stem`.npz or `stem`.csv."""
    npz = stem.with_name(f"{stem.name}.npz")
    if npz.exists():
        with np.load(npz) as arrays:
            frames, landmarks = arrays["frames"], arrays["landmarks"]
    else:
        table = np.loadtxt(stem.with_name(f"{stem.name}.csv"), delimiter=",", skiprows=1, ndmin=2)
        frames, landmarks = table[:, 0], np.stack([table[:, 1:69], table[:, 69:137]], axis=2)
    return {int(frame): np.ascontiguousarray(points, dtype=np.float32) for frame, points in zip(frames, landmarks, strict=True)}
