# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What the experts see and answer. Its twin, with the explanation, is responses_numpy.py."""

from libc.math cimport rint, sqrt
from libc.string cimport memset

cdef enum:
    SUPPORT = 11
    PATCH = 121
    MAX_WINDOW = 15
    MAX_SIDE = 25
    MAX_CELLS = 232  # 15 * 15, up to a multiple of 8
    MAX_NEURONS = 32
    UNITS = 1024


cdef inline int _pixel(const unsigned char *image, long long height, long long width, long long y, long long x) noexcept nogil:
    if x < 0 or y < 0 or x >= width or y >= height:
        return 0
    return image[y * width + x]


cdef void _area(
    const unsigned char *image, long long height, long long width, float px, float py, float a, float b, int side, float *out
) noexcept nogil:
    cdef float centre = <float>((side - 1) / 2.0)
    cdef double start_x = px - a * centre + b * centre
    cdef double start_y = py - a * centre - b * centre
    cdef long long across_x[MAX_SIDE]
    cdef long long across_y[MAX_SIDE]
    cdef long long down_x, down_y, x, y
    cdef int u, v, fx, fy
    cdef const unsigned char *p
    for u in range(side):
        across_x[u] = <long long>rint(<double>a * u * UNITS)
        across_y[u] = <long long>rint(<double>b * u * UNITS)
    for v in range(side):
        down_x = <long long>rint((-<double>b * v + start_x) * UNITS) + 16
        down_y = <long long>rint((<double>a * v + start_y) * UNITS) + 16
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
    cdef long long height = image.shape[0], width = image.shape[1]
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


