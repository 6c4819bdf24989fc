# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""A whole stage of the fit. Its twin, with the explanation, is stage_numpy.py."""

from libc.math cimport asin, atan2, cos, exp, isfinite, sin, sqrt
from libc.string cimport memcpy, memset

cdef enum:
    MAX_POINTS = 128
    MAX_MODES = 58
    SIZE = 64  # 6 + MAX_MODES
    MAX_WINDOW = 15
    MAX_CELLS = 225

cdef float GRID = 0.1
cdef float EPSILON = 1.1920929e-07
cdef double STILL = 0.01


cdef void _rotation(const float *euler, float *r) noexcept nogil:
    cdef float s1 = <float>sin(<double>euler[0]), s2 = <float>sin(<double>euler[1]), s3 = <float>sin(<double>euler[2])
    cdef float c1 = <float>cos(<double>euler[0]), c2 = <float>cos(<double>euler[1]), c3 = <float>cos(<double>euler[2])
    r[0] = c2 * c3
    r[1] = -c2 * s3
    r[2] = s2
    r[3] = c1 * s3 + c3 * s1 * s2
    r[4] = c1 * c3 - s1 * s2 * s3
    r[5] = -c2 * s1
    r[6] = s1 * s3 - c1 * c3 * s2
    r[7] = c3 * s1 + c1 * s2 * s3
    r[8] = c1 * c2


cdef void _turn(float *euler, const float *step) noexcept nogil:
    """R times the rotation nearest to I + [w]x, back to Euler angles; what is not finite becomes 0."""
    cdef float r[9]
    cdef double turn[9]
    cdef double q[9]
    cdef double w0 = step[0], w1 = step[1], w2 = step[2]
    cdef double k = 1.0 / sqrt(1.0 + w0 * w0 + w1 * w1 + w2 * w2)
    cdef double f = k * k / (1.0 + k)
    cdef double w, x, y, z, t, trace
    cdef int i, j
    turn[0] = k + f * w0 * w0
    turn[1] = -k * w2 + f * w0 * w1
    turn[2] = k * w1 + f * w0 * w2
    turn[3] = k * w2 + f * w0 * w1
    turn[4] = k + f * w1 * w1
    turn[5] = -k * w0 + f * w1 * w2
    turn[6] = -k * w1 + f * w0 * w2
    turn[7] = k * w0 + f * w1 * w2
    turn[8] = k + f * w2 * w2
    _rotation(euler, r)
    for i in range(3):
        for j in range(3):
            q[3 * i + j] = r[3 * i] * turn[j] + r[3 * i + 1] * turn[3 + j] + r[3 * i + 2] * turn[6 + j]
    trace = 1.0 + q[0] + q[4] + q[8]
    w = sqrt(trace if trace > 0.0 else 0.0) / 2.0
    x = (q[7] - q[5]) / (4.0 * w)
    y = (q[2] - q[6]) / (4.0 * w)
    z = (q[3] - q[1]) / (4.0 * w)
    t = 2.0 * (w * y + x * z)
    if t > 1.0:
        t = 1.0
    elif t < -1.0:
        t = -1.0
    euler[0] = <float>atan2(2.0 * (w * x - y * z), w * w - x * x - y * y + z * z)
    euler[1] = <float>asin(t)
    euler[2] = <float>atan2(2.0 * (w * z - x * y), w * w + x * x - y * y - z * z)
    if not (isfinite(euler[0]) and isfinite(euler[1]) and isfinite(euler[2])):
        euler[0] = euler[1] = euler[2] = 0.0


