"""NumPy twin of the kernel of the fit: same signatures, same results to rounding. Float32 is part of OpenFace 2.2's method."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.numerics.clnf.shape import rotation_matrix
from face_mirror_au.numerics.pdm import euler_from_rotation
from face_mirror_au.records import Float32Array, FloatArray

# OpenFace 2.2 `NU_RLMS`: a stage ends when the 2n coordinates have moved less than this from one iteration to the next, px.
STILL = 0.01
# OpenFace 2.2: kernels of the mean shift are made for places on a grid of this many cells.
GRID = np.float32(0.1)
# OpenCV: a pivot below the float32 epsilon means that there is no solution.
_EPSILON = float(np.finfo(np.float32).eps)


def run(
    mean: Float32Array,
    components: Float32Array,
    modes: Float32Array,
    limits: Float32Array,
    regularisation: Float32Array,
    base: Float32Array,
    responses: Float32Array,
    weights: Float32Array,
    to_reference: Float32Array,
    to_image: Float32Array,
    sigma: float,
    rigid: bool,
    iterations: int,
    pose: Float32Array,
    local: Float32Array,
    offsets: Float32Array,
) -> int:
    """Regularised landmark mean shift: move pose, and shape unless `rigid`, to where the responses are high.

    Parameters
    ----------
    mean : ndarray, (3, n) float32
    components : ndarray, (3, n, m) float32
    modes : ndarray, (m, 3, n) float32
        The same, the other way round.
    limits : ndarray, (m,) float32
        Local parameters stay within -limit..limit.
    regularisation : ndarray, (m,) float32
        Added to the diagonal, times the parameter taken from the right side.
    base : ndarray, (2, n) float32
        Landmarks at which the responses were made, px.
    responses : ndarray, (n, window, window) float32
        Rows are y.
    weights : ndarray, (n,) float32
        Of the landmarks; one of weight 0 has no part.
    to_reference, to_image : ndarray, (2, 2) float32
        From the picture to the upright face of the responses, and back.
    sigma : float
        Of the Gaussian kernel, cells.
    rigid : bool
    iterations : int
        At most.
    pose : ndarray, (6,) float32
        In and out: scale, rx, ry, rz, tx, ty.
    local : ndarray, (m,) float32
        In and out.
    offsets : ndarray, (2, n) float32
        Out: places in the response maps at the start of the last iteration, x and y.

    Returns
    -------
    int
        Number of iterations.
    """
    n, m = components.shape[1:]
    size = 6 if rigid else 6 + m
    jacobian = np.empty((2, n, size), np.float32)
    flat = jacobian.reshape(2 * n, size)
    both = np.concatenate([weights, weights])
    seen = weights != 0.0
    previous = None
    for iteration in range(iterations):
        rotation = rotation_matrix(pose[1:4])
        shape = mean + (local @ modes.reshape(m, -1)).reshape(3, n)
        current = pose[0] * (rotation[:2] @ shape) + pose[4:6, None]
        if previous is not None and float(np.linalg.norm((current - previous).astype(np.float64))) < STILL:
            return iteration
        previous = current
        _fill_jacobian(jacobian, shape, components, rotation, pose[0], rigid)
        jacobian[:, ~seen] = 0.0
        half = np.float32(responses.shape[1] // 2)
        offsets[:] = (to_reference.astype(np.float64) @ (current - base)).astype(np.float32) + half
        shifts = np.zeros((2, n), np.float32)
        mean_shift(responses, offsets, seen.astype(np.uint8), sigma, shifts)
        moved = (to_image.astype(np.float64) @ shifts).astype(np.float32).ravel()
        weighted = flat * both[:, None]
        right = (moved.astype(np.float64) @ weighted).astype(np.float32)
        left = flat.T @ weighted
        if not rigid:
            right[6:] -= regularisation * local
            left[np.arange(6, size), np.arange(6, size)] += regularisation
        _update(pose, local, limits, _solve(left, right))
    return iterations


def mean_shift(responses: Float32Array, offsets: Float32Array, visible: NDArray[np.uint8], sigma: float, shifts: Float32Array) -> None:
    """Where the responses, weighted with a Gaussian kernel around a place, have their mean.

    Parameters
    ----------
    responses : ndarray, (n, window, window) float32
    offsets : ndarray, (2, n) float32
        Places, x and y, cells.
    visible : ndarray, (n,) uint8
    sigma : float
        Of the kernel, cells.
    shifts : ndarray, (2, n) float32
        Out: mean minus place, which is taken from inside the map; 0 for landmarks that are not visible.
    """
    n, window = responses.shape[:2]
    places = np.minimum(np.fmax(offsets, np.float32(0.0)), np.float32(window) - GRID)  # NaN becomes 0
    # The kernel's centre lies on the grid, the place that the mean is compared with does not: so does OpenFace.
    cells = ((places / GRID).astype(np.float64) + 0.5).astype(np.intp)
    across, down = _kernel_table(window, sigma)[cells]
    kernel = (down[:, :, None] * across[:, None, :]).astype(np.float32)
    total, x, y = _moments(window) @ (responses * kernel).reshape(n, -1).T
    known = (visible != 0) & (total > 0.0)
    divisor = np.where(known, total, np.float32(1.0))
    shifts[0] = np.where(known, x / divisor - places[0], np.float32(0.0))
    shifts[1] = np.where(known, y / divisor - places[1], np.float32(0.0))


@lru_cache(maxsize=16)
def _moments(window: int) -> Float32Array:
    """Ones, columns and rows of the cells of a map, (3, window ** 2)."""
    y, x = np.divmod(np.arange(window * window), window)
    return np.stack([np.ones_like(x), x, y]).astype(np.float32)


@lru_cache(maxsize=64)
def _kernel_table(window: int, sigma: float) -> FloatArray:
    """One side of the kernel by place on the grid, (g, window)."""
    places = (np.arange(10 * window + 1, dtype=np.float32) * GRID).astype(np.float64)
    distances = places[:, None] - np.arange(window)
    return np.asarray(np.exp(-0.5 / (sigma * sigma) * distances * distances))


def _fill_jacobian(
    jacobian: Float32Array, shape: Float32Array, components: Float32Array, rotation: Float32Array, scale: np.float32, rigid: bool
) -> None:
    x, y, z = shape
    for axis in range(2):
        r0, r1, r2 = rotation[axis]
        rows = jacobian[axis]
        rows[:, 0] = x * r0 + y * r1 + z * r2
        rows[:, 1] = scale * (y * r2 - z * r1)
        rows[:, 2] = -scale * (x * r2 - z * r0)
        rows[:, 3] = scale * (x * r1 - y * r0)
        rows[:, 4:6] = (1.0, 0.0) if axis == 0 else (0.0, 1.0)
    if not rigid:
        turned = (scale * rotation[:2]) @ components.reshape(3, -1)
        jacobian[:, :, 6:] = turned.reshape(2, *components.shape[1:])


def _solve(left: Float32Array, right: Float32Array) -> Float32Array:
    """Zeros where the matrix is not positive definite, as OpenCV's Cholesky leaves them."""
    try:
        lower = np.linalg.cholesky(left.astype(np.float64))
    except np.linalg.LinAlgError:
        return np.zeros_like(right)
    if not (np.diag(lower) ** 2 >= _EPSILON).all():
        return np.zeros_like(right)
    return np.linalg.solve(left.astype(np.float64), right.astype(np.float64)).astype(np.float32)


def _update(pose: Float32Array, local: Float32Array, limits: Float32Array, step: Float32Array) -> None:
    """Add a step; the rotation is turned by it."""
    w0, w1, w2 = step[1:4].tolist()
    # The rotation nearest to I + [w]x, in closed form.
    k = 1.0 / math.sqrt(1.0 + w0 * w0 + w1 * w1 + w2 * w2)
    f = k * k / (1.0 + k)
    turn = [
        [k + f * w0 * w0, -k * w2 + f * w0 * w1, k * w1 + f * w0 * w2],
        [k * w2 + f * w0 * w1, k + f * w1 * w1, -k * w0 + f * w1 * w2],
        [-k * w1 + f * w0 * w2, k * w0 + f * w1 * w2, k + f * w2 * w2],
    ]
    pose[1:4] = euler_from_rotation(rotation_matrix(pose[1:4]).astype(np.float64) @ turn)
    pose[0] += step[0]
    pose[4:6] += step[4:6]
    if step.size > 6:
        local += step[6:]
    np.clip(local, -limits, limits, out=local)
