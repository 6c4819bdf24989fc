# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What the experts see and answer. Its twin, with the explanation, is responses_numpy.py."""

from libc.math cimport exp, rint, sqrt
from libc.string cimport memset

cdef enum:
    SUPPORT = 11
    PATCH = 121
    MAX_WINDOW = 15
    MAX_SIDE = 25
    MAX_CELLS = 228  # 15 * 15, up to a multiple of 4
    MAX_NEURONS = 32
    UNITS = 1024


cdef inline int _pixel(const unsigned char *image, long height, long width, long y, long x) noexcept nogil:
    if x < 0 or y < 0 or x >= width or y >= height:
        return 0
    return image[y * width + x]


cdef void _area(
    const unsigned char *image, long height, long width, float px, float py, float a, float b, int side, float *out
) noexcept nogil:
    cdef float centre = <float>((side - 1) / 2.0)
    cdef double start_x = px - a * centre + b * centre
    cdef double start_y = py - a * centre - b * centre
    cdef long across_x[MAX_SIDE]
    cdef long across_y[MAX_SIDE]
    cdef long down_x, down_y, x, y
    cdef int u, v, fx, fy
    cdef const unsigned char *p
    for u in range(side):
        across_x[u] = <long>rint(<double>a * u * UNITS)
        across_y[u] = <long>rint(<double>b * u * UNITS)
    for v in range(side):
        down_x = <long>rint((-<double>b * v + start_x) * UNITS) + 16
        down_y = <long>rint((<double>a * v + start_y) * UNITS) + 16
        for u in range(side):
            x = (down_x + across_x[u]) >> 5
            y = (down_y + across_y[u]) >> 5
            fx = x & 31
            fy = y & 31
            x >>= 5
            y >>= 5
            if x >= 0 and y >= 0 and x < width - 1 and y < height - 1:
                p = image + y * width + x
                out[v * side + u] = (
                    (p[0] * (32 - fx) + p[1] * fx) * (32 - fy) + (p[width] * (32 - fx) + p[width + 1] * fx) * fy
                ) * <float>(1.0 / UNITS)
            else:
                out[v * side + u] = (
                    (_pixel(image, height, width, y, x) * (32 - fx) + _pixel(image, height, width, y, x + 1) * fx) * (32 - fy)
                    + (_pixel(image, height, width, y + 1, x) * (32 - fx) + _pixel(image, height, width, y + 1, x + 1) * fx) * fy
                ) * <float>(1.0 / UNITS)


def areas(
    const unsigned char[:, ::1] image,
    const float[:, ::1] points,
    const unsigned char[::1] visible,
    const float[:, ::1] to_image,
    float[:, :, ::1] out,
):
    """See responses_numpy.areas: same parameters, same result."""
    cdef int n = out.shape[0], side = out.shape[1], i
    cdef long height = image.shape[0], width = image.shape[1]
    if (
        side < 1 or side > MAX_SIDE or out.shape[2] != side or points.shape[0] != 2 or points.shape[1] != n or visible.shape[0] != n
        or to_image.shape[0] != 2 or to_image.shape[1] != 2 or height < 1 or width < 1
    ):
        raise ValueError("the shapes of the arguments do not belong together")
    cdef float a = to_image[0, 0], b = -to_image[0, 1]
    with nogil:
        for i in range(n):
            if visible[i]:
                _area(&image[0, 0], height, width, points[0, i], points[1, i], a, b, side, &out[i, 0, 0])
            else:
                memset(&out[i, 0, 0], 0, side * side * sizeof(float))


cdef void _inverse_norms(const float *area, int side, int window, float *inverse) noexcept nogil:
    """1 over the norm of each patch minus its mean, by running sums of whole numbers (1/1024 grey levels): they are exact."""
    cdef double sums[MAX_SIDE]
    cdef double squares[MAX_SIDE]
    cdef double value, old, s, q, rest
    cdef int x, y
    memset(sums, 0, sizeof(sums))
    memset(squares, 0, sizeof(squares))
    for y in range(side):
        for x in range(side):
            value = area[y * side + x] * <double>UNITS
            sums[x] += value
            squares[x] += value * value
            if y >= SUPPORT:
                old = area[(y - SUPPORT) * side + x] * <double>UNITS
                sums[x] -= old
                squares[x] -= old * old
        if y < SUPPORT - 1:
            continue
        s = q = 0.0
        for x in range(side):
            s += sums[x]
            q += squares[x]
            if x >= SUPPORT:
                s -= sums[x - SUPPORT]
                q -= squares[x - SUPPORT]
            if x >= SUPPORT - 1:
                rest = PATCH * q - s * s
                inverse[(y - SUPPORT + 1) * window + x - SUPPORT + 1] = <float>(11.0 * UNITS / sqrt(rest)) if rest > 0.0 else 1.0


