"""Targets: files that models are read from."""

from __future__ import annotations

import hashlib
import struct
from functools import cache
from io import BytesIO
from unittest.mock import patch
from zipfile import ZipFile

import numpy as np
from numpy.lib.format import write_array
from numpy.typing import NDArray

from face_mirror_au.models.open_bank import N_MESH, PDM_FEATURES, read_open_bank
from face_mirror_au.models.openface_files import read_au_bank, read_pdm, read_predictor, read_triangles
from face_mirror_au.numerics.alignment import Aligner
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_au.pipeline.describer import FaceDescriber
from face_mirror_au.records import ALL_AUS, FloatArray
from face_mirror_weights import open_models
from face_mirror_weights.manifest import PackageMember, load_manifest
from face_mirror_weights.package_files import _read_member
from face_mirror_weights.receipt import read_receipt
from fuzz.contract import folder, written

MEMBER_CONTENT = bytes(range(64))
MEMBER = PackageMember("package==1", "model.bin", len(MEMBER_CONTENT), hashlib.sha256(MEMBER_CONTENT).hexdigest())
# A static intensity predictor of two features.
_DAT = struct.pack("<i iii2d iii2d d", 0, 1, 2, 6, 0.0, 0.0, 2, 1, 6, 1.0, -1.0, 0.5)
_PICTURE = np.zeros((120, 160, 3), np.uint8)


@cache
def good_pdm() -> PDM:
    """Our own PDM."""
    return read_pdm(open_models.PDM)


@cache
def good_fitter() -> PoseFitter:
    """Fits our own PDM."""
    return PoseFitter(good_pdm())


@cache
def good_describer() -> FaceDescriber:
    """Describes faces with our own PDM and triangles."""
    return FaceDescriber(good_pdm(), read_triangles(open_models.TRIANGLES), good_fitter())


@cache
def good_landmarks() -> FloatArray:
    """Landmarks (68, 2) of a face that looks to the side, pixels."""
    return good_pdm().project(np.array([0.5, 0.1, -0.2, 0.15, 80.0, 60.0]), np.zeros(good_pdm().n_modes))


def predictor(data: bytes) -> None:
    """A `.dat` file, and what it predicts."""
    path = written(data, "AU_1.dat")
    found, means = read_predictor(path, "AU01")
    assert found.weights.shape == means.shape
    bank = read_au_bank("list.txt", lambda name: written(b"AU_1.dat AU01\n", name) if name == "list.txt" else path, name="fuzz")
    intensity, presence = bank.predict(np.zeros(means.size), bank.offsets(np.zeros(means.size)))
    assert intensity.shape == (17,)
    assert presence.shape == (18,)


def au_list(data: bytes) -> None:
    """A list of `.dat` files; beside it lies `a.dat`, which is a good one."""
    written(data, "list.txt")
    written(_DAT, "a.dat")
    bank = read_au_bank("list.txt", lambda name: folder() / name, name="fuzz")
    assert bank.n_features == 2


def pdm(data: bytes) -> None:
    """A PDM, and a fit with it."""
    found = read_pdm(written(data, "pdm.txt"))
    fit = PoseFitter(found).fit(good_landmarks())
    assert fit.pose.shape == (6,)


def triangles(data: bytes) -> None:
    """A triangle file, and a face masked with it."""
    found = read_triangles(written(data, "triangles.txt"))
    points = good_landmarks()
    aligned = Aligner(good_pdm(), found).align(_PICTURE, points, good_fitter().fit(points).pose)
    assert aligned.shape == (112, 112, 3)


def manifest(data: bytes) -> None:
    """The manifest of model files."""
    load_manifest.__globals__["_read_manifest"].cache_clear()
    found = load_manifest(written(data, "manifest.toml"))
    for name in found.sets:
        found.files_of(name)
        found.licences_of(name)
    found.files_by_name()


# Instead of 4464: banks of a megabyte would be tried ten times in a second.
_HOG_SIZE = 4
# The arrays of a bank; the first byte of an input says which of them the rest stands for.
BANK_MEMBERS = (
    "description", "mesh_reference", "mesh_basis", "mesh_rigid", "means", "static_bias", "dynamic_known", "static_known",
    "network_first", "network_last",
)  # fmt: skip


@cache
def good_bank() -> dict[str, bytes]:
    """A bank whose predictors are all zero, array files by name."""
    per_predictor, n_features = (2, len(ALL_AUS)), _HOG_SIZE + PDM_FEATURES + 1
    arrays: dict[str, NDArray[np.generic]] = {
        "description": np.frombuffer(b'{"name": "n", "version": "1"}', np.uint8),
        "mesh_reference": np.random.default_rng(0).normal(size=(N_MESH, 3)).astype(np.float32),
        "mesh_basis": np.zeros((1, 3 * N_MESH), np.float32),
        "mesh_rigid": np.arange(5, dtype=np.int32),
        "means": np.zeros(n_features, np.float32),
        "static_bias": np.zeros(per_predictor, np.float32),
        "dynamic": np.zeros((*per_predictor, n_features), np.float32),
        "static": np.zeros((*per_predictor, n_features), np.float32),
        "dynamic_known": np.ones(per_predictor, np.float32),
        "static_known": np.ones(per_predictor, np.float32),
        "network_codes": np.zeros((2, 1, n_features), np.float32),
        "network_first": np.zeros((3, 2), np.float32),
        "network_first_bias": np.zeros(3, np.float32),
        "network_second": np.zeros((3, 3), np.float32),
        "network_second_bias": np.zeros(3, np.float32),
        "network_last": np.zeros((len(ALL_AUS), 3), np.float32),
    }
    return {name: _array_file(values) for name, values in arrays.items()}


def _array_file(values: NDArray[np.generic]) -> bytes:
    stream = BytesIO()
    write_array(stream, values, allow_pickle=False)
    return stream.getvalue()


def bank_file(data: bytes) -> bytes:
    """The bank that an input stands for: a good one with one array of other content, or the input as it is."""
    kind = data[0] % (len(BANK_MEMBERS) + 1) if data else len(BANK_MEMBERS)
    if kind == len(BANK_MEMBERS):
        return data[1:]
    stream = BytesIO()
    with ZipFile(stream, "w") as archive:
        for name, content in (good_bank() | {BANK_MEMBERS[kind]: data[1:]}).items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def open_bank(data: bytes) -> None:
    """An open AU bank, and what it predicts."""
    with patch("face_mirror_au.models.open_bank.HOG_SIZE", _HOG_SIZE):
        found = read_open_bank(written(bank_file(data), "bank.npz"))
    found.mesh_shape.parameters(np.random.default_rng(1).normal(size=(N_MESH, 3)).astype(np.float32))
    for form in ("dynamic", "static"):
        bank = found.au_bank(form)
        bank.predict(np.zeros(bank.n_features), bank.offsets(np.zeros(bank.n_features)))


def wheel(data: bytes) -> None:
    """A wheel, out of which one file is taken; then a receipt of a conversion."""
    read_receipt(written(data, "model.onnx.receipt.json"))
    _read_member(written(data, "package.whl"), MEMBER)
