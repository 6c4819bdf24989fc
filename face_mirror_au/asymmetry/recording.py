"""One recording as arrays: all that its asymmetry is measured from. Left and right are the SUBJECT's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.asymmetry.landmarks import Millimetres
from face_mirror_au.asymmetry.movements import Movement, propose_movements
from face_mirror_au.records import ALL_AUS, FloatArray


@dataclass(frozen=True, slots=True)
class TwoSides:
    """Final intensities of both sides of one face. N rows, one for each decoded frame.

    Attributes
    ----------
    left, right : ndarray, (N, 22) float64
        0 to 5, in the order of `ALL_AUS`; NaN where there is no measurement. Given with fewer columns, the last ones are not measured.
    left_success, right_success : ndarray, (N,) bool
        Whether a face was measured.
    raw : mapping of str to two ndarrays, (N,) float64
        For each of `RAW_AUS`, the raw intensities of left and right; NaN where there is no measurement.
    """

    left: FloatArray
    right: FloatArray
    left_success: NDArray[np.bool_]
    right_success: NDArray[np.bool_]
    raw: Mapping[str, tuple[FloatArray, FloatArray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("left", "right"):
            values: FloatArray = getattr(self, name)
            missing = np.full((len(values), len(ALL_AUS) - values.shape[1]), np.nan)
            object.__setattr__(self, name, np.concatenate([values, missing], axis=1))


@dataclass(frozen=True, slots=True)
class LandmarkSides:
    """Positions on both sides of one face. N rows, one for each decoded frame.

    Attributes
    ----------
    left, right : ndarray, (N, 4) float64
        `asymmetry.landmarks.POSITIONS`, eye distances; NaN where there is no measurement.
    mirrored : bool
        Whether each side was measured in its own mirrored picture.
    scale : Millimetres
    errors_known : bool
        Whether these landmarks are those whose errors were measured: the attention mesh's.
    """

    left: FloatArray
    right: FloatArray
    mirrored: bool
    scale: Millimetres = field(default_factory=Millimetres)
    errors_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The arrays of one recording. N rows, one for each decoded frame.

    Attributes
    ----------
    time_s : ndarray, (N,) float64
        Time of each frame, s, growing.
    sides : mapping of str to TwoSides
        "mirrored": the left half mirrored against the right half mirrored; "unmirrored": the two sides in the unmirrored face. One of
        them or both, in this order.
    measured : mapping of str to int
        For each view, how many frames were measured.
    yaw_deg : ndarray, (N,) float64, or None
        Turn of the head to the side in the original picture, degrees, NaN without a face; None where it is not known.
    closures : ndarray, (N, 2) float64, or None
        By which share of its opening at rest each eye has closed, left and right, NaN without a measurement; None where it is not known.
    landmarks : LandmarkSides or str
        Positions of brow, lids and mouth corner of both sides; or why there are none.
    baseline : str
        What the run was told about the neutral face (`--baseline`).
    rest : tuple of (float, float)
        The stretches at rest that the run found, s; empty where it looked for none.
    side_errors : mapping of str to float
        By action unit, where that was measured: of faces whose sides do the same, 95 % seem to differ by less, in units of the intensity.
    """

    time_s: FloatArray
    sides: Mapping[str, TwoSides]
    measured: Mapping[str, int]
    yaw_deg: FloatArray | None = None
    closures: FloatArray | None = None
    landmarks: LandmarkSides | str = ""
    baseline: str = ""
    rest: tuple[tuple[float, float], ...] = ()
    side_errors: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a recording of which nothing can be compared."""
        if not self.sides:
            raise ValueError("a recording without sides has no asymmetry")

    @property
    def measured_share(self) -> float:
        """Share of the frames with a face, in the view with the fewest."""
        return min(self.measured.values(), default=len(self.time_s)) / len(self.time_s)

    @property
    def main_sides(self) -> tuple[str, TwoSides]:
        """The two sides in which movements are measured, with their key: of the mirrored pictures where there are some."""
        return next(iter(self.sides.items()))

    def propose(self) -> list[Movement]:
        """The movements that the program proposes."""
        _, sides = self.main_sides
        return propose_movements(self.time_s, sides.left, sides.right)

    @property
    def unproposable(self) -> str:
        """Why nothing can be proposed, in words: there is no measurement; empty where there is one."""
        _, sides = self.main_sides
        if (np.isfinite(sides.left) & np.isfinite(sides.right)).any():
            return ""
        what = "no action unit" if (sides.left_success & sides.right_success).any() else "nothing"
        return f"{what} was measured on both sides in any frame"
