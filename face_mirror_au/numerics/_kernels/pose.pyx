# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""CalcParams: damped Gauss-Newton fit of the PDM. Its twin, with the explanation, is pose_numpy.py."""

from libc.math cimport asin, atan2, cos, fabs, isfinite, sin, sqrt
from libc.string cimport memset

cdef enum:
    MAX_MODES = 64
    SIZE = 70  # 6 + MAX_MODES

cdef double STEP = 0.75
cdef int MAX_ITERATIONS = 1000
cdef int MAX_NOT_IMPROVED = 3


cdef void _rotation(const double *euler, double *r) noexcept nogil:
    cdef double s1 = sin(euler[0]), s2 = sin(euler[1]), s3 = sin(euler[2])
    cdef double c1 = cos(euler[0]), c2 = cos(euler[1]), c3 = cos(euler[2])
    r[0] = c2 * c3
    r[1] = -c2 * s3
    r[2] = s2
    r[3] = c1 * s3 + c3 * s1 * s2
    r[4] = c1 * c3 - s1 * s2 * s3
    r[5] = -c2 * s1
    r[6] = s1 * s3 - c1 * c3 * s2
    r[7] = c3 * s1 + c1 * s2 * s3
    r[8] = c1 * c2


cdef void _euler(const double *r, double *euler) noexcept nogil:
    cdef double trace = 1.0 + r[0] + r[4] + r[8]
    cdef double w = sqrt(trace if trace > 0.0 else 0.0) / 2.0
    cdef double x = (r[7] - r[5]) / (4.0 * w)
    cdef double y = (r[2] - r[6]) / (4.0 * w)
    cdef double z = (r[3] - r[1]) / (4.0 * w)
    cdef double t = 2.0 * (w * y + x * z)
    if t > 1.0:
        t = 1.0
    elif t < -1.0:
        t = -1.0
    euler[0] = atan2(2.0 * (w * x - y * z), w * w - x * x - y * y + z * z)
    euler[1] = asin(t)
    euler[2] = atan2(2.0 * (w * z - x * y), w * w + x * x - y * y - z * z)
    if not (isfinite(euler[0]) and isfinite(euler[1]) and isfinite(euler[2])):
        euler[0] = euler[1] = euler[2] = 0.0


cdef void _nearest_rotation(double *a) noexcept nogil:
    """Polar factor by Newton's iteration X <- (X + X^-T) / 2. `a` is a rotation times (I + [w]x): its determinant is positive."""
    cdef double b[9]
    cdef double determinant, change
    cdef int i, k
    for k in range(30):
        b[0] = a[4] * a[8] - a[5] * a[7]
        b[1] = a[5] * a[6] - a[3] * a[8]
        b[2] = a[3] * a[7] - a[4] * a[6]
        b[3] = a[2] * a[7] - a[1] * a[8]
        b[4] = a[0] * a[8] - a[2] * a[6]
        b[5] = a[1] * a[6] - a[0] * a[7]
        b[6] = a[1] * a[5] - a[2] * a[4]
        b[7] = a[2] * a[3] - a[0] * a[5]
        b[8] = a[0] * a[4] - a[1] * a[3]
        determinant = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
        change = 0.0
        for i in range(9):
            b[i] = 0.5 * (a[i] + b[i] / determinant)
            change += fabs(b[i] - a[i])
            a[i] = b[i]
        if change < 1e-15:
            return


cdef bint _solve(double *h, double *g, int size) noexcept nogil:
    """Solve H x = g in place by Cholesky (upper triangle of row-major `h`, row stride SIZE). False when H is not positive definite."""
    cdef int i, j, k
    cdef double pivot, factor
    for k in range(size):
        pivot = h[k * SIZE + k]
        if not pivot > 0.0:
            return False
        pivot = 1.0 / sqrt(pivot)
        for j in range(k, size):
            h[k * SIZE + j] *= pivot
        g[k] *= pivot
        for i in range(k + 1, size):
            factor = h[k * SIZE + i]
            for j in range(i, size):
                h[i * SIZE + j] -= factor * h[k * SIZE + j]
            g[i] -= factor * g[k]
    for k in range(size - 1, -1, -1):
        factor = g[k]
        for j in range(k + 1, size):
            factor -= h[k * SIZE + j] * g[j]
        g[k] = factor / h[k * SIZE + k]
    return True


