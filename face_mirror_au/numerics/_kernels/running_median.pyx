# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Running medians by following the histogram. Its twin, with the explanation, is running_median_numpy.py."""

from libc.stdint cimport int32_t, uint16_t, uint32_t

ctypedef fused Value:
    float
    double

ctypedef fused Count:
    uint16_t
    uint32_t


def update(
    const Value[::1] values,
    Count[:, ::1] histogram,
    int32_t[::1] place,
    int32_t[::1] below,
    int rank,
    double minimum,
    double length,
    const double[::1] levels,
    double[::1] quantile,
):
    """See running_median_numpy.update: same parameters, same result."""
    cdef Py_ssize_t n = values.shape[0], i
    cdef int32_t bins = <int32_t>histogram.shape[1], index, here, before
    cdef double position, last = bins - 1
    cdef Count *row
    if (
        histogram.shape[0] != n or place.shape[0] != n or below.shape[0] != n or quantile.shape[0] != n or levels.shape[0] != bins
        or bins < 1 or rank < 1
    ):
        raise ValueError("the shapes of the arguments do not belong together")
    with nogil:
        for i in range(n):
            position = (<double>values[i] - minimum) * bins / length
            if not position > 0.0:
                index = 0
            elif position >= last:
                index = bins - 1
            else:
                index = <int32_t>position
            row = &histogram[i, 0]
            row[index] += 1
            here = place[i]
            before = below[i]
            if index < here:
                before += 1
            while before >= rank and here > 0:
                here -= 1
                before -= row[here]
            while here < bins - 1 and before + <int32_t>row[here] < rank:
                before += row[here]
                here += 1
            below[i] = before
            if here != place[i]:
                place[i] = here
                quantile[i] = levels[here]
