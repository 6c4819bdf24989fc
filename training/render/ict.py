"""The ICT-FaceKit face: one mesh, 20 identity shapes, 57 expression shapes, most of them for one side only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from face_mirror_weights.errors import WeightsError

Float = NDArray[np.float32]
Index = NDArray[np.int32]

VERTEX_COUNT = 26719
IDENTITY_COUNT = 20

# The mesh vertices nearest to the 68 Multi-PIE / iBUG points, in iBUG order: the jaw runs from the subject's right to left, and point 36 is
# the outer corner of the subject's RIGHT eye.
LANDMARK_VERTICES: Index = np.array(
    [
        *(1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443),  # jaw
        *(268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509),  # brows
        *(978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360),  # nose
        *(1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732),  # eyes
        *(5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841),  # outer lips
        *(5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966),  # inner lips
    ],
    dtype=np.int32,
)

# Surfaces for a film renderer with transparency; opaque, they would hide the eyes.
MIDLINE_CM = 0.6
"""Half a movement of the whole mouth or jaw fades over this distance on both sides of the midline."""
TRANSPARENT_MATERIALS = ("M_EyeBlend", "M_EyeLashes", "M_EyeOcclusion", "M_LacrimalFluid")
CORNEA_RADIUS_CM = 0.62

_WHERE_TO_GET_IT = (
    "it holds arrays of ICT-FaceKit (MIT licence, https://github.com/USC-ICT/ICT-FaceKit): V, VT, T, TT, TM, mats, ex, exn, idn; "
    "developers find it as faces3d/ict.npz in the shared folder beside the project"
)


def expression(left: Mapping[str, float] | None = None, right: Mapping[str, float] | None = None) -> dict[str, float]:
    """Weights of the one-sided shapes from base names.

    Parameters
    ----------
    left, right
        Base name, such as ``mouthSmile``, to weight (0 rest, 1 full) on the subject's left and right side.

    Returns
    -------
    dict
        Full shape names (``mouthSmile_L``, ``mouthSmile_R``), for `FaceModel.vertices`.
    """
    weights = {f"{name}_L": float(value) for name, value in (left or {}).items()}
    weights.update({f"{name}_R": float(value) for name, value in (right or {}).items()})
    return weights


@dataclass(frozen=True)
class FaceModel:
    """Mesh and shapes.

    Lengths are centimetres; +x points to the SUBJECT's left, +y up, +z out of the face. A face that looks at the camera therefore
    shows +x at the image's right.

    Attributes
    ----------
    mean : (26719, 3) float32
        Vertices of the mean face, at rest.
    triangles : (M, 3) int32
        Opaque triangles only, counter-clockwise seen from outside.
    texture_triangles : (M, 3) int32
        The same corners as rows of `texture_points`.
    texture_points : (K, 2) float32
        Texture coordinates; the integer part is the tile (0 face, 1 back of the head).
    materials : tuple of str
    triangle_materials : (M,) int32
        Row of `materials` of each triangle.
    identity_shapes : (20, 26719, 3) float32
        Offsets for one standard deviation.
    expression_shapes : (57, 26719, 3) float32
        Offsets for weight 1.
    expression_names : tuple of str
    """

    mean: Float
    triangles: Index
    texture_triangles: Index
    texture_points: Float
    materials: tuple[str, ...]
    triangle_materials: Index
    identity_shapes: Float
    expression_shapes: Float
    expression_names: tuple[str, ...]

    @classmethod
    def load(cls, path: Path | str) -> FaceModel:
        """Read ``ict.npz``.

        Raises
        ------
        WeightsError
            The file is absent or is not this mesh.
        """
        path = Path(path)
        try:
            with path.open("rb") as stream, np.load(stream) as archive:
                data = {name: archive[name] for name in ("V", "VT", "T", "TT", "TM", "mats", "ex", "exn", "idn")}
        except FileNotFoundError as error:
            raise WeightsError(f"the face mesh {path} is missing; {_WHERE_TO_GET_IT}") from error
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise WeightsError(f"{path} is not the face mesh ({error}); {_WHERE_TO_GET_IT}") from error
        if data["V"].shape != (VERTEX_COUNT, 3) or data["idn"].shape != (IDENTITY_COUNT, VERTEX_COUNT, 3):
            raise WeightsError(f"{path} holds another mesh: {data['V'].shape[0]} vertices, expected {VERTEX_COUNT}; {_WHERE_TO_GET_IT}")
        mean = data["V"].astype(np.float32)
        materials = tuple(str(name) for name in data["mats"])
        triangle_materials = data["TM"].astype(np.int32)
        keep = ~np.isin(triangle_materials, [materials.index(name) for name in TRANSPARENT_MATERIALS])
        for side in ("Left", "Right"):
            keep &= ~_cornea(mean, data["T"], triangle_materials == materials.index(f"M_Sclera{side}"))
        return cls(
            mean=mean,
            triangles=data["T"][keep].astype(np.int32),
            texture_triangles=data["TT"][keep].astype(np.int32),
            texture_points=data["VT"].astype(np.float32),
            materials=materials,
            triangle_materials=triangle_materials[keep],
            identity_shapes=data["idn"].astype(np.float32),
            expression_shapes=data["ex"].astype(np.float32),
            expression_names=tuple(str(name) for name in data["exn"]),
        )

    @cached_property
    def _expression_rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.expression_names)}

    def material_triangles(self, *prefixes: str) -> Index:
        """Rows of `triangles` whose material's name starts with one of the prefixes (``"M_Iris"``): (m,) int32."""
        rows = [row for row, name in enumerate(self.materials) if name.startswith(prefixes)]
        return np.flatnonzero(np.isin(self.triangle_materials, rows)).astype(np.int32)

    def material_vertices(self, *prefixes: str) -> Index:
        """Vertices used by those triangles: (n,) int32, ascending."""
        return np.asarray(np.unique(self.triangles[self.material_triangles(*prefixes)]), np.int32)

    def identity(self, coefficients: NDArray[np.floating] | None = None) -> Float:
        """Vertices at rest of a person: (26719, 3) float32, cm. `coefficients` are (20,), in standard deviations; None is the mean face."""
        if coefficients is None:
            return np.array(self.mean, np.float32)
        weights = np.asarray(coefficients, dtype=np.float32)
        if weights.shape != (IDENTITY_COUNT,):
            raise ValueError(f"identity coefficients have shape {weights.shape}, expected ({IDENTITY_COUNT},)")
        return np.asarray(self.mean + np.tensordot(weights, self.identity_shapes, axes=1), np.float32)

    def vertices(self, identity: NDArray[np.floating] | None = None, expressions: Mapping[str, float] | None = None) -> Float:
        """Vertices of a person with an expression.

        Parameters
        ----------
        identity : (20,) float, optional
            Coefficients in standard deviations.
        expressions
            Full shape name to weight, see `expression`. A shape of both sides in one, such as ``jawOpen``, may be had for one side alone,
            as ``jawOpen_L``: half of it, which fades over the midline.

        Returns
        -------
        (26719, 3) float32
            Centimetres.

        Raises
        ------
        KeyError
            An expression's name is unknown.
        """
        return self.express(self.identity(identity), expressions)

    def express(self, rest: Float, expressions: Mapping[str, float] | None) -> Float:
        """Add an expression to vertices at rest: (26719, 3) float32, a new array. Cheaper than `vertices` for the frames of a clip."""
        result: Float = rest.copy()
        for name, weight in (expressions or {}).items():
            if weight:
                result += np.float32(weight) * self.shape(name)
        return result

    def shape(self, name: str) -> Float:
        """Offsets of an expression for weight 1: (26719, 3) float32, cm."""
        if name in self._expression_rows:
            return np.asarray(self.expression_shapes[self._expression_rows[name]])
        base, side = name[:-2], name[-2:]
        if base not in self._expression_rows or side not in self._half_shares:
            raise KeyError(f"no expression shape {name!r}; there are {', '.join(self.expression_names)}")
        return np.asarray(self._half_shares[side] * self.expression_shapes[self._expression_rows[base]])

    @cached_property
    def _half_shares(self) -> dict[str, Float]:
        """How much of a vertex belongs to each side: (26719, 1) float32."""
        across = np.clip(self.mean[:, :1] / MIDLINE_CM, -1.0, 1.0)
        left = 0.5 + 0.25 * across * (3.0 - across**2)
        return {"_L": left, "_R": 1.0 - left}

    @cached_property
    def eye_centres(self) -> Float:
        """Centres of the subject's left and right eyeball on the mean face: (2, 3) float32, cm."""
        boxes = [self.mean[self.material_vertices(f"M_Iris{side}")] for side in ("Left", "Right")]
        return np.asarray([(box.min(axis=0) + box.max(axis=0)) / 2 for box in boxes], np.float32)


def _cornea(mean: Float, triangles: NDArray[np.integer], of_sclera: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which triangles form the clear front of one eyeball's white."""
    corners = mean[triangles]
    ball = corners[of_sclera].reshape(-1, 3)
    centre = (ball.min(axis=0) + ball.max(axis=0)) / 2
    middle = corners.mean(axis=1)
    in_front = middle[:, 2] > centre[2]
    near_axis = np.hypot(middle[:, 0] - centre[0], middle[:, 1] - centre[1]) < CORNEA_RADIUS_CM
    return np.asarray(of_sclera & in_front & near_axis)
