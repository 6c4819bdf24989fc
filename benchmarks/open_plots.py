"""The picture of the model card: `python -m benchmarks.open_plots FILE.jpg` draws faces of the training's kind. Needs ../shared."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from benchmarks.open_bank import SEED, SHARED
from training.render.ict import FaceModel
from training.render.recordings import recording
from training.render.renderer import Studio

TILE = (120, 140)  # width, height px


def main() -> None:
    """One row for each person, at rest and moving."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    studio = Studio(FaceModel.load(SHARED / "faces3d" / "ict.npz"), eyes_roll=True)
    rows = []
    for number in range(4):
        frames = list(recording(studio, SEED, number))
        rows.append(np.hstack([_tile(frame.image, frame.landmarks) for frame in (frames[0], *frames[4:12])]))
    cv2.imwrite(str(arguments.target), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 82])


def _tile(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    middle = (low + high) / 2 - np.array([0.0, 0.12 * (high - low)[1]])
    half = 0.78 * float((high - low).max()) * np.array([TILE[0] / TILE[1], 1.0])
    x1, y1 = np.maximum(middle - half, 0).astype(int)
    x2, y2 = (middle + half).astype(int)
    return cv2.resize(image[y1:y2, x1:x2], TILE, interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    main()
