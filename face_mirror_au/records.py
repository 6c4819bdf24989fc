"""What travels between the stages: frozen records, validated where data enter and trusted inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import FrameError
from face_mirror_hooks.records import (
    INTENSITY_AUS,
    N_LANDMARKS,
    PRESENCE_AUS,
    BoxSpan,
    Detection,
    Face,
    Float32Array,
    FloatArray,
    Frame,
    Image,
    Located,
    OnlineValues,
    View,
)

__all__ = [
    "ALL_AUS",
    "INTENSITY_AUS",
    "MORE_AUS",
    "NO_PICTURE",
    "N_LANDMARKS",
    "PRESENCE_AUS",
    "BoxSpan",
    "Column",
    "ComputedColumn",
    "Detection",
    "Face",
    "FaceDescriptor",
    "Float32Array",
    "FloatArray",
    "Frame",
    "Image",
    "Located",
    "OnlineValues",
    "Region",
    "View",
    "ViewTable",
    "check_image",
]

# The columns of OpenFace, which every table has, stay as they are.
MORE_AUS = ("AU16", "AU18", "AU22", "AU28", "AU34")
"""Intensities that an AU bank may have behind the 17 of `INTENSITY_AUS`."""
ALL_AUS = (*INTENSITY_AUS, *MORE_AUS)

NO_PICTURE: Image = np.zeros((0, 0, 3), dtype=np.uint8)
"""In place of a picture that could not be read, or that nobody needs any more."""

Scalar_co = TypeVar("Scalar_co", bound=np.generic, covariant=True)


class Column(Protocol[Scalar_co]):
    """The rows of a table's column: an array, or something that reads them from disk when they are asked for."""

    def __len__(self) -> int:
        """Number of rows."""

    def __getitem__(self, rows: slice, /) -> NDArray[Scalar_co]:
        """Some neighbouring rows, as an array."""

    def __array__(self) -> NDArray[Any]:
        """All rows: `numpy.asarray` calls it."""


@dataclass(frozen=True, slots=True)
class ComputedColumn:
    """A `Column` whose rows are computed when they are asked for.

    Attributes
    ----------
    rows : int
        How many there are.
    give : callable
        Gives those of a slice.
    """

    rows: int
    give: Callable[[slice], FloatArray]

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, rows: slice, /) -> FloatArray:
        return self.give(rows)

    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.give(slice(0, self.rows)), dtype=dtype)


@dataclass(frozen=True, slots=True)
class Region:
    """The square of the picture that a landmark model looks at.

    Attributes
    ----------
    x, y : float
        Centre in frame pixels.
    side : float
        Side length in pixels.
    roll : float
        Rotation of the square in radians: the angle of its own x axis in image coordinates (y down).
    """

    x: float
    y: float
    side: float
    roll: float = 0.0


@dataclass(frozen=True, slots=True)
class FaceDescriptor:
    """What one frame says about a face in one view: all that the ordered part of the method needs.

    Attributes
    ----------
    hog : ndarray, (4464,) float32
        FHOG of the aligned face.
    geometry : ndarray, (238 + k,) float64
        PDM displacements (204, mm) and local shape parameters (34); then the mesh's shape parameters (k, mm), where the AU bank looks at
        them.
    pose : ndarray, (6,) float64
        Weak-perspective fit: scale (px/mm), rx, ry, rz (rad), tx, ty (px).
    head_pose : ndarray, (6,) float64
        Tx, Ty, Tz (mm), Rx, Ry, Rz (rad) of the head in the camera's frame.
    signals : mapping of str to ndarray
        Further signals of `pipeline.signals` that were measured in this frame, by their names.
    """

    hog: Float32Array
    geometry: FloatArray
    pose: FloatArray
    head_pose: FloatArray
    signals: Mapping[str, FloatArray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ViewTable:
    """All rows of one view of one video, in frame order. N rows, one for each decoded frame.

    A long video's rows lie on disk: take slices of the columns, a few thousand rows at a time, or `numpy.asarray` of a whole one.

    Attributes
    ----------
    view : View
    frame : ndarray, (N,) int64
        0-based.
    time_s : ndarray, (N,) float64
    success : ndarray, (N,) bool
    confidence : ndarray, (N,) float64
        0 to 1: the probability that the landmarks are right; 0 where no face was found.
    intensity : ndarray, (N, a) float64
        In the order of `aus`; NaN where there is no measurement.
    presence : ndarray, (N, 18) float64
        0 or 1 in the order of `PRESENCE_AUS`; NaN where there is no measurement.
    raw : ndarray, (N, a) float64
        Intensities re-predicted with the final medians, unclipped; NaN where there is no measurement.
    signals : mapping of str to ndarray, (N, ...)
        Of each signal of `pipeline.signals` that this view has: "landmarks" (N, 68, 2) px, "pose" (N, 6), "shape" (N, 34), "head_pose"
        (N, 6) and more; NaN where no face was found.
    sides, raw_sides : ndarray, (N, 2, a) float64, or None
        As `intensity` and `raw`, of the subject's left and right; None when the AU models cannot tell the sides of one picture apart.
    reason : ndarray, (N,) int64, or None
        Why a row has no measurement: its place in `reasons`.
    reasons : tuple of str
        All reasons there are; the first is empty.
    static : ndarray, (N, 17) float64, or None
        Of `INTENSITY_AUS`, by static models beside dynamic ones; None when they were not asked for.
    filled : ndarray, (N,) bool, or None
        Rows without a success whose intensities are the mean of their neighbours'; None: there are none.
    by_face : bool
        Whether the rows are the faces of one image, and no frames.
    aus : tuple of str
        The a action units with an intensity: `INTENSITY_AUS`, and behind them those of `MORE_AUS` that the AU models have.
    """

    view: View
    frame: Column[np.int64]
    time_s: Column[np.float64]
    success: Column[np.bool_]
    confidence: Column[np.float64]
    intensity: Column[np.float64]
    presence: Column[np.float64]
    raw: Column[np.float64]
    signals: Mapping[str, Column[Any]]
    sides: Column[np.float64] | None = None
    raw_sides: Column[np.float64] | None = None
    reason: Column[np.int64] | None = None
    reasons: tuple[str, ...] = ("",)
    static: Column[np.float64] | None = None
    filled: NDArray[np.bool_] | None = None
    aus: tuple[str, ...] = INTENSITY_AUS
    by_face: bool = False

    def reason_of(self, rows: slice) -> list[str]:
        """Why each of some rows has no measurement; empty for those that have one."""
        if self.reason is None:
            return [""] * len(self.frame[rows])
        return [self.reasons[code] for code in self.reason[rows].tolist()]


def check_image(image: object) -> Image:
    """Return `image` as a C-contiguous (H, W, 3) uint8 array, copying only where the memory order asks for it.

    Raises
    ------
    FrameError
        When it is not a 3-channel uint8 picture of at least 1 x 1. Nothing is cast or converted: a silent cast is a silent nonsense.
    """
    if not isinstance(image, np.ndarray):
        raise FrameError(f"a frame must be a NumPy array, not {type(image).__name__}")
    if image.dtype != np.uint8:
        raise FrameError(f"a frame must be uint8 (0 to 255), not {image.dtype}; convert it with its true range in mind first")
    if image.ndim != 3 or image.shape[2] != 3:
        raise FrameError(f"a frame must have shape (height, width, 3) in BGR order, not {image.shape}; use cv2.cvtColor for others")
    if image.shape[0] == 0 or image.shape[1] == 0:
        raise FrameError(f"a frame must not be empty, got shape {image.shape}")
    return np.ascontiguousarray(image)