cdef void _solve(float *h, float *b, int size) noexcept nogil:
    """H x = b in place by Cholesky, rounded like OpenCV's: factors in float32, sums in float64. Zeros when a pivot is too small.

    The upper triangle of `h` (row stride SIZE) is used.
    """
    cdef double rest[SIZE * SIZE]
    cdef double right[SIZE]
    cdef float factor
    cdef double sum_
    cdef float *row
    cdef double *target
    cdef int i, j, k
    for i in range(size):
        right[i] = b[i]
        for j in range(i, size):
            rest[i * SIZE + j] = h[i * SIZE + j]
    for k in range(size):
        if not rest[k * SIZE + k] >= EPSILON:
            memset(b, 0, size * sizeof(float))
            return
        row = h + k * SIZE
        row[k] = <float>(1.0 / sqrt(rest[k * SIZE + k]))
        for j in range(k + 1, size):
            row[j] = <float>(rest[k * SIZE + j] * row[k])
        b[k] = <float>(right[k] * row[k])
        for i in range(k + 1, size):
            factor = row[i]
            target = rest + i * SIZE
            for j in range(i, size):
                target[j] -= <double>(factor * row[j])
            right[i] -= <double>(factor * b[k])
    for k in range(size - 1, -1, -1):
        sum_ = b[k]
        row = h + k * SIZE
        for j in range(size - 1, k, -1):
            sum_ -= <double>(row[j] * b[j])
        b[k] = <float>(sum_ * row[k])


cdef void _shift(
    const float *response, int window, const double *table, float x, float y, float *out
) noexcept nogil:
    cdef float limit = <float>window - GRID
    cdef float total = 0.0, sum_x = 0.0, sum_y = 0.0, value
    cdef float values[MAX_CELLS]
    cdef const double *across
    cdef const double *down
    cdef int i, j, k
    if not x > 0.0:  # NaN, too
        x = 0.0
    if not y > 0.0:
        y = 0.0
    if x > limit:
        x = limit
    if y > limit:
        y = limit
    across = table + (<int>(<double>(x / GRID) + 0.5)) * window
    down = table + (<int>(<double>(y / GRID) + 0.5)) * window
    for i in range(window):
        for j in range(window):
            values[i * window + j] = response[i * window + j] * <float>(down[i] * across[j])
    k = 0
    for i in range(window):
        for j in range(window):
            value = values[k]
            k += 1
            total += value
            sum_x += value * j
            sum_y += value * i
    if total > 0.0:
        out[0] = sum_x / total - x
        out[1] = sum_y / total - y
    else:
        out[0] = out[1] = 0.0


cdef void _kernel_table(int window, double sigma, double *table) noexcept nogil:
    cdef int g, j
    cdef double a = -0.5 / (sigma * sigma), distance
    for g in range(10 * window + 1):
        for j in range(window):
            distance = <double>(<float>g * GRID) - j
            table[g * window + j] = exp(a * distance * distance)


cdef void _normal_matrix(const float *jacobian, const float *weighted, int rows, int size, float *h) noexcept nogil:
    """Upper triangle of J' W J; rows is even."""
    cdef int r, i, j
    cdef float f0, f1, f2, f3
    cdef const float *row
    cdef float *target
    memset(h, 0, size * SIZE * sizeof(float))
    r = 0
    while r + 4 <= rows:
        row = jacobian + r * SIZE
        for i in range(size):
            f0 = weighted[r * SIZE + i]
            f1 = weighted[(r + 1) * SIZE + i]
            f2 = weighted[(r + 2) * SIZE + i]
            f3 = weighted[(r + 3) * SIZE + i]
            target = h + i * SIZE
            for j in range(i & ~3, size):
                target[j] += (f0 * row[j] + f1 * row[SIZE + j]) + (f2 * row[2 * SIZE + j] + f3 * row[3 * SIZE + j])
        r += 4
    while r < rows:
        row = jacobian + r * SIZE
        for i in range(size):
            f0 = weighted[r * SIZE + i]
            target = h + i * SIZE
            for j in range(i & ~3, size):
                target[j] += f0 * row[j]
        r += 1


cdef void _shape(
    int n, int m, const float *mean, const float *modes, const float *local, const float *r, const float *pose, float *shape, float *current
) noexcept nogil:
    cdef int i, j
    cdef float value
    cdef const float *mode
    memset(shape, 0, 3 * n * sizeof(float))
    for j in range(m):
        value = local[j]
        mode = modes + j * 3 * n
        for i in range(3 * n):
            shape[i] += mode[i] * value
    for i in range(3 * n):
        shape[i] += mean[i]
    for i in range(n):
        current[i] = pose[0] * (r[0] * shape[i] + r[1] * shape[n + i] + r[2] * shape[2 * n + i]) + pose[4]
        current[n + i] = pose[0] * (r[3] * shape[i] + r[4] * shape[n + i] + r[5] * shape[2 * n + i]) + pose[5]


