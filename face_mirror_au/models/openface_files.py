"""Readers of OpenFace 2.2's model files: PDM, triangles, and the SVR / SVM predictors. Nothing in them is trusted before it is checked."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import ModelFileError
from face_mirror_au.numerics.au_bank import AUBank, Predictor
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.records import N_LANDMARKS, FloatArray

# OpenCV's number for float64 in a serialised matrix.
_CV_FLOAT64 = 6
# A predictor has some thousand features; anything far beyond that is a damaged header, not a model.
_MAX_FEATURES = 100_000
# So are values beyond this: their products would overflow. Those of OpenFace's predictors are below 1000.
_MAX_VALUE = 1e12
_MAX_TEXT_BYTES = 4_000_000
# A face measures some 100 mm and varies by some 10 mm; what lies far beyond would overflow where the PDM is used.
_MAX_PDM_VALUE = 1e6
_MIN_EIGENVALUE = 1e-9
_MAX_NAME = 255  # characters of a file's name in a list
# (dynamic, classifier) by the type number of a .dat file.
_TYPES = {0: (False, False), 1: (True, False), 4: (False, True), 5: (True, True)}


def read_predictor(path: Path, action_unit: str) -> tuple[Predictor, FloatArray]:
    """Read one `.dat` file.

    Parameters
    ----------
    path : Path
    action_unit : str
        Its name, e.g. "AU12".

    Returns
    -------
    Predictor, and the means (n,) float64 that belong to it

    Raises
    ------
    ModelFileError
        When the file is cut short, has a type or size that the method does not know, or values that are not finite.
    """
    data = _read(path, limit=32 * _MAX_FEATURES)
    reader = _Reader(path, data)
    kind = int(reader.number("<i", "type"))
    if kind not in _TYPES:
        raise _damaged(path, f"predictor type {kind} is none of {sorted(_TYPES)}")
    dynamic, classifier = _TYPES[kind]
    cutoff = reader.number("<d", "cutoff") if kind == 1 else 0.0
    means = reader.matrix("means")
    weights = reader.matrix("weights")
    bias = reader.number("<d", "bias")
    positive, negative = (reader.number("<d", "class"), reader.number("<d", "class")) if classifier else (1.0, 0.0)
    reader.finish()
    if means.shape[0] != 1 or weights.shape[1] != 1 or means.size != weights.size:
        raise _damaged(path, f"means {means.shape} and weights {weights.shape} do not belong together")
    if not 0.0 <= cutoff < 1.0:
        raise _damaged(path, f"cutoff {cutoff} is not in [0, 1)")
    if classifier and {positive, negative} != {0.0, 1.0}:
        raise _damaged(path, f"classes {positive} and {negative} are not 0 and 1")
    return Predictor(action_unit, classifier, dynamic, weights.ravel(), bias, cutoff, positive, negative), means.ravel()


def read_au_bank(list_name: str, resolve: Callable[[str], Path], *, name: str) -> AUBank:
    """Read all predictors that a list file names.

    Parameters
    ----------
    list_name : str
        "AU_all_best.txt" (dynamic, for video) or "AU_all_static.txt" (static).
    resolve : callable
        Gives the path of a file of the bank's folder by its relative name; raises when it is missing.
    name : str
        Name of the bank in outputs, e.g. "OpenFace 2.2".

    Raises
    ------
    ModelFileError
        Also when files of one list have different means: the bank shares them.
    """
    path = resolve(list_name)
    entries = [line.split() for line in _read(path, limit=_MAX_TEXT_BYTES).decode("ascii", "replace").split("\n") if line.strip()]
    if not entries or any(len(entry) != 2 for entry in entries):
        raise _damaged(path, "a line is not 'relative/path.dat AUname'")
    predictors: list[Predictor] = []
    shared_means: FloatArray | None = None
    for relative, action_unit in entries:
        if not relative.isprintable() or len(relative) > _MAX_NAME:
            raise _damaged(path, f"entry {relative[:_MAX_NAME]!r} is no name of a file")
        if relative.startswith(("/", "\\")) or ".." in relative:
            raise _damaged(path, f"entry {relative!r} points outside its folder")
        file = resolve(relative.replace("\\", "/"))
        predictor, means = read_predictor(file, action_unit)
        if shared_means is not None and not np.array_equal(means, shared_means):
            raise _damaged(file, "its means differ from those of the other predictors")
        shared_means = means
        predictors.append(predictor)
    return AUBank.build(name, predictors, np.zeros(0) if shared_means is None else shared_means)


def read_pdm(path: Path, name: str = "") -> PDM:
    """Read a PDM text file: mean (3n x 1), components (3n x m), eigenvalues (1 x m), with comments between. `name`: see `PDM`.

    Raises
    ------
    ModelFileError
    """
    text = _read(path, limit=_MAX_TEXT_BYTES).decode("ascii", "replace")
    tokens = [token for line in text.splitlines() if not line.lstrip().startswith("#") for token in line.split()]
    matrices: list[FloatArray] = []
    position = 0
    for part in ("mean", "components", "eigenvalues"):
        try:
            rows, columns, _ = (int(token) for token in tokens[position : position + 3])
            if not (0 < rows <= 3 * 512 and 0 < columns <= 3 * 512):
                raise _damaged(path, f"{part} of {rows} x {columns} values")
            values = np.array(tokens[position + 3 : position + 3 + rows * columns], dtype=np.float64)
        except ValueError as error:
            raise _damaged(path, f"{part} cannot be read") from error
        if values.size != rows * columns:
            raise _damaged(path, f"{part} has {values.size} of {rows * columns} values: the file is cut short")
        if not np.isfinite(values).all():
            raise _damaged(path, f"{part} holds values that are not finite")
        if (np.abs(values) > _MAX_PDM_VALUE).any():
            raise _damaged(path, f"{part} holds values beyond {_MAX_PDM_VALUE:g}")
        matrices.append(values.reshape(rows, columns))
        position += 3 + rows * columns
    mean, components, eigenvalues = matrices
    modes = eigenvalues.size
    if (
        mean.size != 3 * N_LANDMARKS
        or components.shape != (mean.size, modes)
        or not 1 <= modes <= 64
        or (eigenvalues < _MIN_EIGENVALUE).any()
    ):
        shapes = f"mean {mean.shape}, components {components.shape}, eigenvalues {eigenvalues.shape}"
        raise _damaged(path, f"{shapes} are no {N_LANDMARKS}-point PDM")
    return PDM.from_matrices(mean.ravel(), components, eigenvalues.ravel(), name)


def read_triangles(path: Path) -> NDArray[np.int32]:
    """Read a triangle file: the number of triangles, then as many triples of landmark indices.

    Returns
    -------
    ndarray, (t, 3) int32

    Raises
    ------
    ModelFileError
    """
    tokens = _read(path, limit=_MAX_TEXT_BYTES).split()
    try:
        rows, columns = int(tokens[0]), int(tokens[1])
        values = np.array([int(token) for token in tokens[3:]], dtype=np.int64)
    except (ValueError, IndexError, OverflowError) as error:
        raise _damaged(path, "it is no list of triangles") from error
    if columns != 3 or not 0 < rows <= 10_000 or values.size != rows * columns:
        raise _damaged(path, f"{values.size} numbers for {rows} x {columns} indices")
    if (values < 0).any() or (values >= N_LANDMARKS).any():
        raise _damaged(path, f"a triangle names a landmark outside 0..{N_LANDMARKS - 1}")
    return values.astype(np.int32).reshape(-1, 3)


class _Reader:
    """Reads numbers and matrices from bytes, each time checking what is left first."""

    def __init__(self, path: Path, data: bytes) -> None:
        self._path = path
        self._data = data
        self._position = 0

    def _take(self, size: int, what: str) -> bytes:
        if len(self._data) - self._position < size:
            raise _damaged(self._path, f"it is cut short at its {what} ({len(self._data)} bytes in all)")
        self._position += size
        return self._data[self._position - size : self._position]

    def number(self, form: str, what: str) -> float:
        value = struct.unpack(form, self._take(struct.calcsize(form), what))[0]
        if not abs(value) <= _MAX_VALUE:
            raise _damaged(self._path, f"its {what} is not finite")
        return value  # type: ignore[no-any-return]

    def matrix(self, what: str) -> FloatArray:
        rows, columns, kind = struct.unpack("<iii", self._take(12, what))
        if kind != _CV_FLOAT64:
            raise _damaged(self._path, f"its {what} are of OpenCV type {kind}, not {_CV_FLOAT64} (float64)")
        if not (0 < rows <= _MAX_FEATURES and 0 < columns <= _MAX_FEATURES and rows * columns <= _MAX_FEATURES):
            raise _damaged(self._path, f"its {what} claim {rows} x {columns} values")
        values = np.frombuffer(self._take(8 * rows * columns, what), dtype="<f8").reshape(rows, columns)
        if not (np.abs(values) <= _MAX_VALUE).all():
            raise _damaged(self._path, f"its {what} hold values that are not finite")
        return values.astype(np.float64)

    def finish(self) -> None:
        if self._position != len(self._data):
            raise _damaged(self._path, f"{len(self._data) - self._position} bytes follow its end")


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ModelFileError(f"{path.name} cannot be read ({error.strerror}); fetch it again: face-mirror-au weights fetch") from error
    if len(data) > limit:
        raise _damaged(path, f"it is larger than {limit} bytes")
    return data


def _damaged(path: Path, what: str) -> ModelFileError:
    return ModelFileError(f"{path.name} is not a usable model file: {what}; run 'face-mirror-au weights verify' and fetch it again")
