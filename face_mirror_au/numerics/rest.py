"""The face at rest: which frames of a recording show it, and how sure that is.

Frames are compared by what the action units say and by where the landmarks lie. Rest is where a face often comes back to, keeps still, and
shows little: none of these alone. A hard choice of frames lets noise decide between neighbours, so each frame gets a weight, and every view
and side takes the same ones.

A long video is read in pieces, and the choice is made among `MAX_COMPARED` of its frames at most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.numerics.eyelids import EYE_WIDTH_MM, eye_openings
from face_mirror_au.records import INTENSITY_AUS, Float32Array, FloatArray

MAX_COMPARED = 2000
PIECE = 4096
# Rows on both sides that a row's median and speed run over.
_MARGIN = 2
# The jaw's line follows the turns of the head more than the face.
INNER_POINTS = slice(17, 68)
# Points that expressions move little: the nose and the eyes' corners.
STEADY_POINTS = np.array([27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45])
LIPS_ABOVE, LIPS_BELOW = (61, 62, 63), (67, 66, 65)
BROWS, EYE_CORNERS, MOUTH_CORNERS = slice(17, 27), (36, 39, 42, 45), (48, 54)
OUTER_CORNERS = (36, 45)
# Outer-eye distance of the PDM's mean face, mm: the scale for `eye_openings`, where no pose was kept.
EYE_DISTANCE_MM = 3 * EYE_WIDTH_MM

# Eye distances: as much as an intensity of 1 counts.
LANDMARK_UNIT = 0.022
# Two frames look alike within this width: the distance to the nearest tenth of the frames, where they lie densest, between these limits.
NEAREST, MIN_WIDTH, MAX_WIDTH = 0.1, 0.22, 0.5
# What an action unit does not exceed in a tenth of the frames is its low level.
LOW = 0.1
# Signs of a movement: action units above their low levels (their sum over the face, in thirds); lids that close by more than 0.15 of their
# widest, in quarters; lips that are further apart than 0.02 eye distances, in 0.03; brows and mouth corners above their low level, in 0.04.
# Raised brows and smiles pull other action units down, so that these alone would not tell.
ACTIVITY_UNIT, LIDS_FROM, LIDS_UNIT, LIPS_FROM, LIPS_UNIT, BROWS_UNIT, CORNERS_UNIT = 3.0, 0.15, 0.25, 0.02, 0.03, 0.04, 0.04
WIDE_OPEN = 0.9
# What a frame's score loses for a unit of movement, and from the recording's first frame to its last: people begin at rest.
ACTIVITY_COST, LATE_COST = 1.2, 1.5
SMOOTHED = 5
# A frame that shows more movement than the chosen one weighs less.
ACTIVITY_WIDTH = 0.5

# Probability that the rest is none, by logistic regression on 1,260 pieces, 1.3 to 19 s long, of rendered and real clips: intercept,
# logarithm of its seconds, movement in it, logarithm of the recording's seconds (longer ones than `LONG_S` are as that). Above 0.085 it is
# warned of: that was 9 of 10 wrong rests, and 1 of 5 right ones.
WRONG = (-4.54, -0.30, 1.13, -2.57)
LONG_S = 6.0
WARN_ABOVE = 0.085
# Opening of both eyes below which they are closed at rest; 0.2 to 0.3 is typical, and 0 to 0.1 of closed ones.
CLOSED_OPENING = 0.12
LEAST_WEIGHT = 0.05
# So many frames are enough for a median.
MAX_WEIGHED = 3000
# Neighbouring frames of at least this weight are one stretch; shorter pauses do not end it.
STRETCH_WEIGHT, STRETCH_GAP_S = 0.2, 0.25
MAX_STRETCHES = 100


@dataclass(frozen=True, slots=True)
class RestRows:
    """Some neighbouring rows of a recording.

    Attributes
    ----------
    success : ndarray, (n,) bool
        Which of them were measured.
    time_s : ndarray, (n,) float64
    raw : ndarray, (n, m) float64
        Unclipped intensities, of each side where there are sides; NaN in columns that the bank cannot predict.
    landmarks : ndarray, (n, 68, 2) float32, or None
        px. None where nobody knows them: then the intensities choose alone.
    """

    success: NDArray[np.bool_]
    time_s: FloatArray
    raw: FloatArray
    landmarks: Float32Array | None = None


Reader = Callable[[int, int], RestRows]
"""Returns rows `start` to `stop` (not included)."""


@dataclass(frozen=True, slots=True)
class Rest:
    """The rest of a recording.

    Attributes
    ----------
    start_s, end_s : float
        The stretch around the frame that shows it best.
    seconds : float
        How long the face was at rest in all: the sum of the weights, in time.
    wrong : float
        Probability that this is no rest, 0 to 1.
    warning : str
        Empty where there is nothing to warn of.
    stretches : tuple of (float, float)
        All stretches at rest, s; the `MAX_STRETCHES` longest of very many.
    weights : ndarray, (N,) float32
        Of each row, 0 to 1.
    """

    start_s: float
    end_s: float
    seconds: float
    wrong: float
    warning: str
    stretches: tuple[tuple[float, float], ...]
    weights: NDArray[np.float32] = field(repr=False)

    @classmethod
    def named(cls, start_s: float, end_s: float, time_s: FloatArray, inside: NDArray[np.bool_]) -> Rest:
        """The rest that a person named.

        Parameters
        ----------
        start_s, end_s : float
        time_s : ndarray, (N,) float64
        inside : ndarray, (N,) bool
            The measured rows in it.
        """
        step = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.0
        return cls(start_s, end_s, float(inside.sum()) * step, 0.0, "", ((start_s, end_s),), inside.astype(np.float32))


def find_rest(read: Reader, total: int, reference: FloatArray | None = None) -> Rest | None:
    """Find the rest of a recording.

    Parameters
    ----------
    read : callable
        Returns some rows.
    total : int
        Number of rows, N.
    reference : ndarray, (68, 2), optional
        A frontal face that landmarks are laid onto: the PDM's mean, x and y. Needed where the rows have landmarks.

    Returns
    -------
    Rest or None
        None where no row was measured.
    """
    steady = None if reference is None else _Reference(reference)
    measured = sum(int(read(start, min(start + PIECE, total)).success.sum()) for start in range(0, total, PIECE))
    if not measured:
        return None
    step = -(-measured // MAX_COMPARED)
    sample = _Frames.joined([frames.every(step) for frames in _pieces(read, total, steady)])
    still = _Still.of(sample)
    movement = sample.movement(still)
    distances = _distances(sample.places)
    width = _width(distances)
    score = np.log(np.exp(-(distances**2) / (2.0 * width**2)).mean(axis=1)) - ACTIVITY_COST * movement - sample.speed
    score -= LATE_COST * sample.row / max(total, 1)
    chosen = int(np.argmax(_smoothed(score)))
    weights = np.zeros(total, np.float32)
    for frames in _pieces(read, total, steady):
        apart = np.sum((frames.places - sample.places[chosen]) ** 2, axis=1)
        louder = np.maximum(frames.movement(still) - movement[chosen], 0.0)
        weights[frames.row] = np.exp(-apart / (2.0 * width**2)) * np.exp(-louder / ACTIVITY_WIDTH)
    return _told(read, total, weights, int(sample.row[chosen]), float(movement[chosen]), sample.openings[chosen])


def weighted_medians(values: FloatArray, weights: NDArray[np.floating]) -> FloatArray:
    """Weighted median of each column.

    Parameters
    ----------
    values : ndarray, (n, m) float64
    weights : ndarray, (n,)
        Not all 0.

    Returns
    -------
    ndarray, (m,) float64
        NaN in a column that has a NaN.
    """
    order = np.argsort(values, axis=0, kind="stable")
    reached = np.cumsum(np.asarray(weights, np.float64)[order], axis=0)
    middle = (reached >= reached[-1] / 2.0).argmax(axis=0)
    columns = np.arange(values.shape[1])
    medians = values[order[middle, columns], columns]
    return np.where(np.isnan(values).any(axis=0), np.nan, medians)


def weighed_rows(weights: NDArray[np.float32]) -> NDArray[np.int64]:
    """The rows whose weights count, `MAX_WEIGHED` at most, evenly thinned where there are more."""
    rows = np.flatnonzero(weights >= LEAST_WEIGHT * float(weights.max(initial=0.0))) if weights.any() else np.zeros(0, np.int64)
    return rows[:: max(1, -(-len(rows) // MAX_WEIGHED))]


@dataclass(frozen=True, slots=True)
class _Frames:
    """Measured frames as they are compared.

    Attributes
    ----------
    row : ndarray, (n,) int64
    places : ndarray, (n, d) float32
        Frames that look alike lie near each other.
    raw : ndarray, (n, k) float64
        Columns that are not NaN, median of 3.
    openings : ndarray, (n, 2) float64
    lips : ndarray, (n,) float64
        How far apart, eye distances.
    brows, corners : ndarray, (n,) float64
        How far brows and mouth corners lie above the eyes, eye distances.
    speed : ndarray, (n,) float64
    """

    row: NDArray[np.int64]
    places: Float32Array
    raw: FloatArray
    openings: FloatArray
    lips: FloatArray
    brows: FloatArray
    corners: FloatArray
    speed: FloatArray

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> _Frames:
        return _Frames(*(getattr(self, name)[rows] for name in self.__slots__))

    @classmethod
    def joined(cls, parts: list[_Frames]) -> _Frames:
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))

    def every(self, step: int) -> _Frames:
        """Those of every `step`-th row."""
        return self[np.flatnonzero(self.row % step == 0)] if step > 1 else self

    def movement(self, still: _Still) -> FloatArray:
        """How much the face moves, (n,) float64."""
        units = np.maximum(self.raw - still.raw, 0.0).mean(axis=1) * len(INTENSITY_AUS) if self.raw.shape[1] else 0.0
        lids = np.maximum((1.0 - self.openings / still.openings).max(axis=1) - LIDS_FROM, 0.0)
        lips = np.maximum(self.lips - LIPS_FROM, 0.0)
        brows = np.maximum(self.brows - still.brows, 0.0)
        corners = np.maximum(self.corners - still.corners, 0.0)
        return np.asarray(units / ACTIVITY_UNIT + lids / LIDS_UNIT + lips / LIPS_UNIT + brows / BROWS_UNIT + corners / CORNERS_UNIT)


@dataclass(frozen=True, slots=True)
class _Still:
    """What a recording's frames show when they show least: raw values (k,), widest openings (2,), height of brows and mouth corners."""

    raw: FloatArray
    openings: FloatArray
    brows: float
    corners: float

    @classmethod
    def of(cls, frames: _Frames) -> _Still:
        openings = np.maximum(np.quantile(frames.openings, WIDE_OPEN, axis=0), 0.05)
        brows, corners = (float(np.quantile(heights, LOW)) for heights in (frames.brows, frames.corners))
        return cls(np.quantile(frames.raw, LOW, axis=0), openings, brows, corners)