cdef void _excite(const float *weights, const float *columns, int cells, float *out) noexcept nogil:
    """W . patch for all cells; the patches lie in the columns of `columns` (121, cells), cells a multiple of 4."""
    cdef int k, x
    cdef float w0, w1, w2, w3, w4, w5, w6, w7
    cdef const float *c
    w0 = weights[0]
    for x in range(cells):
        out[x] = w0 * columns[x]
    for k in range(1, PATCH, 8):
        w0 = weights[k]
        w1 = weights[k + 1]
        w2 = weights[k + 2]
        w3 = weights[k + 3]
        w4 = weights[k + 4]
        w5 = weights[k + 5]
        w6 = weights[k + 6]
        w7 = weights[k + 7]
        c = columns + k * cells
        for x in range(cells):
            out[x] += (
                ((w0 * c[x] + w1 * c[cells + x]) + (w2 * c[2 * cells + x] + w3 * c[3 * cells + x]))
                + ((w4 * c[4 * cells + x] + w5 * c[5 * cells + x]) + (w6 * c[6 * cells + x] + w7 * c[7 * cells + x]))
            )


cdef void _respond(
    const float *area, int side, int window, int neurons, const float *weights, const double *biases, const double *amounts,
    const float *smoothing, bint smoothed, float *columns, float *out,
) noexcept nogil:
    cdef int cells = (window * window + 3) & ~3, count = window * window
    cdef float inverse[MAX_CELLS]
    cdef float excitation[MAX_CELLS]
    cdef float raw[MAX_CELLS]
    cdef double total = 0.0
    cdef float offset, least, value
    cdef float *column
    cdef const float *row
    cdef int i, j, k, x, y
    for k in range(side * side):
        total += area[k]
    offset = <float>rint(total / (side * side))
    _inverse_norms(area, side, window, inverse)
    for i in range(SUPPORT):
        for j in range(SUPPORT):
            column = columns + (i * SUPPORT + j) * cells
            for y in range(window):
                row = area + (y + i) * side + j
                for x in range(window):
                    column[y * window + x] = row[x] - offset
            for x in range(count, cells):
                column[x] = 0.0
    memset(raw, 0, sizeof(raw))
    for k in range(neurons):
        if amounts[k] == 0.0:
            continue
        _excite(weights + k * PATCH, columns, cells, excitation)
        for x in range(count):
            raw[x] += <float>(amounts[k] / (1.0 + exp(-(<double>(excitation[x] * inverse[x]) + biases[k]))))
    if smoothed:
        memset(out, 0, count * sizeof(float))
        for k in range(count):
            value = raw[k]
            row = smoothing + k * count
            for x in range(count):
                out[x] += row[x] * value
    else:
        for x in range(count):
            out[x] = raw[x] * smoothing[0]
    least = 0.0
    for x in range(count):
        if out[x] < least:
            least = out[x]
    for x in range(count):
        out[x] -= least


def ccnf(
    const float[:, :, ::1] surroundings,
    const unsigned char[::1] visible,
    const float[:, :, ::1] weights,
    const double[:, ::1] biases,
    const double[:, ::1] amounts,
    const float[:, :, ::1] smoothing,
    float[:, :, ::1] out,
):
    """See responses_numpy.ccnf: same parameters, same result to rounding."""
    cdef int n = out.shape[0], window = out.shape[1], side = surroundings.shape[1], neurons = weights.shape[1], i
    cdef bint smoothed = smoothing.shape[1] != 1
    if (
        window < 1 or window > MAX_WINDOW or out.shape[2] != window or side != window + SUPPORT - 1 or surroundings.shape[2] != side
        or surroundings.shape[0] != n or visible.shape[0] != n or weights.shape[0] != n or weights.shape[2] != PATCH
        or neurons < 1 or neurons > MAX_NEURONS or biases.shape[0] != n or biases.shape[1] != neurons or amounts.shape[0] != n
        or amounts.shape[1] != neurons or smoothing.shape[0] != n or smoothing.shape[2] != smoothing.shape[1]
        or (smoothed and smoothing.shape[1] != window * window)
    ):
        raise ValueError("the shapes of the arguments do not belong together")
    cdef float columns[PATCH * MAX_CELLS]
    with nogil:
        for i in range(n):
            if visible[i]:
                _respond(
                    &surroundings[i, 0, 0], side, window, neurons, &weights[i, 0, 0], &biases[i, 0], &amounts[i, 0],
                    &smoothing[i, 0, 0], smoothed, columns, &out[i, 0, 0],
                )
            else:
                memset(&out[i, 0, 0], 0, window * window * sizeof(float))
