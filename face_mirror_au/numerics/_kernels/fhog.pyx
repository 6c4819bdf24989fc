# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Felzenszwalb's HOG of one picture. Its twin, with the explanation, is fhog_numpy.py."""

from libc.math cimport fabsf, floorf, sqrtf
from libc.stdint cimport uint8_t
from libc.stdlib cimport calloc, free

cdef enum:
    CELL = 8
    GROUP = 8
    BINS = 18
    FEATURES = 31

cdef float[9][2] DIRECTIONS = [
    [1.0, 0.0], [0.9397, 0.3420], [0.7660, 0.6428], [0.5, 0.8660], [0.1736, 0.9848],
    [-0.1736, 0.9848], [-0.5, 0.8660], [-0.7660, 0.6428], [-0.9397, 0.3420],
]
cdef float CLIP = 0.2, SMALLEST = 1e-4, SHARE = 0.1, TEXTURE = 2 * 0.2357


cdef struct Row:
    # Of each pixel of a row: its gradient, the largest dot product with a direction, that direction, the gradient's length; the share of the
    # later one of its two cells, and where the earlier one begins among the votes of a row.
    float *dx
    float *dy
    float *best
    float *found
    float *length
    float *share
    int *cell


cdef inline void _gradients(const uint8_t *above, const uint8_t *here, const uint8_t *below, Py_ssize_t width, Row row) noexcept nogil:
    """Gradients of the inner pixels, of the channel in which they are strongest."""
    cdef Py_ssize_t x, last = (width - 2) // GROUP * GROUP
    cdef int channel, dx, dy, strength, best_dx, best_dy, most
    for x in range(1, width - 1):
        most, best_dx, best_dy = -1, 0, 0
        for channel in range(2, -1, -1):  # R, G, B
            dx = <int>here[3 * x + 3 + channel] - <int>here[3 * x - 3 + channel]
            dy = <int>below[3 * x + channel] - <int>above[3 * x + channel]
            strength = dx * dx + dy * dy
            if strength > most or (x <= last and strength == most):
                most, best_dx, best_dy = strength, dx, dy
        row.dx[x], row.dy[x], row.length[x] = <float>best_dx, <float>best_dy, <float>most


cdef inline void _orientations(Py_ssize_t width, Row row) noexcept nogil:
    """The direction nearest to each gradient, 0 to 17, and the gradient's length."""
    cdef Py_ssize_t x
    cdef int orientation
    cdef float along, length, cx, cy, one, other
    cdef const float *dx = row.dx
    cdef const float *dy = row.dy
    cdef float *best = row.best
    cdef float *found = row.found
    for x in range(width):
        best[x], found[x], row.length[x] = 0.0, 0.0, sqrtf(row.length[x])
    for orientation in range(9):
        cx, cy = DIRECTIONS[orientation][0], DIRECTIONS[orientation][1]
        one, other = <float>orientation, <float>(orientation + 9)
        for x in range(width):
            along = cx * dx[x] + cy * dy[x]
            # At most one of both signs can be better: what is best is never negative.
            length = fabsf(along)
            found[x] = (one if along > 0.0 else other) if length > best[x] else found[x]
            best[x] = max(best[x], length)