class _Reference:
    """The face that landmarks are laid onto, in units of its outer-eye distance."""

    def __init__(self, points: FloatArray) -> None:
        across = float(np.linalg.norm(points[OUTER_CORNERS[0]] - points[OUTER_CORNERS[1]]))
        steady = points[STEADY_POINTS] / across
        self._steady = steady - steady.mean(axis=0)

    def lay(self, landmarks: Float32Array) -> FloatArray:
        """Landmarks (n, 68, 2) turned, scaled and shifted so that the steady points lie best on the reference's."""
        points = landmarks.astype(np.float64)
        points -= points[:, STEADY_POINTS].mean(axis=1, keepdims=True)
        # A similarity of the plane is one complex factor.
        complex_points = points[..., 0] + 1j * points[..., 1]
        target = self._steady[:, 0] + 1j * self._steady[:, 1]
        steady = complex_points[:, STEADY_POINTS]
        factor = (steady.conj() @ target) / np.maximum((np.abs(steady) ** 2).sum(axis=1), 1e-12)
        laid = complex_points * factor[:, np.newaxis]
        return np.stack([laid.real, laid.imag], axis=-1)


def _pieces(read: Reader, total: int, reference: _Reference | None) -> Iterator[_Frames]:
    """All measured frames, some at a time."""
    for start in range(0, total, PIECE):
        first, last = max(0, start - _MARGIN), min(total, start + PIECE + _MARGIN)
        rows = read(first, last)
        measured = np.flatnonzero(rows.success)
        if not len(measured):
            continue
        frames = _compared(rows, measured, reference, first)
        inside = (frames.row >= start) & (frames.row < start + PIECE)
        yield frames[np.flatnonzero(inside)]


