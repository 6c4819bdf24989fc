"""Readers of OpenFace 2.2's files of landmark experts: CCNF (CLNF) and CEN (CE-CLM). Nothing in them is trusted before it is checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.models.binary_file import F32, F64, I32, BinaryFile
from face_mirror_au.numerics.clnf.ccnf import CCNFExperts
from face_mirror_au.numerics.clnf.cen import CENExpert, CENExperts, Layer
from face_mirror_au.numerics.clnf.experts import MAX_WINDOW, SUPPORT
from face_mirror_au.records import Float32Array, FloatArray

# OpenFace 2.2: the largest files have 2.4 MB and 154 MB.
_MAX_CCNF_BYTES = 32_000_000
_MAX_CEN_BYTES = 400_000_000
_MAX_VIEWS = 32
_MAX_WINDOWS = 8
_MAX_COMPONENTS = 8
_MAX_NEURONS = 32
_MAX_LAYERS = 8
_MAX_UNITS = 4096
# Beyond these a float32 sum of products would no longer say anything.
_MAX_WEIGHT = 1e6
_SMALLEST = 1e-9
# Of a CCNF: OpenFace's have betas of at most 0.4 of the alphas, and diagonals to 16.
_MAX_RATIO, _MAX_DIAGONAL, _ROUNDING = 1e3, 100.0, 1e-3
# What the format calls the kinds of its parts.
_CCNF, _CEN = 5, 6
# A neuron: kind and type, then the head of a matrix, around three numbers.
_NEURON_RECORD = np.dtype([
    ("head", [("kind", "<i4"), ("type", "<i4")]), ("norm", "<f8"), ("bias", "<f8"), ("alpha", "<f8"),
    ("matrix", [("rows", "<i4"), ("columns", "<i4"), ("form", "<i4")]), ("weights", "<f4", (SUPPORT**2,)),
])  # fmt: skip
_NEURON_HEAD, _MATRIX_HEAD = (2, 0), (SUPPORT, SUPPORT, F32)


def read_ccnf(path: Path, n_points: int) -> CCNFExperts:
    """Read the CCNF experts of one scale.

    Parameters
    ----------
    path : Path
    n_points : int
        Landmarks of the model that they belong to.

    Raises
    ------
    ModelFileError
    """
    file = BinaryFile(path, _MAX_CCNF_BYTES)
    scaling, views, visible = _read_head(file, n_points)
    components: dict[int, Float32Array] = {}
    counts: list[int] = []
    for _ in range(file.integer("number of windows", 0, _MAX_WINDOWS)):
        window = file.integer("window", 1, MAX_WINDOW)
        count = file.integer("number of components", 0, _MAX_COMPONENTS)
        shape = window**2, window**2
        matrices = [_values(file, "component", shape, F32) for _ in range(count)]
        components[window] = np.array(matrices, np.float32).reshape(count, *shape)
        _check_components(file, components[window])
        counts.append(count)
    if any(count not in {0, counts[0]} for count in counts):
        raise file.damaged(f"its windows have {counts} components, not equally many")
    table = _CCNFTable(visible.shape, counts[0] if counts else 0)
    for view, point in np.ndindex(visible.shape):
        table.read(file, view, point, bool(visible[view, point]))
    file.finish()
    return table.experts(file, scaling, views, visible, components)


class _CCNFTable:
    """Fills the arrays expert by expert: the number of neurons is known only then. What the numbers are is checked at the end, at once."""

    def __init__(self, shape: tuple[int, int], n_betas: int) -> None:
        self._neurons = np.zeros((*shape, 1), _NEURON_RECORD)
        self._numbers = np.zeros((*shape, n_betas + 1))  # betas and confidence

    def read(self, file: BinaryFile, view: int, point: int, visible: bool) -> None:
        what = f"expert of landmark {point} in view {view}"
        _read_expert_head(file, _CCNF, what)
        neurons = file.integer(f"{what}: number of neurons", 0, _MAX_NEURONS)
        if visible != (neurons > 0):
            raise file.damaged(f"its {what} has {neurons} neurons, and the landmark is {'' if visible else 'not '}visible there")
        if not neurons:
            file.integer(f"end of the {what}", 0, 0)
            return
        more = neurons - self._neurons.shape[2]
        if more > 0:
            self._neurons = np.pad(self._neurons, ((0, 0), (0, 0), (0, more)))
        records = np.frombuffer(file.take(neurons * _NEURON_RECORD.itemsize, what), _NEURON_RECORD)
        if any(head != _NEURON_HEAD for head in records["head"].tolist()) or any(
            head != _MATRIX_HEAD for head in records["matrix"].tolist()
        ):
            raise file.damaged(f"a neuron of its {what} is not of a known kind and {SUPPORT} x {SUPPORT} weights")
        self._neurons[view, point, :neurons] = records
        self._numbers[view, point] = np.frombuffer(file.take(8 * self._numbers.shape[2], f"{what}: betas and confidence"), "<f8")

    def experts(
        self, file: BinaryFile, scaling: float, views: FloatArray, visible: NDArray[np.uint8], components: dict[int, Float32Array]
    ) -> CCNFExperts:
        values = np.stack([self._neurons[name] for name in ("norm", "bias", "alpha")])
        weights = self._neurons["weights"].astype(np.float32)
        for name, numbers in (("neurons", values), ("neurons' weights", weights), ("betas and confidences", self._numbers)):
            if not (np.abs(numbers) <= _MAX_WEIGHT).all():  # nor is NaN
                raise file.damaged(f"its {name} hold values that are not finite or beyond {_MAX_WEIGHT:g}")
        norms, biases, alphas = values
        betas, confidence = self._numbers[:, :, :-1], self._numbers[:, :, -1]
        if (alphas < 0.0).any() or (betas < 0.0).any() or (alphas.sum(axis=2)[visible != 0] < _SMALLEST).any():
            raise file.damaged("alphas or betas of an expert are below 0, or all its alphas are 0")
        if (betas.sum(axis=2) > _MAX_RATIO * alphas.sum(axis=2)).any():
            raise file.damaged("betas of an expert are far above its alphas")
        weights *= norms[..., None].astype(np.float32)
        weights -= weights.mean(axis=-1, keepdims=True, dtype=np.float64).astype(np.float32)
        return CCNFExperts(
            scaling, views, visible, confidence.astype(np.float32), weights, biases.copy(), alphas.copy(), betas.copy(), components
        )


def read_cen(path: Path, n_points: int) -> CENExperts:
    """Read the CEN experts of one scale.

    Parameters
    ----------
    path : Path
    n_points : int
        Landmarks of the model that they belong to.

    Raises
    ------
    ModelFileError
    """
    file = BinaryFile(path, _MAX_CEN_BYTES)
    scaling, views, visible = _read_head(file, n_points)
    mirror_points = file.matrix("mirrored landmarks", (1, n_points), I32).ravel().astype(np.intp)
    mirror_views = file.matrix("mirrored views", (1, len(views)), I32).ravel().astype(np.intp)
    for name, mirrored in (("landmarks", mirror_points), ("views", mirror_views)):
        if not np.array_equal(np.sort(mirrored), np.arange(mirrored.size)):
            raise file.damaged(f"its mirrored {name} are no permutation")
    experts: list[list[CENExpert | None]] = []
    confidence = np.zeros(visible.shape, np.float32)
    for view in range(len(views)):
        experts.append([])
        for point in range(n_points):
            expert, confidence[view, point] = _read_cen_expert(file, f"expert of landmark {point} in view {view}")
            experts[view].append(expert)
    file.finish()
    for view, point in np.argwhere(visible).tolist():
        if experts[view][point] is None and experts[0 if view == 0 else mirror_views[view]][mirror_points[point]] is None:
            raise file.damaged(f"landmark {point} of view {view} has no expert, and neither has its mirror image")
    return CENExperts(scaling, views, visible, confidence, tuple(map(tuple, experts)), mirror_points, mirror_views)


def _read_cen_expert(file: BinaryFile, what: str) -> tuple[CENExpert | None, float]:
    _read_expert_head(file, _CEN, what)
    layers: list[Layer] = []
    width = SUPPORT**2 + 1
    for _ in range(file.integer(f"{what}: number of layers", 0, _MAX_LAYERS)):
        activation = file.integer(f"{what}: activation", -(2**31), 2**31 - 1)
        bias = _values(file, f"{what}: bias", (None, None), F32, F64).ravel()
        if bias.size > _MAX_UNITS:
            raise file.damaged(f"a layer of its {what} has {bias.size} units")
        layers.append(Layer(_values(file, f"{what}: weights", (bias.size, width), F32, F64), bias, activation))
        width = bias.size
    if layers and width != 1:
        raise file.damaged(f"the last layer of its {what} has {width} units, not 1")
    confidence = file.real(f"{what}: confidence", -_MAX_WEIGHT, _MAX_WEIGHT)
    return (CENExpert(tuple(layers)) if layers else None), confidence


def _check_components(file: BinaryFile, components: Float32Array) -> None:
    """Those of a field are graph Laplacians: with them its matrix has an inverse, whatever the alphas and betas."""
    diagonal = np.einsum("cii->ci", components)
    rest = np.abs(components).sum(axis=2) - np.abs(diagonal)
    dominant = (diagonal >= rest - _ROUNDING).all() and (diagonal <= _MAX_DIAGONAL).all()
    if not dominant or not np.array_equal(components, components.transpose(0, 2, 1)):
        raise file.damaged("its components are not symmetric with a dominant diagonal")


def _read_head(file: BinaryFile, n_points: int) -> tuple[float, FloatArray, NDArray[np.uint8]]:
    """Scaling, view centres (v, 3) rad, visibility (v, n)."""
    scaling = file.real("scaling", 1e-3, 1e3)
    n_views = file.integer("number of views", 1, _MAX_VIEWS)
    degrees = np.array([file.matrix("view centre", (3, 1), F64).ravel() for _ in range(n_views)], np.float64)
    visible = np.array([file.matrix("visibility", (n_points, 1), I32).ravel() for _ in range(n_views)], np.int32)
    if (np.abs(degrees) > 360.0).any():
        raise file.damaged("a view centre is beyond 360 degrees")
    if not np.isin(visible, (0, 1)).all():
        raise file.damaged("its visibilities are not all 0 or 1")
    if not visible.any(axis=1).all():
        raise file.damaged("no landmark is visible in one of its views")
    return scaling, degrees * (np.pi / 180.0), visible.astype(np.uint8)


def _read_expert_head(file: BinaryFile, kind: int, what: str) -> None:
    file.integer(f"kind of the {what}", kind, kind)
    for side in ("width", "height"):
        file.integer(f"{side} of the {what}", SUPPORT, SUPPORT)


def _values(file: BinaryFile, what: str, shape: tuple[int | None, int | None], *kinds: int) -> Float32Array:
    """A matrix as float32 of values that can be multiplied; it may look at the file's bytes."""
    values = file.matrix(what, shape, *kinds)
    if (np.abs(values) > _MAX_WEIGHT).any():
        raise file.damaged(f"its {what} holds values beyond {_MAX_WEIGHT:g}")
    return values.astype(np.float32, copy=False)