cdef extern from *:
    """
    #include <stdint.h>
    #include <stdlib.h>
    #include <string.h>

    #define CCNF_SUPPORT 11
    #define CCNF_PATCH 121
    #define CCNF_RESTRICT __restrict

    /* Where the loader can choose by processor, these loops exist twice. Each lane keeps its own sum: the results are the same, bit by bit. */
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define CCNF_CLONES __attribute__((target_clones("avx2", "default")))
    #else
    #define CCNF_CLONES
    #endif

    /* The patches of all cells as columns (121, cells). Rows are copied longer than they are: the next one writes over the rest. */
    #define CCNF_COPY(LENGTH) \
        for (y = 0; y < window; y++) { \
            const float *row = area + (y + i) * side + j; \
            float *to = column + y * window; \
            for (x = 0; x < LENGTH; x++) to[x] = row[x]; \
        }

    CCNF_CLONES static void ccnf_columns(const float *CCNF_RESTRICT area, int side, int window, int cells, float *CCNF_RESTRICT columns) {
        int i, j, x, y;
        for (i = 0; i < CCNF_SUPPORT; i++)
            for (j = 0; j < CCNF_SUPPORT; j++) {
                float *column = columns + (i * CCNF_SUPPORT + j) * cells;
                if (window > 12) { CCNF_COPY(16) }
                else if (window > 8) { CCNF_COPY(12) }
                else if (window > 4) { CCNF_COPY(8) }
                else { CCNF_COPY(4) }
            }
    }

    /* sums = W . patch for all neurons and cells; cells is a multiple of 8. Eight cells of seven neurons fit the registers. */
    #if defined(__GNUC__)
    typedef float ccnf_lanes __attribute__((vector_size(32), aligned(4), may_alias));
    #define CCNF_LANES 8
    #else
    typedef float ccnf_lanes;
    #define CCNF_LANES 1
    #endif

    CCNF_CLONES static void ccnf_excite(
        const float *CCNF_RESTRICT weights, const float *CCNF_RESTRICT columns, int neurons, int cells, float *CCNF_RESTRICT sums
    ) {
        int k, n, x;
        for (x = 0; x < cells; x += CCNF_LANES) {
            for (n = 0; n + 7 <= neurons; n += 7) {
                const float *w = weights + n * CCNF_PATCH;
                ccnf_lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, s4 = {0}, s5 = {0}, s6 = {0};
                for (k = 0; k < CCNF_PATCH; k++, w++) {
                    const ccnf_lanes c = *(const ccnf_lanes *)(columns + k * cells + x);
                    s0 += c * w[0];
                    s1 += c * w[CCNF_PATCH];
                    s2 += c * w[2 * CCNF_PATCH];
                    s3 += c * w[3 * CCNF_PATCH];
                    s4 += c * w[4 * CCNF_PATCH];
                    s5 += c * w[5 * CCNF_PATCH];
                    s6 += c * w[6 * CCNF_PATCH];
                }
                *(ccnf_lanes *)(sums + n * cells + x) = s0;
                *(ccnf_lanes *)(sums + (n + 1) * cells + x) = s1;
                *(ccnf_lanes *)(sums + (n + 2) * cells + x) = s2;
                *(ccnf_lanes *)(sums + (n + 3) * cells + x) = s3;
                *(ccnf_lanes *)(sums + (n + 4) * cells + x) = s4;
                *(ccnf_lanes *)(sums + (n + 5) * cells + x) = s5;
                *(ccnf_lanes *)(sums + (n + 6) * cells + x) = s6;
            }
            for (; n < neurons; n++) {
                ccnf_lanes s = {0};
                for (k = 0; k < CCNF_PATCH; k++) s += *(const ccnf_lanes *)(columns + k * cells + x) * weights[n * CCNF_PATCH + k];
                *(ccnf_lanes *)(sums + n * cells + x) = s;
            }
        }
    }

    /* Adds amount / (1 + exp(-(sum / norm + bias))) of all cells: exp by powers of 2 and Taylor's series of what is left, right to float32. */
    CCNF_CLONES static void ccnf_answer(
        const float *CCNF_RESTRICT sums, const float *CCNF_RESTRICT inverse_norms, int cells, float bias, float amount, float *CCNF_RESTRICT out
    ) {
        int x;
        for (x = 0; x < cells; x++) {
            float z = -(sums[x] * inverse_norms[x] + bias), whole, rest, power;
            int32_t bits;
            z = z < -80.0f ? -80.0f : z;
            z = z > 80.0f ? 80.0f : z;
            whole = z * 1.44269504f + 12582912.0f;  /* rounds to a whole number, which then lies in the lowest bits */
            memcpy(&bits, &whole, 4);
            whole -= 12582912.0f;
            rest = (z - whole * 0.693359375f) + whole * 2.12194440e-4f;  /* log 2 in two parts */
            power = 1.0f + rest * (1.0f + rest * (1.0f / 2 + rest * (1.0f / 6 + rest * (1.0f / 24
                    + rest * (1.0f / 120 + rest * (1.0f / 720 + rest * (1.0f / 5040)))))));
            bits = (int32_t)((uint32_t)bits << 23) + (127 << 23);
            memcpy(&whole, &bits, 4);
            out[x] += amount / (1.0f + power * whole);
        }
    }

    /* out = smoothing . raw, which is symmetric. */
    CCNF_CLONES static void ccnf_smooth(const float *CCNF_RESTRICT smoothing, const float *CCNF_RESTRICT raw, int count, float *CCNF_RESTRICT out) {
        int k, x;
        for (x = 0; x < count; x++) out[x] = 0.0f;
        for (k = 0; k + 4 <= count; k += 4) {
            const float *CCNF_RESTRICT row = smoothing + k * count;
            const float r0 = raw[k], r1 = raw[k + 1], r2 = raw[k + 2], r3 = raw[k + 3];
            for (x = 0; x < count; x++)
                out[x] += (r0 * row[x] + r1 * row[count + x]) + (r2 * row[2 * count + x] + r3 * row[3 * count + x]);
        }
        for (; k < count; k++)
            for (x = 0; x < count; x++) out[x] += raw[k] * smoothing[k * count + x];
    }

    /* Symmetric sweeps of the lower triangle, without a choice of pivots: the matrix is positive definite. One thread, quicker than LAPACK here. */
    CCNF_CLONES static void ccnf_invert(float *CCNF_RESTRICT a, int size, float *CCNF_RESTRICT swept) {
        int i, k, x;
        for (k = 0; k < size; k++) {
            const float pivot = 1.0f / a[k * size + k];
            for (x = 0; x < k; x++) swept[x] = a[k * size + x];
            for (i = k; i < size; i++) swept[i] = a[i * size + k];
            for (i = 0; i < size; i++) {
                float *CCNF_RESTRICT row = a + i * size;
                const float factor = swept[i] * pivot;
                for (x = 0; x <= i; x++) row[x] -= factor * swept[x];
                if (i > k) row[k] = factor;
            }
            for (x = 0; x < k; x++) a[k * size + x] = swept[x] * pivot;
            a[k * size + k] = -pivot;
        }
        for (i = 0; i < size; i++)
            for (x = 0; x <= i; x++) a[x * size + i] = a[i * size + x] = -a[i * size + x];
    }
    """
    void ccnf_invert(float *a, int size, float *swept) noexcept nogil
    void ccnf_columns(const float *area, int side, int window, int cells, float *columns) noexcept nogil
    void ccnf_excite(const float *weights, const float *columns, int neurons, int cells, float *sums) noexcept nogil
    void ccnf_answer(const float *sums, const float *inverse_norms, int cells, float bias, float amount, float *out) noexcept nogil
    void ccnf_smooth(const float *smoothing, const float *raw, int count, float *out) noexcept nogil


