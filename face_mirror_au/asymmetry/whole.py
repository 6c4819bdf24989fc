"""Both sides over a whole recording: action units, zones, and the lengths of brow, eye and mouth corner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.asymmetry.comparison import Comparison, TwoValues, ZoneComparison, compare_sides, compare_units, compare_zones
from face_mirror_au.asymmetry.landmarks import (
    LANDMARK_MEASURES,
    POSITIONS,
    UNMIRRORED_FACTOR,
    LandmarkMeasure,
    Millimetres,
    excursions,
    rest_positions,
)
from face_mirror_au.asymmetry.recording import LandmarkSides, TwoSides
from face_mirror_au.records import FloatArray

TOO_LITTLE = "too little movement"
NO_REST = "no frame at rest was measured on both sides"
# Eye distances: lengths below it are not compared at rest. A closed eye is.
REST_GATE = 0.02
# The positions at rest that are measures, with the zone that they belong to.
# And below what left minus right errs in 95 % of 26 rendered recordings in their mirrored pictures, mm.
_REST_LENGTHS = {
    "brow_height": ("height of the brow above the eye", "upper", 1.2),
    "eye_opening": ("opening of the eye", "eye", 1.7),
    "corner_down": ("mouth corner below the eye", "mouth", 2.5),
}


@dataclass(frozen=True, slots=True)
class WholeSides:
    """Two sides over a whole recording.

    Attributes
    ----------
    key : str
        "mirrored" or "unmirrored".
    both : ndarray, (N,) bool
        In which frames a face was measured on both sides.
    units : mapping of str to Comparison or None
        Of each action unit; None where it was never measured on both sides.
    zones : mapping of str to ZoneComparison or None
        Of each zone, by its key.
    """

    key: str
    both: NDArray[np.bool_]
    units: Mapping[str, Comparison | None]
    zones: Mapping[str, ZoneComparison | None]

    @property
    def peaks(self) -> list[float]:
        """The peaks of both sides of all action units that were measured."""
        return [side.peak for found in self.units.values() if found is not None for side in (found.left, found.right)]


def measure_sides(key: str, time_s: FloatArray, sides: TwoSides) -> WholeSides:
    """Compare two sides, named by `key`, over all frames; `time_s` is (N,) float64, s."""
    both = sides.left_success & sides.right_success
    return WholeSides(key, both, compare_units(time_s, sides.left, sides.right), compare_zones(time_s, sides.left, sides.right))


@dataclass(frozen=True, slots=True)
class RestLength:
    """One length of the face at rest, in eye distances, and the key of the zone that it belongs to."""

    key: str
    name: str
    zone: str
    values: TwoValues


@dataclass(frozen=True, slots=True)
class Lengths:
    """What landmarks say of a whole recording.

    Attributes
    ----------
    key : str
        "mirrored" where each side was measured in its own mirrored picture, else "unmirrored".
    left, right : ndarray, (N, 3) float64
        `LANDMARK_MEASURES` from rest, eye distances.
    rest : tuple of RestLength
    sides : mapping of str to Comparison or None
        Of each landmark measure, by its key; None where it was never measured on both sides.
    scale : Millimetres
    errors_known : bool
        Whether `error_mm` holds for these landmarks.
    """

    key: str
    left: FloatArray
    right: FloatArray
    rest: tuple[RestLength, ...]
    sides: Mapping[str, Comparison | None]
    scale: Millimetres
    errors_known: bool = True

    def curves(self, measure: LandmarkMeasure) -> tuple[FloatArray, FloatArray]:
        """Left and right of one measure over time, (N,) each."""
        column = LANDMARK_MEASURES.index(measure)
        return self.left[:, column], self.right[:, column]

    def error_mm(self, measure: LandmarkMeasure) -> float:
        """Left minus right of the two peaks errs by less in 95 % of recordings, mm; at a scale that is known."""
        return measure.error_mm * (1.0 if self.key == "mirrored" else UNMIRRORED_FACTOR)

    def rest_error_mm(self, length: RestLength) -> float:
        """Left minus right of a length at rest errs by less in 95 % of recordings, mm."""
        return _REST_LENGTHS[length.key][2] * (1.0 if self.key == "mirrored" else UNMIRRORED_FACTOR)

    @property
    def mm(self) -> float:
        """Of an eye distance."""
        return self.scale.per_eye_distance

    def in_mm(self, values: TwoValues) -> TwoValues:
        """Two lengths and their gate in mm."""
        return TwoValues(values.left * self.mm, values.right * self.mm, values.gate * self.mm)


def measure_lengths(time_s: FloatArray, found: LandmarkSides | str, at_rest: NDArray[np.bool_]) -> Lengths | str:
    """Measure lengths from rest, the rows (N,) `at_rest`; or why there are none."""
    if isinstance(found, str):
        return found
    both = at_rest & np.isfinite(found.left).all(axis=1) & np.isfinite(found.right).all(axis=1)
    if not both.any():
        return NO_REST
    rest = [rest_positions(side, both) for side in (found.left, found.right)]
    left, right = excursions(found.left, rest[0]), excursions(found.right, rest[1])
    lengths = []
    for key, (name, zone, _) in _REST_LENGTHS.items():
        at = [float(side[list(POSITIONS).index(key)]) for side in rest]
        lengths.append(RestLength(key, name, zone, TwoValues(at[0], at[1], REST_GATE)))
    sides = {one.key: compare_sides(time_s, left[:, i], right[:, i], one.gate) for i, one in enumerate(LANDMARK_MEASURES)}
    key = "mirrored" if found.mirrored else "unmirrored"
    return Lengths(key, left, right, tuple(lengths), sides, found.scale, found.errors_known)
