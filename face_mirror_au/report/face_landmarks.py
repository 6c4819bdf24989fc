"""Eye opening, brow and mouth corner over the whole recording: what their section of the page shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from face_mirror_au.asymmetry.landmarks import LANDMARK_MEASURES, POSITIONS, LandmarkMeasure, excursions, rest_positions
from face_mirror_au.asymmetry.measures import Comparison, compare_sides, signed_difference, symmetry_ratio
from face_mirror_au.records import FloatArray
from face_mirror_au.report import figures
from face_mirror_au.report.landmarks import LandmarkSides

NO_REST = "no frame at rest was measured on both sides"
# Eye distances: lengths below it are not compared at rest. A closed eye is.
REST_GATE = 0.02
# The positions at rest that are shown, with the zone that they belong to.
_SHOWN = (("brow_height", "height of the brow above the eye", "upper"), ("eye_opening", "opening of the eye", "eye"),
          ("corner_down", "mouth corner below the eye", "mouth"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class RestPart:
    """One length of the face at rest, left and right, eye distances."""

    key: str
    name: str
    zone: str
    left: float
    right: float

    @property
    def difference(self) -> float | None:
        """`signed_difference`, a negative length counted as 0; None when the larger one is below 0.02."""
        return signed_difference(max(0.0, self.left), max(0.0, self.right), REST_GATE)

    @property
    def ratio(self) -> float | None:
        """`symmetry_ratio`, a negative length counted as 0; None when the larger one is below 0.02."""
        return symmetry_ratio(max(0.0, self.left), max(0.0, self.right), REST_GATE)


@dataclass(frozen=True, slots=True)
class LandmarkPart:
    """One landmark measure over the whole recording; `sides` and `curves` are None where it was never measured on both sides."""

    measure: LandmarkMeasure
    sides: Comparison | None
    curves: Markup | None


@dataclass(frozen=True, slots=True)
class LandmarkSection:
    """What landmarks say.

    Attributes
    ----------
    missing : str
        Why there is nothing; else empty.
    mirrored : bool
        Whether each side was measured in its own mirrored picture.
    at_rest : str
        Which frames show the face at rest, in words.
    rest : tuple of RestPart
    parts : tuple of LandmarkPart
    left, right : ndarray, (N, 3) float64, or None
        `LANDMARK_MEASURES` from rest, eye distances.
    """

    missing: str
    mirrored: bool = False
    at_rest: str = ""
    rest: tuple[RestPart, ...] = ()
    parts: tuple[LandmarkPart, ...] = ()
    left: FloatArray | None = None
    right: FloatArray | None = None

    def curves(self, measure: LandmarkMeasure) -> tuple[FloatArray, FloatArray] | None:
        """Left and right of one measure over time, (N,) each; None where there are no landmarks."""
        if self.left is None or self.right is None:
            return None
        column = LANDMARK_MEASURES.index(measure)
        return self.left[:, column], self.right[:, column]


def measure_landmarks(time_s: FloatArray, found: LandmarkSides | str, at_rest: NDArray[np.bool_], words: str) -> LandmarkSection:
    """Measure and draw; call it inside `figure_settings`.

    Parameters
    ----------
    time_s : ndarray, (N,) float64
        s.
    found : LandmarkSides or str
        Or why there are none.
    at_rest : ndarray, (N,) bool
    words : str
        Which frames those are.
    """
    if isinstance(found, str):
        return LandmarkSection(found)
    both = at_rest & np.isfinite(found.left).all(axis=1) & np.isfinite(found.right).all(axis=1)
    if not both.any():
        return LandmarkSection(NO_REST)
    rest = [rest_positions(side, both) for side in (found.left, found.right)]
    left, right = excursions(found.left, rest[0]), excursions(found.right, rest[1])
    compared = [compare_sides(time_s, left[:, column], right[:, column], measure.gate) for column, measure in enumerate(LANDMARK_MEASURES)]
    peaks = [side.peak for sides in compared if sides is not None for side in (sides.left, sides.right)]
    top = float(max(0.1, np.ceil(max(peaks, default=0.0) * 10.2) / 10))
    parts = []
    for column, (measure, sides) in enumerate(zip(LANDMARK_MEASURES, compared, strict=True)):
        drawn = None
        if sides is not None:
            description = (
                f"{measure.name} over time, eye distances from rest. The subject's left side, solid line: largest {sides.left.peak:.3f} "
                f"at {sides.left.time_s:.2f} s. The right side, dashed line: largest {sides.right.peak:.3f} at {sides.right.time_s:.2f} s."
            )
            name = f"landmark-curve-{measure.key}"
            drawn = figures.curves(time_s, left[:, column], right[:, column], sides, top, name, description, "eye distances")
        parts.append(LandmarkPart(measure, sides, drawn))
    columns = {key: POSITIONS.index(key) for key, _, _ in _SHOWN}
    shown = tuple(RestPart(key, name, zone, float(rest[0][columns[key]]), float(rest[1][columns[key]])) for key, name, zone in _SHOWN)
    return LandmarkSection("", found.mirrored, words, shown, tuple(parts), left, right)