cdef inline void _vote(Py_ssize_t y, Py_ssize_t width, Row row, float *votes) noexcept nogil:
    """Share the gradients of a row's pixels among four cells each; `votes` has a border of one cell."""
    cdef Py_ssize_t x, line = (width // CELL + 2) * BINS, last = (width - 2) // GROUP * GROUP
    cdef float position = (<float>y + <float>0.5) / <float>CELL - <float>0.5
    cdef float low_y, high_y, low_x, high_x, length
    cdef float *cells
    cdef float *cell
    high_y = position - floorf(position)
    low_y = <float>1.0 - high_y
    cells = votes + (<Py_ssize_t>floorf(position) + 1) * line
    for x in range(1, width - 1):
        high_x = row.share[x]
        low_x = <float>1.0 - high_x
        length = row.length[x]
        cell = cells + row.cell[x] + <int>row.found[x]
        if x <= last:
            cell[0] += low_y * (low_x * length)
            cell[BINS] += low_y * (high_x * length)
            cell[line] += high_y * (low_x * length)
            cell[line + BINS] += high_y * (high_x * length)
        else:
            cell[0] += (low_y * low_x) * length
            cell[BINS] += (low_y * high_x) * length
            cell[line] += (high_y * low_x) * length
            cell[line + BINS] += (high_y * high_x) * length


cdef inline float _limit(float a, float b, float c, float d) noexcept nogil:
    return CLIP * sqrtf(((a + b) + c) + d + SMALLEST)


cdef inline void _cell(const float *votes, const float *energy, Py_ssize_t stride, float *out) noexcept nogil:
    """The 31 features of one cell; `energy` points at its own in rows of `stride`."""
    cdef float[4] limit
    cdef float[4] scale
    cdef float[4] texture
    cdef float[4] part
    cdef float[4][3] three
    cdef float undirected
    cdef int o, k, j
    limit[0] = _limit(energy[0], energy[1], energy[stride], energy[stride + 1])
    limit[1] = _limit(energy[-stride], energy[1 - stride], energy[0], energy[1])
    limit[2] = _limit(energy[-1], energy[0], energy[stride - 1], energy[stride])
    limit[3] = _limit(energy[-stride - 1], energy[-stride], energy[-1], energy[0])
    for k in range(4):
        scale[k] = SHARE / limit[k]
        texture[k] = 0.0
    for o in range(0, BINS, 3):
        for j in range(3):
            for k in range(4):
                three[k][j] = min(votes[o + j], limit[k]) * scale[k]
            out[o + j] = (three[0][j] + three[2][j]) + (three[1][j] + three[3][j])
        for k in range(4):
            texture[k] += (three[k][0] + three[k][1]) + three[k][2]
    for o in range(9):
        undirected = votes[o] + votes[o + 9]
        for k in range(4):
            part[k] = min(undirected, limit[k]) * scale[k]
        out[BINS + o] = (part[0] + part[2]) + (part[1] + part[3])
    for k in range(4):
        out[27 + k] = texture[k] * TEXTURE


def describe(const uint8_t[:, :, ::1] image, float[:, :, ::1] features):
    """See fhog_numpy.describe: same parameters, same result."""
    cdef Py_ssize_t rows = image.shape[0] // CELL, columns = image.shape[1] // CELL, y, x, o
    cdef Py_ssize_t width = image.shape[1]
    cdef Row row
    cdef float *votes
    cdef float *energy
    cdef float *work
    cdef float *cell
    cdef float undirected, position
    if image.shape[2] != 3 or rows < 3 or columns < 3 or rows * CELL != image.shape[0] or columns * CELL != image.shape[1]:
        raise ValueError("the picture must be (8 m, 8 n, 3), m and n at least 3")
    if features.shape[0] != rows - 2 or features.shape[1] != columns - 2 or features.shape[2] != FEATURES:
        raise ValueError("the shapes of the arguments do not belong together")
    votes = <float *>calloc((rows + 2) * (columns + 2) * BINS, sizeof(float))
    energy = <float *>calloc(rows * columns, sizeof(float))
    work = <float *>calloc(6 * width, sizeof(float))
    row.cell = <int *>calloc(width, sizeof(int))
    if votes == NULL or energy == NULL or work == NULL or row.cell == NULL:
        free(votes)
        free(energy)
        free(work)
        free(row.cell)
        raise MemoryError
    row.dx, row.dy, row.best, row.found, row.length = work, work + width, work + 2 * width, work + 3 * width, work + 4 * width
    row.share = work + 5 * width
    with nogil:
        for x in range(width):
            position = (<float>x + <float>0.5) / <float>CELL - <float>0.5
            row.cell[x] = (<int>floorf(position) + 1) * BINS
            row.share[x] = position - floorf(position)
        for y in range(1, image.shape[0] - 1):
            _gradients(&image[y - 1, 0, 0], &image[y, 0, 0], &image[y + 1, 0, 0], width, row)
            _orientations(width, row)
            _vote(y, width, row, votes)
        for y in range(rows):
            for x in range(columns):
                cell = votes + ((y + 1) * (columns + 2) + x + 1) * BINS
                for o in range(9):
                    undirected = cell[o] + cell[o + 9]
                    energy[y * columns + x] += undirected * undirected
        for y in range(1, rows - 1):
            for x in range(1, columns - 1):
                cell = votes + ((y + 1) * (columns + 2) + x + 1) * BINS
                _cell(cell, energy + y * columns + x, columns, &features[y - 1, x - 1, 0])
        free(votes)
        free(energy)
        free(work)
        free(row.cell)
