"""How straight the head was held, and how straight it must be for left against right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_mirror_au.records import FloatArray

# Degrees of yaw. A face turned to the side shows one half smaller: what that does to left against right is no asymmetry of the face.
GOOD_YAW = 3.0
ACCEPTABLE_YAW = 5.0


@dataclass(frozen=True, slots=True)
class HeadPose:
    """The turn of the head to the side over the measured frames.

    Attributes
    ----------
    median_deg, signed_deg : float
        Median of the absolute yaw and of the yaw, degrees.
    good, acceptable : float
        Share of the measured frames within 3 and within 5 degrees, 0 to 1.
    verdict : str
        Of the median: "good", "acceptable" or "turned too far".
    """

    median_deg: float
    signed_deg: float
    good: float
    acceptable: float
    verdict: str


def head_pose(yaw_deg: FloatArray | None) -> HeadPose | None:
    """Judge the yaw (N,), degrees, NaN without a face; None without any measured frame."""
    if yaw_deg is None or not np.isfinite(yaw_deg).any():
        return None
    measured = yaw_deg[np.isfinite(yaw_deg)]
    turn = np.abs(measured)
    median = float(np.median(turn))
    verdict = "good" if median <= GOOD_YAW else "acceptable" if median <= ACCEPTABLE_YAW else "turned too far"
    return HeadPose(median, float(np.median(measured)), float((turn <= GOOD_YAW).mean()), float((turn <= ACCEPTABLE_YAW).mean()), verdict)