cdef void _row(
    int n, int m, int i, int axis, bint rigid, const float *components, const float *shape, const float *r, float scale, float *row
) noexcept nogil:
    """A landmark's row of the Jacobian for one axis."""
    cdef float x = shape[i], y = shape[n + i], z = shape[2 * n + i]
    cdef float r0 = r[3 * axis], r1 = r[3 * axis + 1], r2 = r[3 * axis + 2]
    cdef float s0, s1, s2
    cdef const float *a = components + i * m
    cdef const float *b = components + (n + i) * m
    cdef const float *c = components + (2 * n + i) * m
    cdef int j
    row[0] = x * r0 + y * r1 + z * r2
    row[1] = scale * (y * r2 - z * r1)
    row[2] = -scale * (x * r2 - z * r0)
    row[3] = scale * (x * r1 - y * r0)
    row[4] = 1 - axis
    row[5] = axis
    if rigid:
        return
    s0 = scale * r0
    s1 = scale * r1
    s2 = scale * r2
    for j in range(m):
        row[6 + j] = s0 * a[j] + s1 * b[j] + s2 * c[j]


cdef int _run(
    int n, int m, int window, const float *mean, const float *components, const float *modes, const float *limits,
    const float *regularisation, const float *base, const float *responses, const float *weights, const float *to_reference,
    const float *to_image, const double *table, bint rigid, int iterations, float *pose, float *local, float *offsets,
    float *jacobian, float *weighted,
) noexcept nogil:
    cdef float h[SIZE * SIZE]
    cdef float b[SIZE]
    cdef double sums[SIZE]
    cdef float shape[3 * MAX_POINTS]
    cdef float current[2 * MAX_POINTS]
    cdef float previous[2 * MAX_POINTS]
    cdef float r[9]
    cdef float shift[2]
    cdef float moved[2]
    cdef float x, y, half = window // 2
    cdef double moved_by, distance
    cdef float *row
    cdef int i, j, axis, rows, iteration, size = 6 if rigid else 6 + m
    for iteration in range(iterations):
        _rotation(pose + 1, r)
        _shape(n, m, mean, modes, local, r, pose, shape, current)
        if iteration > 0:
            moved_by = 0.0
            for i in range(2 * n):
                distance = <double>(current[i] - previous[i])
                moved_by += distance * distance
            if sqrt(moved_by) < STILL:
                return iteration
        memcpy(previous, current, 2 * n * sizeof(float))
        memset(sums, 0, sizeof(sums))
        rows = 0
        for i in range(n):
            x = current[i] - base[i]
            y = current[n + i] - base[n + i]
            offsets[i] = <float>(<double>to_reference[0] * x + <double>to_reference[1] * y) + half
            offsets[n + i] = <float>(<double>to_reference[2] * x + <double>to_reference[3] * y) + half
            if weights[i] == 0.0:
                continue
            _shift(responses + i * window * window, window, table, offsets[i], offsets[n + i], shift)
            moved[0] = <float>(<double>to_image[0] * shift[0] + <double>to_image[1] * shift[1])
            moved[1] = <float>(<double>to_image[2] * shift[0] + <double>to_image[3] * shift[1])
            for axis in range(2):
                row = jacobian + rows * SIZE
                _row(n, m, i, axis, rigid, components, shape, r, pose[0], row)
                for j in range(size):
                    weighted[rows * SIZE + j] = row[j] * weights[i]
                    sums[j] += <double>weighted[rows * SIZE + j] * moved[axis]
                rows += 1
        _normal_matrix(jacobian, weighted, rows, size, h)
        for j in range(size):
            b[j] = <float>sums[j]
        if not rigid:
            for j in range(m):
                b[6 + j] -= regularisation[j] * local[j]
                h[(6 + j) * SIZE + 6 + j] += regularisation[j]
        _solve(h, b, size)
        pose[0] += b[0]
        _turn(pose + 1, b + 1)
        pose[4] += b[4]
        pose[5] += b[5]
        for j in range(m):
            if not rigid:
                local[j] += b[6 + j]
            if local[j] > limits[j]:
                local[j] = limits[j]
            elif local[j] < -limits[j]:
                local[j] = -limits[j]
    return iterations


