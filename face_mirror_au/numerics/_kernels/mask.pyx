# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Face mask: union of triangles. Its twin, with the explanation, is mask_numpy.py."""

from libc.math cimport ceil, floor
from libc.stdint cimport int32_t, uint8_t
from libc.string cimport memset


cdef inline void _cross(double x0, double y0, double x1, double y1, double y, double *low, double *high) noexcept nogil:
    cdef double x
    if y0 == y1:
        if y != y0:
            return
        low[0] = min(low[0], x0, x1)
        high[0] = max(high[0], x0, x1)
    elif min(y0, y1) <= y <= max(y0, y1):
        x = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
        low[0] = min(low[0], x)
        high[0] = max(high[0], x)


def fill_triangles(const double[:, ::1] points, const int32_t[:, ::1] triangles, uint8_t[:, ::1] mask):
    """See mask_numpy.fill_triangles: same parameters, same result."""
    cdef Py_ssize_t height = mask.shape[0], width = mask.shape[1], t, row, first_row, last_row, first, last
    cdef double x[3]
    cdef double y[3]
    cdef double low, high
    cdef int k
    if points.shape[1] != 2 or triangles.shape[1] != 3:
        raise ValueError("the shapes of the arguments do not belong together")
    for t in range(triangles.shape[0]):
        for k in range(3):
            if not 0 <= triangles[t, k] < points.shape[0]:
                raise IndexError(f"triangle {t} names point {triangles[t, k]} of {points.shape[0]}")
    with nogil:
        for t in range(triangles.shape[0]):
            for k in range(3):
                x[k] = points[triangles[t, k], 0]
                y[k] = points[triangles[t, k], 1]
            low = max(min(y[0], y[1], y[2]), 0.0)
            high = min(max(y[0], y[1], y[2]), <double>(height - 1))
            if not low <= high:
                continue
            first_row = <Py_ssize_t>ceil(low)
            last_row = <Py_ssize_t>floor(high)
            for row in range(first_row, last_row + 1):
                low = 1e300
                high = -1e300
                for k in range(3):
                    _cross(x[k], y[k], x[(k + 1) % 3], y[(k + 1) % 3], row, &low, &high)
                low = max(low, 0.0)
                high = min(high, <double>(width - 1))
                if not low <= high:
                    continue
                first = <Py_ssize_t>ceil(low)
                last = <Py_ssize_t>floor(high)
                if first <= last:
                    memset(&mask[row, first], 1, last - first + 1)
