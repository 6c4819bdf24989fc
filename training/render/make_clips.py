"""Renders the clips of the tests: `python -m training.render.make_clips ICT.npz FOLDER`.

One H.264 file for each clip, and `<name>.npz` with the true landmarks: (frames, faces, 68, 2) float32, px. That of the series has the
weight of the smile in each frame, too: `left` and `right`, (frames,) float64. With a third argument, only the clip of that name is made.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from training.render.clips import ClipFrame, expression_clip, series_clip, two_faces_clip, write_clip
from training.render.ict import FaceModel
from training.render.renderer import Studio

EXPRESSION_CLIPS = ("smile_left", "smile_right", "smile_both", "blink_left", "sneer_right")
SERIES_CLIP = "smile_left_right_both"
SIZE = (480, 360)
SEED = 4


def _save(frames: Iterable[ClipFrame], folder: Path, name: str, shape: str | None = None) -> None:
    made = list(frames)
    write_clip([frame.image for frame in made], folder / f"{name}.mp4")
    truth = {"landmarks": np.round(np.array([frame.landmarks for frame in made]), 2)}
    if shape is not None:
        for side, ending in (("left", "_L"), ("right", "_R")):
            truth[side] = np.array([frame.expressions.get(shape + ending, 0.0) for frame in made])
    np.savez_compressed(folder / f"{name}.npz", **truth)  # type: ignore[arg-type]  # NumPy's stub takes the keywords for allow_pickle


def main(mesh: str, folder: str, only: str | None = None) -> None:
    """Render all, or one."""
    studio = Studio(FaceModel.load(mesh))
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    if only in {None, "two_faces"}:
        _save(two_faces_clip(studio, seed=0), target, "two_faces")
    if only in {None, SERIES_CLIP}:
        _save(series_clip(studio, seed=SEED, size=SIZE), target, SERIES_CLIP, "mouthSmile")
    for name in EXPRESSION_CLIPS:
        if only in {None, name}:
            # A smile of both sides is there to find no difference: nothing else may differ between the sides either.
            _save(expression_clip(studio, name, seed=SEED, size=SIZE, frontal=name.endswith("both")), target, name)


if __name__ == "__main__":
    main(*sys.argv[1:])
