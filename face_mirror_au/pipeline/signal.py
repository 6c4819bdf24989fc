"""What a signal is: something measured of a face in each frame, declared once; tables, dictionary, Parquet and descriptors follow."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from face_mirror_au.numerics.head_pose import Camera
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.numerics.pose import PoseFit
from face_mirror_au.pipeline.own_descriptor import descriptor_of
from face_mirror_au.records import Float32Array, FloatArray, Image, View
from face_mirror_hooks.records import ViewResult

Kind = Literal["number", "whole", "flag", "text"]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table.

    Attributes
    ----------
    name, meaning : str
    unit : str
        "-" for numbers without one.
    range : str
        In words.
    decimals : int or None
        Of a number; None: as many as it takes to read the same float64 back.
    kind : str
        "number" (float64), "whole" (int64), "flag" (bool) or "text".
    """

    name: str
    meaning: str
    unit: str = "-"
    range: str = "any"
    decimals: int | None = None
    kind: Kind = "number"


@dataclass(frozen=True, slots=True)
class Sight:
    """What a worker has at hand of a face when it describes it.

    Attributes
    ----------
    image : ndarray, (H, W, 3) uint8
        BGR.
    landmarks : ndarray, (68, 2)
        Pixels, iBUG order.
    mesh : ndarray, (478, 3) float32, or None
        Pixels; all points of a mesh model.
    facing : ndarray, (478, 3) float64, or None
        The mesh as it would look straight ahead, mm of the mean face; see `MeshShape.facing`.
    fit : PoseFit
        Of the landmarks.
    head_pose : ndarray, (6,) float64
        From `estimate_head_pose`.
    pdm : PDM
    camera : Camera
    view : View
        The picture that it is in.
    """

    image: Image
    landmarks: FloatArray | Float32Array
    mesh: Float32Array | None
    facing: FloatArray | None
    fit: PoseFit
    head_pose: FloatArray
    pdm: PDM
    camera: Camera
    view: View


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal, and where its values come from: `of` a frame's result, or `measure`, or neither: it is made when a table is written.

    Attributes
    ----------
    name : str
        Of its field in records and of its column in `ViewTable.signals`.
    group : str
        Of columns, see `--columns`.
    columns : tuple of TableColumn
        In a table: of a signal of several axes, e.g. (68, 2), all numbers of the first axis, then all of the second.
    shape : tuple of int
        Of its value in one frame.
    dtype : type
        Of its value; NumPy's.
    failed : float
        Its value where there is none.
    of : callable, optional
        Gives the value from a view's result, in the parent; None where there is none.
    measure : callable, optional
        Gives the value where the picture is, in a worker; None where there is none. It travels in `FaceDescriptor.signals`, and descriptors
        keep it.
    views : tuple of View
        In which it is measured and told.
    given : bool
        Whether it may come with the landmarks, in `Face.signals`, and counts then. OpenFace's tables have all of these.
    optional : bool
        Whether its columns are left out when no frame had a value, e.g. because the models do not give it.
    tidy : bool
        Whether the tidy table of a run holds it.

    Raises
    ------
    ValueError
        When the number of columns is not that of the values.
    """

    name: str
    group: str
    columns: tuple[TableColumn, ...]
    shape: tuple[int, ...]
    dtype: type[np.generic] = np.float64
    failed: float = math.nan
    of: Callable[[ViewResult], ArrayLike | None] | None = None
    measure: Callable[[Sight], ArrayLike | None] | None = None
    views: tuple[View, ...] = tuple(View)
    given: bool = False
    optional: bool = True
    tidy: bool = True

    def __post_init__(self) -> None:
        if len(self.columns) != math.prod(self.shape):
            raise ValueError(f"the signal {self.name} has {len(self.columns)} columns for values of the shape {self.shape}")

    @property
    def kept(self) -> bool:
        """Whether each frame has its value."""
        return self.given or self.of is not None or self.measure is not None

    @property
    def field(self) -> tuple[str, Any, tuple[int, ...]]:
        """Its field in a structured NumPy type."""
        return self.name, self.dtype, self.shape

    def value(self, result: ViewResult) -> ArrayLike | None:
        """Its value in one view of one frame; None where there is none."""
        if self.given and result.face is not None and self.name in result.face.signals:
            return result.face.signals[self.name]
        if self.of is not None:
            return self.of(result)
        descriptor = descriptor_of(result)
        return None if descriptor is None else descriptor.signals.get(self.name)
