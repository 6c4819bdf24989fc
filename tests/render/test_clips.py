"""Rendered videos: the named expressions move the named side, and the second face passes without hiding the first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from training.render.clips import (
    EXPRESSIONS,
    SERIES,
    expression_clip,
    series_clip,
    series_timeline,
    timeline,
    two_faces_clip,
    two_faces_scenes,
    write_clip,
)
from training.render.renderer import Studio, render

SMALL = (160, 120)


def test_timeline_rests_rises_holds_falls_rests() -> None:
    strength = timeline()
    assert len(strength) == 56
    assert not strength[:12].any()
    assert not strength[-12:].any()
    assert (strength[24:32] == 1).all()
    assert (np.diff(strength[11:25]) > 0).all()
    assert (np.diff(strength[31:45]) < 0).all()


@pytest.mark.release
def test_a_series_makes_one_expression_after_the_other(studio: Studio) -> None:
    strength = series_timeline()
    assert strength.shape[1] == len(SERIES) == 3
    assert ((strength > 0).sum(axis=1) <= 1).all()
    assert (strength.max(axis=0) == 1).all()
    assert (np.diff(strength.argmax(axis=0)) > 0).all()
    frames = list(series_clip(studio, seed=3, size=SMALL))
    assert len(frames) == len(strength)
    points = np.array([frame.landmarks[0] for frame in frames])
    assert (points[strength.max(axis=1) == 0] == points[0]).all(), "the head keeps still"
    shift = np.linalg.norm(points - points[0], axis=2)
    left, right, both = ((strength[:, number] == 1).nonzero()[0] for number in range(3))
    assert min(shift[left, 54].min(), shift[right, 48].min()) > 2
    assert max(shift[left, 48].max(), shift[right, 54].max()) < 0.4
    assert min(shift[both, 48].min(), shift[both, 54].min()) > 2


def test_named_expressions_exist_in_the_mesh(studio: Studio) -> None:
    used = {shape for weights in EXPRESSIONS.values() for shape in weights}
    assert used <= set(studio.model.expression_names)
    assert {"smile_left", "smile_right", "smile_both", "blink_left", "sneer_right", "brow_left"} <= set(EXPRESSIONS)
    assert all(shape.endswith("_L") for name, weights in EXPRESSIONS.items() if name.endswith("_left") for shape in weights)
    assert all(shape.endswith("_R") for name, weights in EXPRESSIONS.items() if name.endswith("_right") for shape in weights)


@pytest.fixture(scope="module")
def resting(studio: Studio) -> NDArray[np.float32]:
    return np.array([frame.landmarks[0] for frame in expression_clip(studio, "rest", seed=3, size=SMALL)])


def test_expression_clip_moves_the_named_side(studio: Studio, resting: NDArray[np.float32]) -> None:
    smiling = [frame.landmarks[0] for frame in expression_clip(studio, "smile_left", seed=3, size=SMALL)]
    shift = np.linalg.norm(np.array(smiling) - resting, axis=2)
    assert len(shift) == 56
    assert not shift[:12].any()
    assert (shift[24:32, 54] > 2).all()
    assert (shift[24:32, 48] < 0.4).all()


def test_the_head_sways_a_little(resting: NDArray[np.float32]) -> None:
    eye_distance = np.linalg.norm(resting[:, 45] - resting[:, 36], axis=1).mean()
    steps = np.linalg.norm(np.diff(resting.mean(axis=1), axis=0), axis=1) / eye_distance
    assert steps.max() < 0.02
    assert np.ptp(resting[:, 30], axis=0).max() / eye_distance > 0.01


@pytest.mark.release
def test_second_face_grows_larger_and_crosses(studio: Studio) -> None:
    frames = list(two_faces_clip(studio, count=8, size=SMALL))
    first, second = (np.array([frame.landmarks[person] for frame in frames]) for person in (0, 1))
    area = [np.ptp(points, axis=1).prod(axis=1) for points in (first, second)]
    assert second[0, :, 0].min() > SMALL[0], "starts outside the picture"
    assert area[1][0] < area[0][0]
    assert area[1][-1] > 1.4 * area[0][-1]
    assert second[0, :, 0].mean() > first[0, :, 0].mean()
    assert second[-1, :, 0].mean() < first[-1, :, 0].mean()
    gap = np.linalg.norm(first.mean(axis=1) - second.mean(axis=1), axis=1).min()
    assert gap < 2 * np.ptp(first[:, :, 1], axis=1).mean()


@pytest.mark.release
@pytest.mark.parametrize("seed", [0, 1])
def test_first_face_stays_in_sight(studio: Studio, seed: int) -> None:
    """Of its brows, eyes, nose and mouth nearly all, in every frame."""
    hidden = []
    for scene, _ in two_faces_scenes(studio, seed=seed, count=10, size=SMALL, noise=0):
        points = render(scene, SMALL)[1][0]
        empty = render(replace(scene, subjects=[]), SMALL)[0]
        passing = render(replace(scene, subjects=scene.subjects[1:]), SMALL)[0]
        columns, rows = np.round(points).astype(int).T
        hidden.append(np.any(passing[rows, columns] != empty[rows, columns], axis=1))
    share = np.array(hidden)
    assert share[:, 17:].mean(axis=1).max() < 0.1
    assert share.mean(axis=1).max() < 0.35


def test_written_clip_comes_back(studio: Studio, tmp_path: Path) -> None:
    images = [frame.image for frame in two_faces_clip(studio, count=3, size=SMALL)]
    path = tmp_path / "clip.mp4"
    assert write_clip(images, path, rate=25) == 3
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, float(stream.average_rate or 0)) == ("h264", "yuv420p", 25.0)
        decoded = [frame.to_ndarray(format="bgr24") for frame in container.decode(stream)]
    assert len(decoded) == 3
    for before, after in zip(images, decoded, strict=True):
        assert np.abs(before.astype(int) - after).mean() < 5


@pytest.mark.parametrize("shapes", [[(121, 160)], [(120, 160), (120, 162)]])
def test_sizes_that_cannot_be_written(tmp_path: Path, shapes: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="frame"):
        write_clip([np.zeros((*shape, 3), np.uint8) for shape in shapes], tmp_path / "clip.mp4")
