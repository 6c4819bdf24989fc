"""Peak, area and symmetry of two curves, one for each side of the face.

Every measure is taken over the frames in which BOTH sides were measured: a movement during which one side was lost would otherwise
look like an asymmetry. A frame without a measurement (NaN) never counts as 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.asymmetry.zones import ZONES, Zone
from face_mirror_au.records import ALL_AUS, FloatArray

# Intensity, 0 to 5. Below it a ratio is one of noise to noise: OpenFace's final values of a face at rest reach some tenths.
GATE = 0.5
# A peak that one side reaches so much later is most likely another movement, s.
APART_S = 0.5


@dataclass(frozen=True, slots=True)
class SideMeasures:
    """What one side did.

    Attributes
    ----------
    peak : float
        Largest value: intensity (0 to 5), or eye distances for a landmark measure.
    row : int
        Row of the peak, from 0; the first one where several are equal.
    time_s : float
        Time of that row, s.
    area : float or None
        Area under the curve for each second of measured time, in the unit of the curve: sum of (v[i] + v[i+1]) / 2 * (t[i+1] - t[i]) over
        all neighbouring measured rows, divided by the sum of (t[i+1] - t[i]) over the same rows.
        None where no two neighbouring rows were measured.
    """

    peak: float
    row: int
    time_s: float
    area: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The subject's left side against the right one.

    Attributes
    ----------
    frames : int
        In how many frames both sides were measured.
    gate : float
        Below it there is no difference and no ratio, in the unit of the peaks; above 0.
    """

    left: SideMeasures
    right: SideMeasures
    frames: int
    gate: float = GATE

    @property
    def too_small(self) -> bool:
        """Whether the larger of the two peaks is below the gate."""
        return self.larger.peak < self.gate

    @property
    def larger(self) -> SideMeasures:
        """The side with the larger peak; the left one where both are equal."""
        return max(self.left, self.right, key=lambda side: side.peak)

    @property
    def apart(self) -> bool:
        """Whether both sides moved, and their peaks lie more than `APART_S` from each other: most likely they are of two movements."""
        return min(self.left.peak, self.right.peak) >= self.gate and abs(self.left.time_s - self.right.time_s) > APART_S

    @property
    def difference(self) -> float | None:
        """`signed_difference` of the two peaks; None when they are `too_small`."""
        return signed_difference(self.left.peak, self.right.peak, self.gate)

    @property
    def ratio(self) -> float | None:
        """`symmetry_ratio` of the two peaks; None when they are `too_small`."""
        return symmetry_ratio(self.left.peak, self.right.peak, self.gate)


@dataclass(frozen=True, slots=True)
class TwoValues:
    """One number of the left side and one of the right, which may be negative; `gate` as in `Comparison`."""

    left: float
    right: float
    gate: float

    @property
    def difference(self) -> float | None:
        """`signed_difference` of the two, a negative one counted as 0; None when the larger one is below the gate."""
        return signed_difference(max(0.0, self.left), max(0.0, self.right), self.gate)

    @property
    def ratio(self) -> float | None:
        """`symmetry_ratio` of the two, a negative one counted as 0; None when the larger one is below the gate."""
        return symmetry_ratio(max(0.0, self.left), max(0.0, self.right), self.gate)


@dataclass(frozen=True, slots=True)
class ZoneComparison:
    """A zone's two sides, and the action units that made the peaks.

    Attributes
    ----------
    zone : Zone
    sides : Comparison
        Of the zone's two curves: in each frame the largest of the zone's action units.
    left_au, right_au : str
        The action unit that was the largest one at the peak of that side.
    """

    zone: Zone
    sides: Comparison
    left_au: str
    right_au: str


def sides_of(found: ZoneComparison | None) -> Comparison | None:
    """The comparison of a zone that may not have been measured."""
    return None if found is None else found.sides


def signed_difference(left: float, right: float, gate: float) -> float | None:
    """Signed difference (L - R) / (L + R) of two values that are not negative.

    +1: only the left side; 0: both alike; -1: only the right side. None when the larger of L and R is below the gate (above 0).
    """
    return None if max(left, right) < gate else (left - right) / (left + right)


