"""Eye opening, brow height and mouth corner of each side, from 68 landmarks (iBUG order). Left and right are the SUBJECT's.

Lengths are in EYE DISTANCES: divided, frame by frame, by the distance of the two outer eye corners (points 36 and 45) in the original
picture. The outer corners and not the inner ones, because their distance is three times as long and so has a third of the noise; the
original picture for both sides, because a head turned a little to the side makes one mirrored face wider than the other. How long one
is: `millimetres`.

Head roll: "up" is at right angles to the line through the outer eye corners of the same picture, in each frame. Positions are taken from
the middle of the eye of their own side, so that a shift of the picture, or of the midline across which it was mirrored, moves nothing.

Which landmarks: the subject's left side is measured in the picture in which the left half stands twice, the right side in the other one,
and in each the mean of the two (equal) halves is taken. Landmark models know mostly symmetric faces and pull what they see towards
symmetry; a mirrored picture IS symmetric, so little is lost. Against the truth of 96 rendered faces (benchmarks/RESULTS.md, "left
minus right against truth"), left minus right of mouth corner, eye opening and brow height correlates with 0.99, 0.89, 0.94 there
(attention mesh) and 0.93, 0.93, 0.93 (PFLD); in the original picture with 0.97, 0.83, 0.89 (attention mesh) and 0.91, 0.28, 0.46 (PFLD).
Mouth corners are the mean of that and of the mesh turned to look straight ahead, where there is one: on 26 rendered recordings with
head motion left minus right of a corner's way up and out errs by 1.7 mm, by 2.1 in the mirrored pictures alone (root mean square of the
peaks); lids and brows are better in the mirrored pictures alone. Where a run has no mirrored pictures, the turned mesh serves; else the
original's landmarks if they are the attention mesh's; PFLD's do not.
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
    aus : tuple of str
        The action units that are the same movement.
    error_mm : float
        Left minus right of the two peaks errs by less in 95 % of recordings, mm, where each side was measured in its own mirrored picture:
        26 rendered recordings, whose scale was known.
    """

    key: str
    name: str
    zone: str
    gate: float
    aus: tuple[str, ...]
    error_mm: float


BROW_RAISE = LandmarkMeasure("brow_raise", "brow raise", "upper", 0.02, ("AU01", "AU02"), 1.5)
EYE_CLOSING = LandmarkMeasure("eye_closing", "eye closing", "eye", 0.02, ("AU45",), 1.5)
MOUTH_CORNER = LandmarkMeasure("mouth_corner", "mouth corner, up and out", "mouth", 0.03, ("AU12",), 3.0)
LANDMARK_MEASURES = (BROW_RAISE, EYE_CLOSING, MOUTH_CORNER)

# What `side_positions` gives, in its order, in words.
POSITIONS = {
    "brow_height": "height of the brow above the eye",
    "eye_opening": "distance of the lids",
    "corner_out": "mouth corner outwards from the middle of the eye",
    "corner_down": "mouth corner below the middle of the eye",
}

UNMIRRORED_FACTOR = 1.6
"""By how much the errors are larger without mirrored pictures."""

_OUTER_CORNERS = (36, 45)
# The scale. What the attention mesh sees of an iris is a little wider than the 11.77 mm of an adult's: so much on renders. People's irises
# differ and the mesh errs, by 7 % together (standard deviation, 26 rendered recordings of people with other irises). The outer corners of
# adults' eyes are 90 mm apart, with 5 % between people.
IRIS_MM, IRIS_SPREAD = 12.2, 0.07
EYE_DISTANCE_MM, EYE_DISTANCE_SPREAD = 90.0, 0.05
# Frames in which the irises are seen well enough: heads turned by less, eyes open by more.
_MAX_YAW_DEG, _MIN_OPENING = 10.0, 0.05


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


@dataclass(frozen=True, slots=True)
class Millimetres:
    """The scale of a face.

    Attributes
    ----------
    per_eye_distance : float
        mm.
    spread : float
        Its relative standard error.
    from_iris : bool
        Whether irises were seen; else it is what adults have in the mean.
    """

    per_eye_distance: float = EYE_DISTANCE_MM
    spread: float = EYE_DISTANCE_SPREAD
    from_iris: bool = False


def millimetres(iris: FloatArray, openings: FloatArray, yaw_deg: FloatArray | None) -> Millimetres:
    """The scale of a face from its irises, and from what adults have in the mean, by the inverse of their squared errors.

    Parameters
    ----------
    iris, openings : ndarray, (N, 2) float64
        Visible diameter of each iris, and distance of the lids, eye distances; NaN without a measurement.
    yaw_deg : ndarray, (N,) float64, or None
        Turn of the head to the side, degrees.
    """
    seen = np.isfinite(iris).all(axis=1) & (openings > _MIN_OPENING).all(axis=1) & (iris > 0).all(axis=1)
    if yaw_deg is not None:
        seen &= np.abs(np.nan_to_num(yaw_deg, nan=np.inf)) < _MAX_YAW_DEG
    if not seen.any():
        return Millimetres()
    of_iris, of_people = IRIS_SPREAD**-2, EYE_DISTANCE_SPREAD**-2
    logarithm = of_iris * np.log(IRIS_MM / np.median(iris[seen])) + of_people * np.log(EYE_DISTANCE_MM)
    return Millimetres(float(np.exp(logarithm / (of_iris + of_people))), float((of_iris + of_people) ** -0.5), from_iris=True)


def _dot(vectors: FloatArray, axes: FloatArray) -> FloatArray:
    return np.asarray((vectors * axes).sum(axis=1))
