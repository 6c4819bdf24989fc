"""All signals of a frame beside action units, in the order of their columns in the OpenFace-style table. A new one is one entry here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from face_mirror_au.pipeline.own_descriptor import descriptor_of
from face_mirror_au.pipeline.signal import Sight, Signal, TableColumn
from face_mirror_au.records import N_LANDMARKS, FloatArray
from face_mirror_hooks.records import ViewResult

N_SHAPE = 34  # local shape parameters of OpenFace's PDM
# Where the shape parameters lie in `FaceDescriptor.geometry`.
_LOCAL = slice(3 * N_LANDMARKS, 3 * N_LANDMARKS + N_SHAPE)
_AXES = {"x": "to the right in the picture", "y": "down in the picture", "z": "away from the camera"}
_RADIANS = "-pi to pi"


def _position(axis: str, i: int) -> TableColumn:
    where = "within the picture, or a little outside"
    return TableColumn(f"{axis}_{i}", f"landmark {i} (iBUG 68): position {_AXES[axis]}", "px", where, 1)


def _position_3d(axis: str, i: int) -> TableColumn:
    return TableColumn(f"{axis.upper()}_{i}", f"landmark {i} (iBUG 68) in the camera's frame: position {_AXES[axis]}", "mm", "any", 1)


def _of_descriptor(name: str) -> Callable[[ViewResult], FloatArray | None]:
    def give(result: ViewResult) -> FloatArray | None:
        descriptor = descriptor_of(result)
        return None if descriptor is None else getattr(descriptor, name)

    return give


def _shape_parameters(result: ViewResult) -> FloatArray | None:
    descriptor = descriptor_of(result)
    return None if descriptor is None else descriptor.geometry[_LOCAL]


HEAD_POSE = Signal(
    "head_pose",
    "pose",
    (
        *(TableColumn(f"pose_T{axis}", f"position of the head along {axis}, {words}", "mm", "any", 1) for axis, words in _AXES.items()),
        *(
            TableColumn(f"pose_R{axis}", f"rotation of the head about {axis} ({words})", "rad", _RADIANS, 3)
            for axis, words in _AXES.items()
        ),
    ),
    (6,),
    of=_of_descriptor("head_pose"),
    optional=False,
    tidy=False,
)
LANDMARKS = Signal(
    "landmarks",
    "landmarks",
    tuple(_position(axis, i) for axis in "xy" for i in range(N_LANDMARKS)),
    (N_LANDMARKS, 2),
    np.float32,
    of=lambda result: None if result.face is None else result.face.landmarks,
    optional=False,
    tidy=False,
)
# From pose and shape, when a table is written.
LANDMARKS_3D = Signal(
    "landmarks3d",
    "landmarks3d",
    tuple(_position_3d(axis, i) for axis in "xyz" for i in range(N_LANDMARKS)),
    (N_LANDMARKS, 3),
    optional=False,
    tidy=False,
)
POSE = Signal(
    "pose",
    "shape",
    (
        TableColumn("p_scale", "scale of the fitted face model", "px/mm", "above 0", 3),
        *(TableColumn(f"p_r{axis}", f"fitted face model: rotation about {axis} ({_AXES[axis]})", "rad", _RADIANS, 3) for axis in "xyz"),
        *(TableColumn(f"p_t{axis}", f"fitted face model: position along {axis} ({_AXES[axis]})", "px", "any", 3) for axis in "xy"),
    ),
    (6,),
    of=_of_descriptor("pose"),
    optional=False,
    tidy=False,
)
SHAPE = Signal(
    "shape",
    "shape",
    tuple(TableColumn(f"p_{i}", f"fitted face model: local shape parameter {i}", "mm", "any, mostly -30 to 30", 3) for i in range(N_SHAPE)),
    (N_SHAPE,),
    of=_shape_parameters,
    optional=False,
    tidy=False,
)

SIGNALS: list[Signal] = [HEAD_POSE, LANDMARKS, LANDMARKS_3D, POSE, SHAPE]


def measure_signals(sight: Sight) -> dict[str, FloatArray]:
    """The values of all signals that are measured in a worker; those that gave none are left out."""
    found = {signal.name: signal.measure(sight) for signal in SIGNALS if signal.measure is not None}
    return {name: np.asarray(value, dtype=np.float64) for name, value in found.items() if value is not None}