def _compared(rows: RestRows, measured: NDArray[np.int64], reference: _Reference | None, first: int) -> _Frames:
    raw = rows.raw[measured]
    raw = _median_of_3(raw[:, ~np.isnan(raw).all(axis=0)])
    blocks = [raw / math.sqrt(2.0 * max(raw.shape[1], 1))]
    count = len(measured)
    openings, lips, brows, corners = np.ones((count, 2)), np.zeros(count), np.zeros(count), np.zeros(count)
    if rows.landmarks is not None and reference is not None:
        landmarks = rows.landmarks[measured]
        across = np.linalg.norm(landmarks[:, OUTER_CORNERS[0]] - landmarks[:, OUTER_CORNERS[1]], axis=-1).astype(np.float64)
        laid = _median_of_3(reference.lay(landmarks))
        inner = laid[:, INNER_POINTS].reshape(count, -1)
        blocks.append(inner / (LANDMARK_UNIT * math.sqrt(2.0 * inner.shape[1])))
        openings = _median_of_3(eye_openings(landmarks, across / EYE_DISTANCE_MM))
        lips = (laid[:, LIPS_BELOW, 1] - laid[:, LIPS_ABOVE, 1]).mean(axis=1)
        eyes = laid[:, EYE_CORNERS, 1].mean(axis=1)
        brows, corners = eyes - laid[:, BROWS, 1].mean(axis=1), eyes - laid[:, MOUTH_CORNERS, 1].mean(axis=1)
    places = np.concatenate(blocks, axis=1).astype(np.float32)
    speed = np.zeros(count)
    if count > 2 * _MARGIN:
        speed[_MARGIN:-_MARGIN] = np.linalg.norm(places[2 * _MARGIN :] - places[: -2 * _MARGIN], axis=1)
        speed[:_MARGIN], speed[-_MARGIN:] = speed[_MARGIN], speed[-_MARGIN - 1]
    return _Frames(measured + first, places, np.nan_to_num(raw), openings, lips, brows, corners, speed)


