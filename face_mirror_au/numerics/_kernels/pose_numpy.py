"""NumPy twin of the CalcParams kernel: same signature, same result to rounding."""

from __future__ import annotations

import numpy as np

from face_mirror_au.numerics.pdm import euler_from_rotation, rotation_from_euler
from face_mirror_au.records import FloatArray

# OpenFace 2.2 `PDM::CalcParams`: damping of the step, and when to stop.
STEP = 0.75
MAX_ITERATIONS = 1000
MAX_NOT_IMPROVED = 3


def fit(
    mean: FloatArray,
    components: FloatArray,
    gram: FloatArray,
    column_sums: FloatArray,
    regularisation: FloatArray,
    landmarks: FloatArray,
    pose: FloatArray,
    local: FloatArray,
) -> int:
    """Fit pose and shape to 2D landmarks by damped Gauss-Newton; see `face_mirror_au.numerics.pose.fit_pose`.

    Parameters
    ----------
    mean : ndarray, (3, n) float64
    components : ndarray, (3, n, m) float64
    gram : ndarray, (6, m, m) float64
        V_a' V_b summed over the points, symmetrised, for (a, b) = xx, yy, zz, xy, xz, yz.
    column_sums : ndarray, (3, m) float64
        Components summed over the points.
    regularisation : ndarray, (m,) float64
        1 / eigenvalue.
    landmarks : ndarray, (2, n) float64
    pose : ndarray, (6,) float64
        In: the start (scale, rx, ry, rz, tx, ty). Out: the result.
    local : ndarray, (m,) float64
        In: zeros. Out: the result.

    Returns
    -------
    int
        Number of iterations.
    """
    n, m = components.shape[1:]
    flat = components.reshape(3 * n, m)
    hessian = np.empty((6 + m, 6 + m))
    gradient = np.empty(6 + m)
    weights = np.empty((6, 3, n))
    rigid = np.zeros((6, 2, n))
    rigid[4, 0] = rigid[5, 1] = 1.0

    rotation = rotation_from_euler(pose[1:4])
    shape = mean + (flat @ local).reshape(3, n)
    residual = landmarks - (pose[0] * rotation[:2] @ shape + pose[4:6, None])
    error = np.sqrt((residual * residual).sum())
    not_improved = 0
    for iteration in range(1, MAX_ITERATIONS + 1):
        scale = pose[0]
        rigid[0] = rotation[:2] @ shape
        for axis in range(2):
            r0, r1, r2 = rotation[axis]
            rigid[1, axis] = scale * (shape[1] * r2 - shape[2] * r1)
            rigid[2, axis] = -scale * (shape[0] * r2 - shape[2] * r0)
            rigid[3, axis] = scale * (shape[0] * r1 - shape[1] * r0)
        flat_rigid = rigid.reshape(6, 2 * n)
        hessian[:6, :6] = flat_rigid @ flat_rigid.T
        gradient[:6] = flat_rigid @ residual.ravel()
        # Columns of the Jacobian belonging to mode j are scale * R[:2] @ V_j, so every product with them is a weighting of V itself.
        np.matmul(scale * rotation[:2].T, rigid[:4], out=weights[:4])
        np.matmul(scale * rotation[:2].T, residual, out=weights[4])
        products = weights[:5].reshape(5, 3 * n) @ flat
        hessian[:4, 6:] = products[:4]
        hessian[4:6, 6:] = scale * rotation[:2] @ column_sums
        hessian[6:, :6] = hessian[:6, 6:].T
        gradient[6:] = products[4] - regularisation * local
        q = (scale * scale) * (rotation[:2].T @ rotation[:2])
        coefficients = np.array([q[0, 0], q[1, 1], q[2, 2], q[0, 1], q[0, 2], q[1, 2]])
        hessian[6:, 6:] = (coefficients @ gram.reshape(6, m * m)).reshape(m, m)
        hessian[range(6, 6 + m), range(6, 6 + m)] += regularisation

        step = STEP * np.linalg.solve(hessian, gradient)

        pose[0] += step[0]
        pose[4:6] += step[4:6]
        x, y, z = step[1:4]
        u, _, vt = np.linalg.svd(rotation @ np.array([[1.0, -z, y], [z, 1.0, -x], [-y, x, 1.0]]))
        u[:, 2] *= np.linalg.det(u @ vt)
        pose[1:4] = euler_from_rotation(u @ vt)
        rotation = rotation_from_euler(pose[1:4])
        local += step[6:]

        # OpenFace 2.2 measures the error with the new pose but the shape from before this step.
        difference = landmarks - (pose[0] * rotation[:2] @ shape + pose[4:6, None])
        new_error = np.sqrt((difference * difference).sum())
        if 0.999 * error < new_error:
            not_improved += 1
            if not_improved == MAX_NOT_IMPROVED:
                return iteration
        error = new_error
        shape = mean + (flat @ local).reshape(3, n)
        residual = landmarks - (pose[0] * rotation[:2] @ shape + pose[4:6, None])
    return MAX_ITERATIONS
