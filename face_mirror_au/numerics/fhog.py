"""Appearance: Felzenszwalb's histogram of oriented gradients of the aligned face.

Two programs compute it, to the same bits: our own kernel, and pyfhog, whose licence forbids commercial use.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from face_mirror_au.errors import FrameError
from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics.alignment import ALIGNED_SIZE
from face_mirror_au.records import Float32Array, Image

CELL_SIZE = 8
HOG_SIZE = 12 * 12 * 31
OWN, PYFHOG = "own", "pyfhog"


def fhog_program(*, unrestricted: bool) -> str:
    """Which program to take: `OWN` where anyone may use the AU models; beside others `PYFHOG`, where it is installed."""
    return OWN if unrestricted or find_spec("pyfhog") is None else PYFHOG


def extract_fhog(aligned: Image, program: str = OWN) -> Float32Array:
    """FHOG of an aligned face.

    Parameters
    ----------
    aligned : ndarray, (112, 112, 3) uint8
        BGR, C-contiguous. pyfhog reads any other memory layout wrongly and without a word, hence the check.
    program : str
        `OWN` or `PYFHOG`.

    Returns
    -------
    ndarray, (4464,) float32
        Index (row * 12 + col) * 31 + orientation.

    Raises
    ------
    FrameError
        When `aligned` is anything else.
    """
    if aligned.shape != (ALIGNED_SIZE, ALIGNED_SIZE, 3) or aligned.dtype != np.uint8 or not aligned.flags.c_contiguous:
        raise FrameError(
            f"FHOG needs a contiguous ({ALIGNED_SIZE}, {ALIGNED_SIZE}, 3) uint8 face, not {aligned.shape} {aligned.dtype} "
            f"(contiguous: {aligned.flags.c_contiguous})"
        )
    if program == OWN:
        features = np.empty((12, 12, 31), np.float32)
        _kernels.fhog.describe(aligned, features)
        return features.reshape(-1)
    import pyfhog  # at first use: only workers need it

    return np.asarray(pyfhog.extract_fhog_features(aligned, cell_size=CELL_SIZE), dtype=np.float32)
