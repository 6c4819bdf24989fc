"""Eye opening, brow height and mouth corner of each side, from 68 landmarks (iBUG order). Left and right are the SUBJECT's.

Lengths are in EYE DISTANCES: divided, frame by frame, by the distance of the two outer eye corners (points 36 and 45) in the original
picture. The outer corners and not the inner ones, because their distance is three times as long and so has a third of the noise; the
original picture for both sides, because a head turned a little to the side makes one mirrored face wider than the other. In an adult face
an eye distance is about 90 mm.

Head roll: "up" is at right angles to the line through the outer eye corners of the same picture, in each frame. Positions are taken from
the middle of the eye of their own side, so that a shift of the picture, or of the midline across which it was mirrored, moves nothing.

Which landmarks: the subject's left side is measured in the picture in which the left half stands twice, the right side in the other one,
and in each the mean of the two (equal) halves is taken. Landmark models know mostly symmetric faces and pull what they see towards
symmetry; a mirrored picture IS symmetric, so little is lost. Against the truth of 96 rendered faces (benchmarks/RESULTS.md, "left
minus right against truth"), left minus right of mouth corner, eye opening and brow height correlates with 0.99, 0.89, 0.94 there
(attention mesh) and 0.93, 0.93, 0.93 (PFLD); in the original picture with 0.97, 0.83, 0.89 (attention mesh) and 0.91, 0.28, 0.46 (PFLD).
Where a run has no mirrored pictures, the original's landmarks serve if they are the attention mesh's; PFLD's do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.records import FloatArray


@dataclass(frozen=True, slots=True)
class LandmarkMeasure:
    """A movement that landmarks show, counted from the face at rest.

    Attributes
    ----------
    key : str
        Short name without blanks.
    name : str
        As in a table.
    zone : str
        Key of the zone that it belongs to.
    gate : float
        Eye distances; below it sides are not compared. Four times the noise of a face at rest, and more than what a movement of the other
        side makes this one seem to move, on rendered faces (0.02 for the mouth corner).
    """

    key: str
    name: str
    zone: str
    gate: float


BROW_RAISE = LandmarkMeasure("brow_raise", "brow raise", "upper", 0.02)
EYE_CLOSING = LandmarkMeasure("eye_closing", "eye closing", "eye", 0.02)
MOUTH_CORNER = LandmarkMeasure("mouth_corner", "mouth corner, up and out", "mouth", 0.03)
LANDMARK_MEASURES = (BROW_RAISE, EYE_CLOSING, MOUTH_CORNER)

# What `side_positions` gives, in its order.
POSITIONS = ("brow_height", "eye_opening", "corner_out", "corner_down")

_OUTER_CORNERS = (36, 45)


@dataclass(frozen=True, slots=True)
class _SidePoints:
    outer: int
    inner: int
    upper_lid: tuple[int, int]
    lower_lid: tuple[int, int]
    brow: tuple[int, ...]
    mouth: int
    out: float  # the sign of "outwards" along the line from point 36 to point 45


_RIGHT = _SidePoints(36, 39, (37, 38), (41, 40), (17, 18, 19, 20, 21), 48, -1.0)
_LEFT = _SidePoints(45, 42, (44, 43), (46, 47), (26, 25, 24, 23, 22), 54, 1.0)


def eye_distance(points: FloatArray) -> FloatArray:
    """Distance of the outer eye corners, (N,) float64 px, of landmarks (N, 68, 2) px; NaN without a measurement, or where they coincide."""
    right, left = _OUTER_CORNERS
    distance = np.linalg.norm(points[:, left] - points[:, right], axis=1)
    return np.where(distance > 0, distance, np.nan)


def side_positions(points: FloatArray, distance_px: FloatArray, *, left: bool) -> FloatArray:
    """Brow, lids and mouth corner of one side of the faces in one picture.

    Parameters
    ----------
    points : ndarray, (N, 68, 2) float64
        px; NaN without a measurement.
    distance_px : ndarray, (N,) float64
        The eye distance of the original picture, px.
    left : bool
        The subject's left side, or the right one.

    Returns
    -------
    ndarray, (N, 4) float64
        `POSITIONS`, eye distances; NaN without a measurement. With u the unit vector from point 36 to point 45, d at right angles to it
        (down in an upright face) and e the middle of the eye's two corners:
        brow height: -(mean of the brow's five points - e) . d;
        eye opening: (mean of the two points of the lower lid - mean of the two of the upper lid) . d;
        corner out and down: (mouth corner - e) . u, positive away from the middle of the face, and (mouth corner - e) . d.
    """
    side = _LEFT if left else _RIGHT
    right_end, left_end = _OUTER_CORNERS
    along = (points[:, left_end] - points[:, right_end]) / eye_distance(points)[:, None]
    down = np.stack([-along[:, 1], along[:, 0]], axis=1)
    eye = (points[:, side.outer] + points[:, side.inner]) / 2
    brow = points[:, side.brow].mean(axis=1) - eye
    opening = points[:, side.lower_lid].mean(axis=1) - points[:, side.upper_lid].mean(axis=1)
    corner = points[:, side.mouth] - eye
    lengths = [-_dot(brow, down), _dot(opening, down), side.out * _dot(corner, along), _dot(corner, down)]
    return np.asarray(np.stack(lengths, axis=1) / distance_px[:, None])


def mirrored_positions(points: FloatArray, distance_px: FloatArray) -> FloatArray:
    """The same of the half that a mirrored picture shows twice: the mean of both sides, (N, 4) float64; parameters as above."""
    return (side_positions(points, distance_px, left=True) + side_positions(points, distance_px, left=False)) / 2


def rest_positions(positions: FloatArray, at_rest: NDArray[np.bool_]) -> FloatArray:
    """Median of each position over the rows at rest (N,) that were measured, (4,) float64; NaN where there is none."""
    rows = positions[at_rest & np.isfinite(positions).all(axis=1)]
    return np.median(rows, axis=0) if len(rows) else np.full(positions.shape[1], np.nan)


def excursions(positions: FloatArray, rest: FloatArray) -> FloatArray:
    """How far each landmark measure is from rest.

    Parameters
    ----------
    positions : ndarray, (N, 4) float64
        Of one side, eye distances.
    rest : ndarray, (4,) float64
        From `rest_positions`.

    Returns
    -------
    ndarray, (N, 3) float64
        `LANDMARK_MEASURES`, eye distances, 0 where the movement is the opposite one, NaN without a measurement:
        brow raise: max(0, brow height - its rest);
        eye closing: max(0, rest of the eye opening - eye opening);
        mouth corner: max(0, ((out - its rest) - (down - its rest)) / sqrt(2)), the shift along the line up and outwards at 45 degrees, as
        the zygomatic muscle pulls. A weak corner that the other side drags across, or that sinks, does not count as moving.
    """
    brow, opening, out, down = (positions - rest).T
    return np.asarray(np.maximum(np.stack([brow, -opening, (out - down) / np.sqrt(2)], axis=1), 0.0))


def _dot(vectors: FloatArray, axes: FloatArray) -> FloatArray:
    return np.asarray((vectors * axes).sum(axis=1))
