"""All signals of a frame beside action units, in the order of their columns in the OpenFace-style table. A new one is one entry here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from face_mirror_au.asymmetry.landmarks import POSITIONS, eye_distance, side_positions
from face_mirror_au.models.mesh_points import MESH_EYES, corners_and_irises, iris_diameters, landmarks_from_mesh
from face_mirror_au.numerics.eyelids import eye_openings
from face_mirror_au.numerics.face_regions import REGIONS, SIDES, region_confidences
from face_mirror_au.numerics.gaze import IRIS, LIDS, N_EYE_POINTS, PUPIL, mesh_gaze_angles
from face_mirror_au.pipeline.own_descriptor import descriptor_of
from face_mirror_au.pipeline.signal import Sight, Signal, TableColumn
from face_mirror_au.records import N_LANDMARKS, FloatArray, View
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


def _eye_position(axis: str, i: int, unit: str) -> TableColumn:
    eye = "right" if i < N_EYE_POINTS else "left"
    of_part = {"iris": IRIS, "lids": LIDS, "pupil": PUPIL}
    part = next(name for name, points in of_part.items() if points.start <= i % N_EYE_POINTS < points.stop)
    words = f"point {i % N_EYE_POINTS} of the subject's {eye} eye ({part}): position {_AXES[axis.lower()]}"
    return TableColumn(f"eye_lmk_{axis}_{i}", words, unit, "any", 1)


# OpenFace's eye 0 is the one at the left of the picture: the subject's right.
_EYES = ("right", "left")
GAZE = Signal(
    "gaze",
    "gaze",
    tuple(
        TableColumn(f"gaze_{i}_{axis}", f"where the subject's {eye} eye looks, unit vector: {words}", "-", "-1 to 1", 6)
        for i, eye in enumerate(_EYES)
        for axis, words in _AXES.items()
    ),
    (2 * 3,),
    given=True,
)
GAZE_ANGLES = Signal(
    "gaze_angles",
    "gaze",
    tuple(TableColumn(f"gaze_angle_{axis}", f"angle of the mean gaze of both eyes, {_AXES[axis]}", "rad", _RADIANS, 3) for axis in "xy"),
    (2,),
    given=True,
)
EYE_LANDMARKS = Signal(
    "eye_landmarks",
    "eye_landmarks",
    tuple(_eye_position(axis, i, "px") for axis in "xy" for i in range(2 * N_EYE_POINTS)),
    (2 * N_EYE_POINTS, 2),
    given=True,
    tidy=False,
)
EYE_LANDMARKS_3D = Signal(
    "eye_landmarks3d",
    "eye_landmarks",
    tuple(_eye_position(axis, i, "mm") for axis in "XYZ" for i in range(2 * N_EYE_POINTS)),
    (2 * N_EYE_POINTS, 3),
    given=True,
    tidy=False,
)
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
    given=True,
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
    given=True,
    optional=False,
    tidy=False,
)
SHAPE = Signal(
    "shape",
    "shape",
    tuple(TableColumn(f"p_{i}", f"fitted face model: local shape parameter {i}", "mm", "any, mostly -30 to 30", 3) for i in range(N_SHAPE)),
    (N_SHAPE,),
    of=_shape_parameters,
    given=True,
    optional=False,
    tidy=False,
)


def _openings(sight: Sight) -> FloatArray | None:
    return None if sight.mesh is None else eye_openings(sight.mesh, np.asarray(sight.fit.pose[0]), MESH_EYES)


def _gaze(sight: Sight) -> FloatArray | None:
    if sight.mesh is None:
        return None
    return mesh_gaze_angles(corners_and_irises(sight.mesh), float(sight.fit.pose[0]), sight.head_pose[3:], sight.camera)


def _lengths(sight: Sight) -> FloatArray | None:
    if sight.facing is None:
        return None
    points = landmarks_from_mesh(sight.facing)[np.newaxis].astype(np.float64)
    distance = eye_distance(points)
    positions = [side_positions(points, distance, left=left)[0] for left in (True, False)]
    return np.concatenate([*positions, iris_diameters(sight.facing) / distance])


def _seen(sight: Sight) -> FloatArray:
    height, width = sight.image.shape[:2]
    return region_confidences(sight.landmarks, (width, height), 1.0)


def _confidences(result: ViewResult) -> FloatArray | None:
    descriptor = descriptor_of(result)
    seen = None if descriptor is None else descriptor.signals.get("region_confidence")
    return None if seen is None else result.confidence * seen


# Of landmarks that keep asymmetry: of a mesh.
EYE_OPENING = Signal(
    "eye_opening",
    "eyes",
    tuple(
        TableColumn(f"eye_opening_{side}", f"distance of the lids of the subject's {side} eye, as a share of its width", "-", "0 to 1", 3)
        for side in SIDES
    ),
    (2,),
    measure=_openings,
)
# Another quantity than OpenFace's angles, which come from eye models of its own.
MESH_GAZE_ANGLES = Signal(
    "mesh_gaze_angles",
    "eyes",
    tuple(
        TableColumn(
            f"mesh_gaze_angle_{axis}", f"angle of the mean gaze of both eyes, {_AXES[axis]}, by the irises of the mesh", "rad", _RADIANS, 3
        )
        for axis in "xy"
    ),
    (2,),
    measure=_gaze,
)
# Known when the recording's rest is: at its end.
EYE_CLOSURE = Signal(
    "eye_closure",
    "eyes",
    tuple(
        TableColumn(
            f"eye_closure_{side}",
            f"share of its own opening at rest by which the subject's {side} eye has closed, by its lids: 0 as open as at rest, 1 closed",
            "-",
            "0 to 1",
            3,
        )
        for side in SIDES
    ),
    (2,),
)
# Of a mesh that was turned to look straight ahead.
LENGTHS = Signal(
    "lengths",
    "lengths",
    (
        *(
            TableColumn(
                f"length_{position}_{side}",
                f"{words}, the subject's {side} side, of the mesh turned to look straight ahead; in distances of the outer eye corners",
                "eye distances",
                "-1 to 1",
                4,
            )
            for side in SIDES
            for position, words in POSITIONS.items()
        ),
        *(
            TableColumn(
                f"length_iris_{side}",
                f"visible diameter of the subject's {side} iris, in distances of the outer eye corners",
                "eye distances",
                "0.1 to 0.2",
                4,
            )
            for side in SIDES
        ),
    ),
    (len(SIDES) * (len(POSITIONS) + 1),),
    measure=_lengths,
    views=(View.ORIGINAL,),
)
# A mirrored picture is as well seen as the half that it shows.
REGION_CONFIDENCE = Signal(
    "region_confidence",
    "regions",
    tuple(
        TableColumn(
            f"confidence_{region}",
            f"confidence of the {' '.join(region.split('_'))}, the subject's: the face's, less what lies outside the picture; "
            "action units of a region of 0.15 and less are empty",
            "-",
            "0 to 1",
            2,
        )
        for region in REGIONS
    ),
    (len(REGIONS),),
    of=_confidences,
    measure=_seen,
    views=(View.ORIGINAL,),
)

SIGNALS: list[Signal] = [
    GAZE, GAZE_ANGLES, EYE_LANDMARKS, EYE_LANDMARKS_3D, HEAD_POSE, LANDMARKS, LANDMARKS_3D, POSE, SHAPE,
    EYE_OPENING, EYE_CLOSURE, MESH_GAZE_ANGLES, LENGTHS, REGION_CONFIDENCE,
]  # fmt: skip


def measure_signals(sight: Sight) -> dict[str, FloatArray]:
    """The values of all signals that are measured in a worker; those that gave none are left out."""
    found = {signal.name: signal.measure(sight) for signal in SIGNALS if signal.measure is not None and sight.view in signal.views}
    return {name: np.asarray(value, dtype=np.float64) for name, value in found.items() if value is not None}