def _median_of_3(values: FloatArray) -> FloatArray:
    """Of each row and its neighbours."""
    before, after = np.concatenate([values[:1], values[:-1]]), np.concatenate([values[1:], values[-1:]])
    return np.asarray(np.maximum(np.minimum(values, before), np.minimum(np.maximum(values, before), after)))


def _distances(places: Float32Array) -> Float32Array:
    """Of all pairs, (n, n): Gram matrices are exact enough once the middle is taken away."""
    centred = places - places.mean(axis=0)
    squares = np.sum(centred**2, axis=1)
    return np.asarray(np.sqrt(np.maximum(squares[:, np.newaxis] + squares - 2.0 * (centred @ centred.T), 0.0)))


def _width(distances: Float32Array) -> float:
    nearest = min(max(1, round(NEAREST * len(distances))), len(distances) - 1)
    return float(np.clip(np.partition(distances, nearest, axis=1)[:, nearest].min(), MIN_WIDTH, MAX_WIDTH))


def _smoothed(values: FloatArray) -> FloatArray:
    """Mean of `SMOOTHED` neighbours, of fewer at the ends."""
    ones = np.ones(min(SMOOTHED, len(values)))
    return np.asarray(np.convolve(values, ones, "same") / np.convolve(np.ones(len(values)), ones, "same"))


def _told(read: Reader, total: int, weights: NDArray[np.float32], best: int, movement: float, openings: FloatArray) -> Rest:
    """What is said of the rest."""
    time_s = np.concatenate([read(start, min(start + PIECE, total)).time_s for start in range(0, total, PIECE)])
    steps = np.diff(time_s)
    step = float(np.median(steps)) if len(steps) else 0.0
    seconds = float(weights.sum()) * step
    length = min(float(time_s[-1] - time_s[0]) + step, LONG_S)
    intercept, by_seconds, by_movement, by_length = WRONG
    exponent = intercept + by_seconds * math.log(max(seconds, 1e-3)) + by_movement * movement + by_length * math.log(max(length, 1e-3))
    wrong = 1.0 / (1.0 + math.exp(-min(max(exponent, -500.0), 500.0)))
    stretches = _stretches(time_s, weights, max(STRETCH_GAP_S, 1.5 * step))
    start_s, end_s = next((start, end) for start, end in stretches if start <= time_s[best] <= end)
    longest = sorted(stretches, key=lambda stretch: stretch[0] - stretch[1])[:MAX_STRETCHES]
    return Rest(start_s, end_s, seconds, wrong, _warning(wrong, openings), tuple(sorted(longest)), weights)


def _stretches(time_s: FloatArray, weights: NDArray[np.float32], gap_s: float) -> list[tuple[float, float]]:
    """First and last time of all stretches of frames at rest."""
    times = time_s[weights >= STRETCH_WEIGHT]
    ends = np.flatnonzero(np.diff(times, append=np.inf) > gap_s)
    starts = np.concatenate([[0], ends[:-1] + 1])
    return [(float(times[start]), float(times[end])) for start, end in zip(starts, ends, strict=True)]


def _warning(wrong: float, openings: FloatArray) -> str:
    if openings.max() < CLOSED_OPENING:
        return "the eyes seem to be closed where the face rests most"
    return "the face seems to be never at rest in this recording" if wrong > WARN_ABOVE else ""
