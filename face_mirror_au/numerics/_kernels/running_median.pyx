# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Running medians by following the histogram. Its twin, with the explanation, is running_median_numpy.py."""

from libc.stdint cimport int32_t, int64_t, uint32_t


def update(
    const double[::1] values,
    uint32_t[:, ::1] histogram,
    int32_t[::1] median_bin,
    int64_t[::1] below,
    long long count,
    double minimum,
    double length,
):
    """See running_median_numpy.update: same parameters, same result."""
    cdef Py_ssize_t n = values.shape[0], i
    cdef int32_t bins = <int32_t>histogram.shape[1], index, median
    cdef int64_t target = (count + 1) // 2, before
    cdef double position, last = bins - 1
    if histogram.shape[0] != n or median_bin.shape[0] != n or below.shape[0] != n or bins < 1 or count < 1:
        raise ValueError("the shapes of the arguments do not belong together")
    with nogil:
        for i in range(n):
            position = (values[i] - minimum) * bins / length
            if not position > 0.0:
                index = 0
            elif position >= last:
                index = bins - 1
            else:
                index = <int32_t>position
            histogram[i, index] += 1
            median = median_bin[i]
            before = below[i]
            if index < median:
                before += 1
            while before >= target and median > 0:
                median -= 1
                before -= histogram[i, median]
            while median < bins - 1 and before + histogram[i, median] < target:
                before += histogram[i, median]
                median += 1
            median_bin[i] = median
            below[i] = before
