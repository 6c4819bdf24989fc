"""The z-buffer against a loop over pixels and triangles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.render.raster import interpolate, rasterize

WIDTH, HEIGHT = 23, 17


def _by_loops(points: NDArray[np.float64], nearness: NDArray[np.float64], triangles: NDArray[np.int64], cull: bool) -> dict[int, int]:
    """Pixel to the nearest triangle."""
    found: dict[int, tuple[float, int]] = {}
    for number, corners in enumerate(triangles):
        (ax, ay), (bx, by), (cx, cy) = points[corners]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0 or (cull and area > 0):
            continue
        for row in range(HEIGHT):
            for column in range(WIDTH):
                x, y = column + 0.5, row + 0.5
                b = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                c = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                if min(b, c, 1 - b - c) < 0:
                    continue
                near = float(np.dot([1 - b - c, b, c], nearness[corners]))
                pixel = row * WIDTH + column
                if pixel not in found or near > found[pixel][0]:
                    found[pixel] = (near, number)
    return {pixel: number for pixel, (_, number) in found.items()}


def test_agrees_with_loops() -> None:
    generator = np.random.default_rng(4)
    for cull in (True, False):
        points = generator.uniform(-8, 30, (30, 2))
        nearness = generator.uniform(0.1, 1, 30)
        triangles = generator.integers(0, 30, (20, 3))
        fragments = rasterize(points, nearness, triangles, WIDTH, HEIGHT, cull)
        seen = dict(zip(fragments.pixel.tolist(), fragments.triangle.tolist(), strict=True))
        assert len(seen) == len(fragments.pixel) > 100
        assert seen == _by_loops(points, nearness, triangles, cull)


def test_weights_give_back_the_position() -> None:
    points = np.array([[2.0, 1.0], [3.0, 15.0], [20.0, 6.0]])
    fragments = rasterize(points, np.ones(3), np.array([[0, 1, 2]]), WIDTH, HEIGHT)
    places = interpolate(fragments, points[None].astype(np.float32))
    assert len(places) > 80
    np.testing.assert_allclose(places[:, 0], fragments.pixel % WIDTH + 0.5, atol=1e-4)
    np.testing.assert_allclose(places[:, 1], fragments.pixel // WIDTH + 0.5, atol=1e-4)


def test_triangles_that_share_edges_leave_no_gap() -> None:
    generator = np.random.default_rng(1)
    x, y = np.meshgrid(np.linspace(-1, WIDTH + 1, 12), np.linspace(-1, HEIGHT + 1, 10))
    points = np.stack([x, y], axis=-1)
    points[1:-1, 1:-1] += generator.uniform(-0.6, 0.6, points[1:-1, 1:-1].shape)
    number = np.arange(120).reshape(10, 12)
    a, b, c, d = (corner.ravel() for corner in (number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]))
    triangles = np.concatenate([np.stack([a, c, b], axis=1), np.stack([b, c, d], axis=1)])
    fragments = rasterize(points.reshape(-1, 2), np.ones(120), triangles, WIDTH, HEIGHT)
    assert len(fragments.pixel) == WIDTH * HEIGHT


def test_nothing_in_sight() -> None:
    points = np.array([[-9.0, -9.0], [-9.0, -2.0], [-2.0, -9.0]])
    fragments = rasterize(points, np.ones(3), np.array([[0, 1, 2]]), WIDTH, HEIGHT, cull=False)
    assert len(fragments.pixel) == 0
