"""Readers of OpenFace 2.2's model files: PDM, triangles, and the SVR / SVM predictors. Nothing in them is trusted before it is checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.models.binary_file import F64, BinaryFile, damaged, read_bytes
from face_mirror_au.numerics.au_bank import AUBank, Predictor
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.records import N_LANDMARKS, FloatArray

# A predictor has some thousand features; anything far beyond that is a damaged header, not a model.
_MAX_FEATURES = 100_000
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
    reader = BinaryFile(path, limit=32 * _MAX_FEATURES)
    kind = reader.integer("type", 0, 2**31 - 1)
    if kind not in _TYPES:
        raise damaged(path, f"predictor type {kind} is none of {sorted(_TYPES)}")
    dynamic, classifier = _TYPES[kind]
    cutoff = reader.real("cutoff") if kind == 1 else 0.0
    means = reader.matrix("means", (None, None), F64).astype(np.float64)
    weights = reader.matrix("weights", (None, None), F64).astype(np.float64)
    bias = reader.real("bias")
    positive, negative = (reader.real("class"), reader.real("class")) if classifier else (1.0, 0.0)
    reader.finish()
    if means.shape[0] != 1 or weights.shape[1] != 1 or means.size != weights.size:
        raise damaged(path, f"means {means.shape} and weights {weights.shape} do not belong together")
    if not 0.0 <= cutoff < 1.0:
        raise damaged(path, f"cutoff {cutoff} is not in [0, 1)")
    if classifier and {positive, negative} != {0.0, 1.0}:
        raise damaged(path, f"classes {positive} and {negative} are not 0 and 1")
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
    entries = [line.split() for line in read_bytes(path, limit=_MAX_TEXT_BYTES).decode("ascii", "replace").split("\n") if line.strip()]
    if not entries or any(len(entry) != 2 for entry in entries):
        raise damaged(path, "a line is not 'relative/path.dat AUname'")
    predictors: list[Predictor] = []
    shared_means: FloatArray | None = None
    for relative, action_unit in entries:
        if not relative.isprintable() or len(relative) > _MAX_NAME:
            raise damaged(path, f"entry {relative[:_MAX_NAME]!r} is no name of a file")
        if relative.startswith(("/", "\\")) or ".." in relative:
            raise damaged(path, f"entry {relative!r} points outside its folder")
        file = resolve(relative.replace("\\", "/"))
        predictor, means = read_predictor(file, action_unit)
        if shared_means is not None and not np.array_equal(means, shared_means):
            raise damaged(file, "its means differ from those of the other predictors")
        shared_means = means
        predictors.append(predictor)
    return AUBank.build(name, predictors, np.zeros(0) if shared_means is None else shared_means)


def read_pdm(path: Path, n_points: int = N_LANDMARKS, *, name: str = "") -> PDM:
    """Read a PDM text file: mean (3n x 1), components (3n x m), eigenvalues (1 x m), with comments between.

    Parameters
    ----------
    path : Path
    n_points : int
        Landmarks that it must have.
    name : str
        See `PDM`.

    Raises
    ------
    ModelFileError
    """
    text = read_bytes(path, limit=_MAX_TEXT_BYTES).decode("ascii", "replace")
    tokens = [token for line in text.splitlines() if not line.lstrip().startswith("#") for token in line.split()]
    matrices: list[FloatArray] = []
    position = 0
    for part in ("mean", "components", "eigenvalues"):
        try:
            rows, columns, _ = (int(token) for token in tokens[position : position + 3])
            if not (0 < rows <= 3 * 512 and 0 < columns <= 3 * 512):
                raise damaged(path, f"{part} of {rows} x {columns} values")
            values = np.array(tokens[position + 3 : position + 3 + rows * columns], dtype=np.float64)
        except ValueError as error:
            raise damaged(path, f"{part} cannot be read") from error
        if values.size != rows * columns:
            raise damaged(path, f"{part} has {values.size} of {rows * columns} values: the file is cut short")
        if not np.isfinite(values).all():
            raise damaged(path, f"{part} holds values that are not finite")
        if (np.abs(values) > _MAX_PDM_VALUE).any():
            raise damaged(path, f"{part} holds values beyond {_MAX_PDM_VALUE:g}")
        matrices.append(values.reshape(rows, columns))
        position += 3 + rows * columns
    mean, components, eigenvalues = matrices
    modes = eigenvalues.size
    if mean.size != 3 * n_points or components.shape != (mean.size, modes) or not 1 <= modes <= 64 or (eigenvalues < _MIN_EIGENVALUE).any():
        shapes = f"mean {mean.shape}, components {components.shape}, eigenvalues {eigenvalues.shape}"
        raise damaged(path, f"{shapes} are no {n_points}-point PDM")
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
    tokens = read_bytes(path, limit=_MAX_TEXT_BYTES).split()
    try:
        rows, columns = int(tokens[0]), int(tokens[1])
        values = np.array([int(token) for token in tokens[3:]], dtype=np.int64)
    except (ValueError, IndexError, OverflowError) as error:
        raise damaged(path, "it is no list of triangles") from error
    if columns != 3 or not 0 < rows <= 10_000 or values.size != rows * columns:
        raise damaged(path, f"{values.size} numbers for {rows} x {columns} indices")
    if (values < 0).any() or (values >= N_LANDMARKS).any():
        raise damaged(path, f"a triangle names a landmark outside 0..{N_LANDMARKS - 1}")
    return values.astype(np.int32).reshape(-1, 3)
