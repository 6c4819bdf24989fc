"""The open AU bank's file: one .npz of plain float32 arrays and a description, written by training and read here.

===================  ==================  =======================================================================
array                shape, dtype        what
===================  ==================  =======================================================================
description          UTF-8 bytes, uint8  JSON: name, version, how it was made, which action units are left out
mesh_reference       (478, 3) float32    mean mesh, mm (`MeshShape`)
mesh_rigid           (r,) int32          its rigid points
mesh_basis           (k, 1434) float32   its shape parameters
means                (n,) float32        of the descriptor, shared by all predictors; n = 4464 + 238 + k
dynamic, static      (2, a, n) float32   weights: the subject's left, then right; `INTENSITY_AUS`, then `MORE_AUS`
static_bias          (2, a) float32      dynamic predictors have none: a face at rest is 0
dynamic_known,       (2, a) float32      1 where the predictor is good enough: of the whole face, and of the sides; else 0
static_known
network_codes        (2, c, n) float32   codes of the left, then of the right, for the dynamic predictors' network (`SideNetwork`)
network_*            float32             its layers: first (h, 2 c), first_bias (h,), second (h, h), second_bias (h,), last (a, h)
===================  ==================  =======================================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.lib.format import read_array
from numpy.typing import NDArray

from face_mirror_au.errors import ModelFileError
from face_mirror_au.numerics.au_bank import AUBank, Predictor, in_groups
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.numerics.mesh_shape import MeshShape
from face_mirror_au.numerics.side_network import SideNetwork
from face_mirror_au.records import ALL_AUS, MORE_AUS, PRESENCE_AUS, FloatArray

FORMS = ("dynamic", "static")
SIDES = ("left", "right")
NETWORK = ("first", "first_bias", "second", "second_bias", "last")
PDM_FEATURES = 238  # displacements of the 68 landmarks and shape parameters of the PDM, between FHOG and mesh
MAX_BYTES = 6_000_000
N_MESH = 478
# An action unit is present where its intensity is above this, on the bank's own scale of 0 to 5.
PRESENCE_ABOVE = 1.0


@dataclass(frozen=True)
class OpenBank:
    """What the file holds.

    Attributes
    ----------
    description : mapping
        At least "name" and "version".
    mesh_shape : MeshShape
    means : ndarray, (n,) float64
    weights : mapping of str to ndarray, (2, a, n) float64
        By form.
    biases : mapping of str to ndarray, (2, a) float64
        By form.
    known : mapping of str to ndarray, (2, a) bool
        By form: which action units of the whole face, and of the sides, are predicted; the others are left empty.
    codes : ndarray, (2, c, n) float64
        Weights of the network's codes, of the left and the right.
    network : SideNetwork
        Corrects the dynamic predictors.
    """

    description: Mapping[str, object]
    mesh_shape: MeshShape
    means: FloatArray
    weights: Mapping[str, FloatArray]
    biases: Mapping[str, FloatArray]
    known: Mapping[str, NDArray[np.bool_]]
    codes: FloatArray
    network: SideNetwork

    @property
    def name(self) -> str:
        """What outputs call it."""
        return str(self.description["name"])

    @property
    def version(self) -> str:
        """Of the file."""
        return str(self.description["version"])

    def side_errors(self, form: str) -> Mapping[str, float]:
        """See `AUModels`; of each action unit whose sides are told apart."""
        told = self.description.get("side errors")
        known = told if isinstance(told, dict) and form == "dynamic" else {}
        return {name: float(error) for name, error in known.items() if name not in self.without_sides(form)}

    unrestricted = True
    has_sides = True

    def left_empty(self, form: str) -> tuple[str, ...]:
        """Action units that the whole face's table leaves empty."""
        return (*_unknown(self.known[form][0]), *(name for name in PRESENCE_AUS if name not in ALL_AUS))

    def without_sides(self, form: str) -> tuple[str, ...]:
        """Action units whose sides are left empty."""
        return _unknown(self.known[form][1])

    def au_bank(self, form: str) -> AUBank:
        """The predictors of a form, "dynamic" or "static", with sides."""
        left, right = (self._predictors(form, side) for side in range(len(SIDES)))
        bank = AUBank.build_sided(self.name, (left, right), self.means, presence_above=PRESENCE_ABOVE, more=MORE_AUS)
        if form == "dynamic":
            bank = bank.with_network(self.network, self.codes)
        whole, sides = self.known[form]
        return bank.without(~in_groups(whole, sides, sides))

    def _predictors(self, form: str, side: int) -> list[Predictor]:
        return [
            Predictor(name, classifier=False, dynamic=form == "dynamic", weights=self.weights[form][side, place], bias=float(bias))
            for place, (name, bias) in enumerate(zip(ALL_AUS, self.biases[form][side], strict=True))
        ]