cdef int _fit(
    int n,
    int m,
    const double *mean,
    const double *components,
    const double *gram,
    const double *column_sums,
    const double *regularisation,
    const double *landmarks,
    double *pose,
    double *local,
    double *shape,
    double *residual,
) noexcept nogil:
    cdef double h[SIZE * SIZE]
    cdef double g[SIZE]
    cdef double products[5 * MAX_MODES]
    cdef double rigid[2][4]
    cdef double w[5][3]
    cdef double r[9]
    cdef double updated[9]
    cdef double q[6]
    cdef double x, y, z, px, py, scale, error, new_error, value, w0, w1, w2, w3, w4
    cdef const double *row
    cdef int i, j, k, a, axis, iteration, not_improved = 0

    _rotation(pose + 1, r)
    error = 0.0
    for i in range(3 * n):
        shape[i] = mean[i]
    for i in range(n):
        x = shape[i]
        y = shape[n + i]
        z = shape[2 * n + i]
        residual[i] = landmarks[i] - (pose[0] * (r[0] * x + r[1] * y + r[2] * z) + pose[4])
        residual[n + i] = landmarks[n + i] - (pose[0] * (r[3] * x + r[4] * y + r[5] * z) + pose[5])
        error += residual[i] * residual[i] + residual[n + i] * residual[n + i]
    error = sqrt(error)

    for iteration in range(1, MAX_ITERATIONS + 1):
        scale = pose[0]
        memset(h, 0, 6 * SIZE * sizeof(double))
        memset(g, 0, 6 * sizeof(double))
        memset(products, 0, sizeof(products))
        for i in range(n):
            x = shape[i]
            y = shape[n + i]
            z = shape[2 * n + i]
            for axis in range(2):
                rigid[axis][0] = r[3 * axis] * x + r[3 * axis + 1] * y + r[3 * axis + 2] * z
                rigid[axis][1] = scale * (y * r[3 * axis + 2] - z * r[3 * axis + 1])
                rigid[axis][2] = -scale * (x * r[3 * axis + 2] - z * r[3 * axis])
                rigid[axis][3] = scale * (x * r[3 * axis + 1] - y * r[3 * axis])
                value = residual[axis * n + i]
                for j in range(4):
                    for k in range(j, 4):
                        h[j * SIZE + k] += rigid[axis][j] * rigid[axis][k]
                    h[j * SIZE + 4 + axis] += rigid[axis][j]
                    g[j] += rigid[axis][j] * value
                g[4 + axis] += value
            for a in range(3):
                for k in range(4):
                    w[k][a] = scale * (r[a] * rigid[0][k] + r[3 + a] * rigid[1][k])
                w[4][a] = scale * (r[a] * residual[i] + r[3 + a] * residual[n + i])
            for a in range(3):
                row = components + (a * n + i) * m
                w0 = w[0][a]
                w1 = w[1][a]
                w2 = w[2][a]
                w3 = w[3][a]
                w4 = w[4][a]
                for j in range(m):
                    value = row[j]
                    products[j] += w0 * value
                    products[MAX_MODES + j] += w1 * value
                    products[2 * MAX_MODES + j] += w2 * value
                    products[3 * MAX_MODES + j] += w3 * value
                    products[4 * MAX_MODES + j] += w4 * value
        h[4 * SIZE + 4] = n
        h[5 * SIZE + 5] = n
        for j in range(m):
            for k in range(4):
                h[k * SIZE + 6 + j] = products[k * MAX_MODES + j]
            h[4 * SIZE + 6 + j] = scale * (r[0] * column_sums[j] + r[1] * column_sums[m + j] + r[2] * column_sums[2 * m + j])
            h[5 * SIZE + 6 + j] = scale * (r[3] * column_sums[j] + r[4] * column_sums[m + j] + r[5] * column_sums[2 * m + j])
            g[6 + j] = products[4 * MAX_MODES + j] - regularisation[j] * local[j]
        value = scale * scale
        q[0] = value * (r[0] * r[0] + r[3] * r[3])
        q[1] = value * (r[1] * r[1] + r[4] * r[4])
        q[2] = value * (r[2] * r[2] + r[5] * r[5])
        q[3] = value * (r[0] * r[1] + r[3] * r[4])
        q[4] = value * (r[0] * r[2] + r[3] * r[5])
        q[5] = value * (r[1] * r[2] + r[4] * r[5])
        for j in range(m):
            for k in range(j, m):
                a = j * m + k
                h[(6 + j) * SIZE + 6 + k] = (
                    q[0] * gram[a] + q[1] * gram[m * m + a] + q[2] * gram[2 * m * m + a]
                    + q[3] * gram[3 * m * m + a] + q[4] * gram[4 * m * m + a] + q[5] * gram[5 * m * m + a]
                )
            h[(6 + j) * SIZE + 6 + j] += regularisation[j]

        if not _solve(h, g, 6 + m):
            return -1
        for j in range(6 + m):
            g[j] *= STEP

        pose[0] += g[0]
        pose[4] += g[4]
        pose[5] += g[5]
        for i in range(3):
            updated[3 * i] = r[3 * i] + r[3 * i + 1] * g[3] - r[3 * i + 2] * g[2]
            updated[3 * i + 1] = r[3 * i + 1] - r[3 * i] * g[3] + r[3 * i + 2] * g[1]
            updated[3 * i + 2] = r[3 * i + 2] + r[3 * i] * g[2] - r[3 * i + 1] * g[1]
        _nearest_rotation(updated)
        _euler(updated, pose + 1)
        _rotation(pose + 1, r)
        for j in range(m):
            local[j] += g[6 + j]

        scale = pose[0]
        new_error = 0.0
        for i in range(n):
            # The error takes the new pose and the shape from before this step; the next residual takes the new shape.
            x = shape[i]
            y = shape[n + i]
            z = shape[2 * n + i]
            px = landmarks[i] - (scale * (r[0] * x + r[1] * y + r[2] * z) + pose[4])
            py = landmarks[n + i] - (scale * (r[3] * x + r[4] * y + r[5] * z) + pose[5])
            new_error += px * px + py * py
        new_error = sqrt(new_error)
        if 0.999 * error < new_error:
            not_improved += 1
            if not_improved == MAX_NOT_IMPROVED:
                return iteration
        error = new_error
        for i in range(3 * n):
            value = 0.0
            row = components + i * m
            for j in range(m):
                value += row[j] * local[j]
            shape[i] = mean[i] + value
        for i in range(n):
            x = shape[i]
            y = shape[n + i]
            z = shape[2 * n + i]
            residual[i] = landmarks[i] - (scale * (r[0] * x + r[1] * y + r[2] * z) + pose[4])
            residual[n + i] = landmarks[n + i] - (scale * (r[3] * x + r[4] * y + r[5] * z) + pose[5])
    return MAX_ITERATIONS


