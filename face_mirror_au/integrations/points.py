"""The landmarks of the application, as ours: 68 points in iBUG order, float32."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import LandmarksError
from face_mirror_au.records import N_LANDMARKS, Float32Array

N_WFLW = 98

# WFLW has every second jaw point more, brows with an under edge, eyes with two points more each, and pupils (96, 97).
WFLW_TO_IBUG: NDArray[np.intp] = np.array(
    [
        *range(0, 33, 2),  # jaw
        *range(33, 38),  # brow on the image's left
        *range(42, 47),  # the other
        *range(51, 60),  # nose
        *(60, 61, 63, 64, 65, 67),  # eye on the image's left
        *(68, 69, 71, 72, 73, 75),  # the other
        *range(76, 96),  # mouth
    ],
    dtype=np.intp,
)


# What the application's detectors say of points that they did not find in this frame, or that they do not trust: it mirrors with them
# all the same, which is good for a picture, and no measurement.
_SIGNS_OF_FAILURE = {"reused": True, "validation_passed": False, "valid": False}


class DetectorAnswers:
    """Tells the answers of one video's detector that are measurements from those that are not."""

    def __init__(self) -> None:
        self._gives_details = False

    def is_measurement(self, points: object, details: object) -> bool:
        """Whether the points were found in the frame that was asked for.

        Parameters
        ----------
        points : ndarray or None
        details : object
            The second value that `get_face_mesh` returned: a dict in some forms, None in others.
        """
        if points is None:
            return False
        if isinstance(details, dict):
            self._gives_details = True
            return not any(key in details and bool(details[key]) is sign for key, sign in _SIGNS_OF_FAILURE.items())
        # After an exception a detector whose answers have details gives a copy of what it found last, without any.
        return not self._gives_details


def ibug_points(points: object) -> Float32Array:
    """Turn what a `get_face_mesh` returned into 68 points of its own memory.

    Parameters
    ----------
    points : ndarray, (98, 2) in WFLW order or (68, 2) in iBUG order
        Pixels of the full frame; whole numbers or floats.

    Returns
    -------
    ndarray, (68, 2) float32

    Raises
    ------
    LandmarksError
    """
    array = np.asarray(points)
    if array.shape not in {(N_WFLW, 2), (N_LANDMARKS, 2)} or array.dtype.kind not in "iuf":
        raise LandmarksError(f"the application's landmarks are {array.dtype} of shape {array.shape}, not 68 or 98 points")
    chosen = np.array(array[WFLW_TO_IBUG] if len(array) == N_WFLW else array, dtype=np.float32)
    if not np.isfinite(chosen).all():
        raise LandmarksError("the application's landmarks are not finite")
    return chosen