cdef void _respond(
    const float *area, int side, int window, int neurons, const float *weights, const double *biases, const double *amounts,
    const float *smoothing, bint smoothed, float *columns, float *out,
) noexcept nogil:
    cdef int cells = (window * window + 7) & ~7, count = window * window
    cdef float centred[MAX_SIDE * MAX_SIDE + 16]
    cdef float inverse[MAX_CELLS]
    cdef float sums[MAX_NEURONS * MAX_CELLS]
    cdef float raw[MAX_CELLS]
    cdef double total = 0.0
    cdef float offset, least
    cdef int k, x
    for k in range(side * side):
        total += area[k]
    offset = <float>rint(total / (side * side))
    for k in range(side * side):
        centred[k] = area[k] - offset
    memset(centred + side * side, 0, 16 * sizeof(float))
    memset(inverse, 0, sizeof(inverse))
    _inverse_norms(area, side, window, inverse)
    ccnf_columns(centred, side, window, cells, columns)
    memset(raw, 0, sizeof(raw))
    ccnf_excite(weights, columns, neurons, cells, sums)
    for k in range(neurons):
        if amounts[k] != 0.0:
            ccnf_answer(sums + k * cells, inverse, cells, <float>biases[k], <float>amounts[k], raw)
    if smoothed:
        ccnf_smooth(smoothing, raw, count, out)
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
    # Rows are written longer than they are; what no patch fills must be numbers.
    cdef float columns[PATCH * MAX_CELLS + 16]
    memset(columns, 0, sizeof(columns))
    with nogil:
        for i in range(n):
            if visible[i]:
                _respond(
                    &surroundings[i, 0, 0], side, window, neurons, &weights[i, 0, 0], &biases[i, 0], &amounts[i, 0],
                    &smoothing[i, 0, 0], smoothed, columns, &out[i, 0, 0],
                )
            else:
                memset(&out[i, 0, 0], 0, window * window * sizeof(float))


def invert(float[:, :, ::1] matrices):
    """See responses_numpy.invert: same parameters, same result to rounding."""
    cdef int i, size = matrices.shape[1]
    cdef float swept[MAX_CELLS]
    if matrices.shape[2] != size or size < 1 or size > MAX_CELLS:
        raise ValueError(f"the matrices are not square, or not of 1 to {MAX_CELLS} rows")
    with nogil:
        for i in range(matrices.shape[0]):
            ccnf_invert(&matrices[i, 0, 0], size, swept)