def fit(
    const double[:, ::1] mean,
    const double[:, :, ::1] components,
    const double[:, :, ::1] gram,
    const double[:, ::1] column_sums,
    const double[::1] regularisation,
    const double[:, ::1] landmarks,
    double[::1] pose,
    double[::1] local,
):
    """See pose_numpy.fit: same parameters, same result to rounding."""
    cdef int n = components.shape[1], m = components.shape[2], iterations
    if m > MAX_MODES or n > 512 or m < 1 or n < 1:
        raise ValueError(f"the kernel takes 1 to {MAX_MODES} modes and 1 to 512 points, not {m} and {n}")
    if (
        mean.shape[0] != 3 or mean.shape[1] != n or components.shape[0] != 3 or gram.shape[0] != 6 or gram.shape[1] != m
        or gram.shape[2] != m or column_sums.shape[0] != 3 or column_sums.shape[1] != m or regularisation.shape[0] != m
        or landmarks.shape[0] != 2 or landmarks.shape[1] != n or pose.shape[0] != 6 or local.shape[0] != m
    ):
        raise ValueError("the shapes of the arguments do not belong together")
    cdef double shape[3 * 512]
    cdef double residual[2 * 512]
    with nogil:
        iterations = _fit(
            n, m, &mean[0, 0], &components[0, 0, 0], &gram[0, 0, 0], &column_sums[0, 0], &regularisation[0],
            &landmarks[0, 0], &pose[0], &local[0], shape, residual,
        )
    if iterations < 0:
        raise ValueError("the normal matrix is not positive definite")
    return iterations