def run(
    const float[:, ::1] mean,
    const float[:, :, ::1] components,
    const float[:, :, ::1] modes,
    const float[::1] limits,
    const float[::1] regularisation,
    const float[:, ::1] base,
    const float[:, :, ::1] responses,
    const float[::1] weights,
    const float[:, ::1] to_reference,
    const float[:, ::1] to_image,
    double sigma,
    bint rigid,
    int iterations,
    float[::1] pose,
    float[::1] local,
    float[:, ::1] offsets,
):
    """See stage_numpy.run: same parameters, same result to rounding."""
    cdef int n = components.shape[1], m = components.shape[2], window = responses.shape[1], done
    if m > MAX_MODES or n > MAX_POINTS or m < 1 or n < 1 or window < 1 or window > MAX_WINDOW:
        raise ValueError(f"the kernel takes 1 to {MAX_MODES} modes, {MAX_POINTS} points and windows to {MAX_WINDOW}, not {m}, {n}, {window}")
    if (
        mean.shape[0] != 3 or mean.shape[1] != n or components.shape[0] != 3 or modes.shape[0] != m or modes.shape[1] != 3
        or modes.shape[2] != n or limits.shape[0] != m or regularisation.shape[0] != m or base.shape[0] != 2 or base.shape[1] != n
        or responses.shape[0] != n or responses.shape[2] != window or weights.shape[0] != n or to_reference.shape[0] != 2
        or to_reference.shape[1] != 2 or to_image.shape[0] != 2 or to_image.shape[1] != 2 or pose.shape[0] != 6 or local.shape[0] != m
        or offsets.shape[0] != 2 or offsets.shape[1] != n
    ):
        raise ValueError("the shapes of the arguments do not belong together")
    cdef double table[(10 * MAX_WINDOW + 1) * MAX_WINDOW]
    cdef float jacobian[2 * MAX_POINTS * SIZE]
    cdef float weighted[2 * MAX_POINTS * SIZE]
    with nogil:
        _kernel_table(window, sigma, table)
        done = _run(
            n, m, window, &mean[0, 0], &components[0, 0, 0], &modes[0, 0, 0], &limits[0], &regularisation[0], &base[0, 0],
            &responses[0, 0, 0], &weights[0], &to_reference[0, 0], &to_image[0, 0], table, rigid, iterations, &pose[0], &local[0],
            &offsets[0, 0], jacobian, weighted,
        )
    return done


def mean_shift(
    const float[:, :, ::1] responses,
    const float[:, ::1] offsets,
    const unsigned char[::1] visible,
    double sigma,
    float[:, ::1] shifts,
):
    """See stage_numpy.mean_shift: same parameters, same result."""
    cdef int n = responses.shape[0], window = responses.shape[1], i
    if (
        window < 1 or window > MAX_WINDOW or responses.shape[2] != window or offsets.shape[0] != 2 or offsets.shape[1] != n
        or visible.shape[0] != n or shifts.shape[0] != 2 or shifts.shape[1] != n
    ):
        raise ValueError("the shapes of the arguments do not belong together")
    cdef double table[(10 * MAX_WINDOW + 1) * MAX_WINDOW]
    cdef float shift[2]
    with nogil:
        _kernel_table(window, sigma, table)
        for i in range(n):
            shift[0] = shift[1] = 0.0
            if visible[i]:
                _shift(&responses[i, 0, 0], window, table, offsets[0, i], offsets[1, i], shift)
            shifts[0, i] = shift[0]
            shifts[1, i] = shift[1]
