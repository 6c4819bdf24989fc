"""Appearance: Felzenszwalb's histogram of oriented gradients of the aligned face, by pyfhog."""

from __future__ import annotations

import numpy as np

from face_mirror_au.errors import FrameError
from face_mirror_au.numerics.alignment import ALIGNED_SIZE
from face_mirror_au.records import Float32Array, Image

CELL_SIZE = 8
HOG_SIZE = 12 * 12 * 31


def extract_fhog(aligned: Image) -> Float32Array:
    """FHOG of an aligned face.

    Parameters
    ----------
    aligned : ndarray, (112, 112, 3) uint8
        BGR, C-contiguous. pyfhog reads any other memory layout wrongly and without a word, hence the check.

    Returns
    -------
    ndarray, (4464,) float32
        Index (row * 12 + col) * 31 + orientation.

    Raises
    ------
    FrameError
        When `aligned` is anything else.
    """
    import pyfhog  # at first use: only workers need it

    if aligned.shape != (ALIGNED_SIZE, ALIGNED_SIZE, 3) or aligned.dtype != np.uint8 or not aligned.flags.c_contiguous:
        raise FrameError(
            f"FHOG needs a contiguous ({ALIGNED_SIZE}, {ALIGNED_SIZE}, 3) uint8 face, not {aligned.shape} {aligned.dtype} "
            f"(contiguous: {aligned.flags.c_contiguous})"
        )
    return np.asarray(pyfhog.extract_fhog_features(aligned, cell_size=CELL_SIZE), dtype=np.float32)
