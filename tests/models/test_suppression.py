"""Non-maximum suppression against the textbook's double loop."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.models.suppression import groups_by_overlap, overlap
from face_mirror_au.records import Float32Array


def overlap_of_two(a: Float32Array, b: Float32Array) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    return float(common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common))


def kept_by_double_loop(boxes: Float32Array, scores: Float32Array, threshold: float) -> list[int]:
    kept: list[int] = []
    for index in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if all(overlap_of_two(boxes[index], boxes[other]) <= threshold for other in kept):
            kept.append(index)
    return kept


@pytest.mark.parametrize("threshold", [0.2, 0.4, 0.7])
@pytest.mark.parametrize("seed", range(5))
def test_equals_the_double_loop(seed: int, threshold: float) -> None:
    random = np.random.default_rng(seed)
    corner, size = random.uniform(-20, 100, (120, 2)), random.uniform(5, 60, (120, 2))
    boxes = np.concatenate([corner, corner + size], axis=1).astype(np.float32)
    scores = random.integers(1, 30, 120).astype(np.float32) / 30  # with ties
    groups = groups_by_overlap(boxes, scores, threshold)
    assert [int(group[0]) for group in groups] == kept_by_double_loop(boxes, scores, threshold)
    assert sorted(int(index) for group in groups for index in group) == list(range(120))


def test_empty_boxes_end() -> None:
    boxes = np.zeros((3, 4), dtype=np.float32)
    assert len(groups_by_overlap(boxes, np.ones(3, dtype=np.float32), 0.4)) == 3
    assert groups_by_overlap(boxes[:0], np.ones(0, dtype=np.float32), 0.4) == []


def test_overlap_of_halves() -> None:
    boxes = np.array([(0, 0, 2, 1), (1, 0, 3, 1), (5, 5, 6, 6)], dtype=np.float32)
    np.testing.assert_allclose(overlap(boxes[0], boxes), [1, 1 / 3, 0], rtol=1e-6)