def _unknown(known: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(name for name, there in zip(ALL_AUS, known, strict=True) if not there)


def read_open_bank(path: Path) -> OpenBank:
    """Read a bank.

    Raises
    ------
    ModelFileError
        When the file is missing, damaged, or holds arrays of other shapes. Nothing in it is executed.
    """
    try:
        arrays = _read_arrays(path)
        description = json.loads(arrays.pop("description").tobytes().decode("utf-8"))
    except ModelFileError:
        raise
    except OSError as error:
        raise _damaged(path, f"it cannot be read ({error.strerror or type(error).__name__})") from error
    except BadZipFile as error:
        raise _damaged(path, "it is empty or no .npz file") from error
    except Exception as error:  # zipfile and NumPy raise a dozen kinds, from RuntimeError to MemoryError, on damaged content
        raise _damaged(path, f"{type(error).__name__}") from error
    words = [description.get(key) for key in ("name", "version")] if isinstance(description, dict) else [None]
    if not all(isinstance(word, str) and word and word.isprintable() for word in words):
        raise _damaged(path, "it has no name and version, one line each")
    _check_shapes(path, arrays)
    means = arrays["means"].astype(np.float64)
    weights = {form: arrays[form].astype(np.float64) for form in FORMS}
    # Relative to rest, a descriptor's mean plays no part: the dynamic bias takes back what the shared means take away.
    biases = {"dynamic": weights["dynamic"] @ means, "static": arrays["static_bias"].astype(np.float64)}
    shape = MeshShape(arrays["mesh_reference"].astype(np.float64), arrays["mesh_rigid"], arrays["mesh_basis"].astype(np.float64))
    known = {form: arrays[f"{form}_known"] > 0 for form in FORMS}
    network = SideNetwork(*(arrays[f"network_{name}"].astype(np.float64) for name in NETWORK))
    return OpenBank(description, shape, means, weights, biases, known, arrays["network_codes"].astype(np.float64), network)


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of the file by name. What is compressed must not unpack to more than the file may hold."""
    if path.stat().st_size > MAX_BYTES:
        raise _damaged(path, f"it is larger than {MAX_BYTES} bytes")
    with ZipFile(BytesIO(path.read_bytes())) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > MAX_BYTES:
            raise _damaged(path, f"it unpacks to more than {MAX_BYTES} bytes")
        return {member.filename.removesuffix(".npy"): read_array(BytesIO(archive.read(member)), allow_pickle=False) for member in members}


def _check_shapes(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    per_predictor = (len(SIDES), len(ALL_AUS))
    n_modes, codes, hidden = (
        _length(arrays.get(name), axis) for name, axis in (("mesh_basis", 0), ("network_codes", 1), ("network_first", 0))
    )
    layers = ((hidden, 2 * codes), (hidden,), (hidden, hidden), (hidden,), (len(ALL_AUS), hidden))
    expected = {
        "mesh_reference": (N_MESH, 3),
        "mesh_basis": (n_modes, 3 * N_MESH),
        "means": (HOG_SIZE + PDM_FEATURES + n_modes,),
        "static_bias": per_predictor,
        **dict.fromkeys(FORMS, (*per_predictor, HOG_SIZE + PDM_FEATURES + n_modes)),
        **{f"{form}_known": per_predictor for form in FORMS},
        "network_codes": (len(SIDES), codes, HOG_SIZE + PDM_FEATURES + n_modes),
        **{f"network_{name}": layer for name, layer in zip(NETWORK, layers, strict=True)},
    }
    for name, shape in expected.items():
        if name not in arrays or arrays[name].dtype != np.float32 or arrays[name].shape != shape:
            found = f"{arrays[name].dtype} {arrays[name].shape}" if name in arrays else "missing"
            raise _damaged(path, f"its {name} is {found}, not float32 {shape}")
        if not np.isfinite(arrays[name]).all():
            raise _damaged(path, f"its {name} holds values that are not finite")
    rigid = arrays.get("mesh_rigid")
    if rigid is None or rigid.dtype != np.int32 or rigid.ndim != 1 or len(rigid) < 3 or rigid.min() < 0 or rigid.max() >= N_MESH:
        raise _damaged(path, "its mesh_rigid is no list of mesh points")
    if len(np.unique(rigid)) < len(rigid):
        raise _damaged(path, "its mesh_rigid names a point twice")


def _length(array: NDArray[Any] | None, axis: int) -> int:
    """Of an axis; 0 where there is none."""
    return 0 if array is None or array.ndim <= axis else int(array.shape[axis])


def write_open_bank(path: Path, description: Mapping[str, object], arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write a bank: the arrays of the table above, without the description's own. The same content gives the same bytes."""
    text = json.dumps(description, indent=1, sort_keys=True).encode("utf-8")
    content = {"description": np.frombuffer(text, np.uint8), **{name: arrays[name] for name in sorted(arrays)}}
    with path.open("wb") as file:
        np.savez(file, **content)  # type: ignore[arg-type]  # NumPy's stub takes the keywords for allow_pickle


def _damaged(path: Path, what: str) -> ModelFileError:
    advice = "name another, or, if it is the package's own, install that anew"
    return ModelFileError(f"{path.name} is not a usable AU bank: {what}; {advice}")