def symmetry_ratio(left: float, right: float, gate: float) -> float | None:
    """Ratio min(L, R) / max(L, R): 1 alike, 0 nothing on one side. None when the larger one is below the gate (above 0)."""
    return None if max(left, right) < gate else min(left, right) / max(left, right)


def measured_on_both(left: FloatArray, right: FloatArray) -> NDArray[np.bool_]:
    """Where both sides have a value; same shape as the two arrays."""
    return np.isfinite(left) & np.isfinite(right)


def compare_sides(time_s: FloatArray, left: FloatArray, right: FloatArray, gate: float = GATE) -> Comparison | None:
    """Compare two curves.

    Parameters
    ----------
    time_s : ndarray, (N,) float64
        Time of each row, s, growing.
    left, right : ndarray, (N,) float64
        The subject's left and right side, not negative: final intensities (0 to 5), or a landmark measure; NaN where there is
        no measurement.
    gate : float
        Of the comparison.

    Returns
    -------
    Comparison or None
        None where no frame was measured on both sides.
    """
    both = measured_on_both(left, right)
    if not both.any():
        return None
    return Comparison(_measure(time_s, left, both), _measure(time_s, right, both), int(both.sum()), gate)


def _measure(time_s: FloatArray, values: FloatArray, both: NDArray[np.bool_]) -> SideMeasures:
    row = int(np.argmax(np.where(both, values, -np.inf)))
    pairs = both[:-1] & both[1:]
    steps = np.diff(time_s)[pairs]
    area = None
    if steps.sum() > 0:
        means = ((values[:-1] + values[1:]) / 2)[pairs]
        area = float((means * steps).sum() / steps.sum())
    return SideMeasures(float(values[row]), row, float(time_s[row]), area)


def compare_units(time_s: FloatArray, left: FloatArray, right: FloatArray, aus: Sequence[str] = ALL_AUS) -> Mapping[str, Comparison | None]:
    """Compare the sides for each action unit; None for those that have no frame measured on both sides.

    Parameters
    ----------
    time_s : ndarray, (N,) float64
        s.
    left, right : ndarray, (N, A) float64
        Final intensities, one column for each of `aus`; NaN where there is no measurement.
    aus : sequence of str
        Names of the columns; those that are given.
    """
    return {au: compare_sides(time_s, left[:, column], right[:, column]) for column, au in enumerate(aus[: left.shape[1]])}


def compare_zone(
    zone: Zone, time_s: FloatArray, left: FloatArray, right: FloatArray, aus: Sequence[str] = ALL_AUS
) -> ZoneComparison | None:
    """Compare the sides of a zone; parameters as for `compare_units`.

    The zone's curve is, in each frame, the largest of its action units: max(AU12, AU14, ...). It so keeps the scale of 0 to 5 and the gate.
    Action units that were measured in no frame are left out; None where that leaves none, or no frame was measured on both sides.
    """
    aus = aus[: left.shape[1]]
    columns = [aus.index(au) for au in zone.aus if au in aus]
    columns = [column for column in columns if measured_on_both(left[:, column], right[:, column]).any()]
    if not columns:
        return None
    # max of a row with a NaN is NaN: a row counts where all of the zone's action units were measured.
    sides = compare_sides(time_s, left[:, columns].max(axis=1), right[:, columns].max(axis=1))
    if sides is None:
        return None
    left_au = aus[columns[int(left[sides.left.row, columns].argmax())]]
    right_au = aus[columns[int(right[sides.right.row, columns].argmax())]]
    return ZoneComparison(zone, sides, left_au, right_au)


def compare_zones(
    time_s: FloatArray, left: FloatArray, right: FloatArray, aus: Sequence[str] = ALL_AUS
) -> Mapping[str, ZoneComparison | None]:
    """`compare_zone` for each of `ZONES`, by the zone's key."""
    return {zone.key: compare_zone(zone, time_s, left, right, aus) for zone in ZONES}
