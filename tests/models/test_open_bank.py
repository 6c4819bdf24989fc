"""The open bank's file: what is written comes back, and damage of any kind is one line that names the file."""

from __future__ import annotations

import io
import json
import pickle
import re
import zipfile

import numpy as np
import pytest
from numpy.lib import format as npy_format

from face_mirror_au.errors import ModelFileError
from face_mirror_au.models.open_bank import MAX_BYTES, PRESENCE_ABOVE, read_open_bank, write_open_bank
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.records import INTENSITY_AUS, PRESENCE_AUS

MODES, CODES, HIDDEN = 3, 2, 4
FEATURES = HOG_SIZE + 238 + MODES
DESCRIPTION = {"name": "a bank", "version": "7", "seed": 1}
NETWORK = [f"network_{name}" for name in ("codes", "first", "first_bias", "second", "second_bias", "last")]
SMILE = INTENSITY_AUS.index("AU12")


@pytest.fixture(scope="module")
def arrays():
    random = np.random.default_rng(0)
    known = np.ones((2, 22))
    known[:, 3] = 0  # AU05 is not known at all, AU17 not of the sides
    known[1, INTENSITY_AUS.index("AU17")] = 0
    shapes = {
        "mesh_reference": (478, 3), "mesh_basis": (MODES, 1434), "means": (FEATURES,), "dynamic": (2, 22, FEATURES),
        "static": (2, 22, FEATURES), "static_bias": (2, 22), "network_codes": (2, CODES, FEATURES), "network_first": (HIDDEN, 2 * CODES),
        "network_first_bias": (HIDDEN,), "network_second": (HIDDEN, HIDDEN), "network_second_bias": (HIDDEN,), "network_last": (22, HIDDEN),
    }  # fmt: skip
    values = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    known = known.astype(np.float32)
    return values | {"dynamic_known": known, "static_known": np.ones((2, 22), np.float32), "mesh_rigid": np.arange(40, dtype=np.int32)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some_bank.npz"


@pytest.fixture
def bank(path, arrays):
    write_open_bank(path, DESCRIPTION, arrays)
    return read_open_bank(path)


def test_what_is_written_comes_back(bank, arrays):
    assert (bank.name, bank.version, bank.description) == ("a bank", "7", DESCRIPTION)
    for form in ("dynamic", "static"):
        np.testing.assert_array_equal(bank.weights[form], arrays[form])
        np.testing.assert_array_equal(bank.known[form], arrays[f"{form}_known"] == 1)
        assert bank.weights[form].dtype == np.float64
    np.testing.assert_array_equal(bank.means, arrays["means"])
    np.testing.assert_array_equal(bank.biases["static"], arrays["static_bias"])
    np.testing.assert_array_equal(bank.mesh_shape.reference, arrays["mesh_reference"])
    np.testing.assert_array_equal(bank.mesh_shape.rigid, arrays["mesh_rigid"])
    np.testing.assert_array_equal(bank.mesh_shape.basis, arrays["mesh_basis"])
    assert (bank.left_empty("dynamic"), bank.left_empty("static")) == (("AU05",), ())


def test_the_same_content_gives_the_same_bytes(tmp_path, arrays):
    backwards = dict(reversed(list(arrays.items())))
    write_open_bank(tmp_path / "a.npz", DESCRIPTION, arrays)
    write_open_bank(tmp_path / "b.npz", dict(reversed(list(DESCRIPTION.items()))), backwards)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_its_predictors_are_left_then_right(bank, arrays):
    descriptor = np.random.default_rng(1).normal(size=FEATURES)
    static = bank.au_bank("static")
    intensity, _ = static.predict(descriptor, static.offsets(np.zeros(FEATURES)))
    for side in (0, 1):
        wanted = arrays["static"][side].astype(float) @ (descriptor - arrays["means"]) + arrays["static_bias"][side]
        np.testing.assert_allclose(intensity[static.side_columns[side]], wanted, rtol=1e-9)
    # OpenFace's action units in three groups, then the bank's own.
    assert static.whole_columns.tolist() == [*range(17), *range(51, 56)]
    assert static.side_columns.tolist() == [[*range(17, 34), *range(56, 61)], [*range(34, 51), *range(61, 66)]]
    np.testing.assert_allclose(intensity[static.whole_columns], intensity[static.side_columns].mean(axis=0), rtol=1e-9)
    assert (static.presence_above, static.own_rest) == (PRESENCE_ABOVE, True)
    assert not static.dynamic.any()


def test_dynamic_intensities_are_0_for_the_neutral_face_whatever_the_means(bank, path, arrays):
    neutral = np.random.default_rng(1).normal(size=FEATURES)
    dynamic = bank.au_bank("dynamic")
    assert dynamic.dynamic[:66].all()
    intensity, _ = dynamic.predict(neutral, dynamic.offsets(neutral))
    np.testing.assert_allclose(intensity[~np.isnan(intensity)], 0.0, atol=1e-9)
    moved = neutral + np.random.default_rng(2).normal(size=FEATURES)
    before, _ = dynamic.predict(moved, dynamic.offsets(neutral))
    linear = arrays["dynamic"][0, SMILE].astype(float) @ (moved - neutral)
    added, _ = bank.network((arrays["network_codes"].astype(float) @ (moved - neutral)).ravel())
    assert abs(added[SMILE]) > 0.1
    np.testing.assert_allclose(before[17 + SMILE], linear + added[SMILE], atol=1e-9)

    write_open_bank(path, DESCRIPTION, arrays | {"means": arrays["means"] + np.float32(5.0)})
    shifted = read_open_bank(path).au_bank("dynamic")
    np.testing.assert_allclose(shifted.predict(moved, shifted.offsets(neutral))[0], before, atol=1e-8)


def test_what_is_not_known_is_left_empty(bank):
    dynamic = bank.au_bank("dynamic")
    intensity, presence = dynamic.predict(np.ones(FEATURES), dynamic.offsets(np.zeros(FEATURES)))
    chin = INTENSITY_AUS.index("AU17")
    assert np.flatnonzero(np.isnan(intensity)).tolist() == [3, 17 + 3, 17 + chin, 34 + 3, 34 + chin]
    assert [name for name, value in zip(PRESENCE_AUS, presence, strict=True) if np.isnan(value)] == ["AU05"]


def refused(path, why=""):
    with pytest.raises(ModelFileError, match=re.escape("some_bank.npz is not a usable AU bank: ") + why) as raised:
        read_open_bank(path)
    assert "\n" not in str(raised.value)
    assert "name another, or, if it is the package's own, install that anew" in str(raised.value)


def test_another_number_of_shape_parameters_is_no_damage(path, arrays):
    wider = {
        name: np.concatenate([arrays[name], arrays[name][..., :2]], axis=-1) for name in ("means", "dynamic", "static", "network_codes")
    }  # fmt: skip
    write_open_bank(path, DESCRIPTION, arrays | wider | {"mesh_basis": np.ones((MODES + 2, 1434), np.float32)})
    assert read_open_bank(path).au_bank("static").n_features == FEATURES + 2


@pytest.mark.parametrize(
    "name", ["mesh_reference", "mesh_rigid", "mesh_basis", "means", "dynamic", "static", "static_bias", "dynamic_known", *NETWORK]
)
def test_an_array_that_is_missing_or_of_another_shape_or_type(path, arrays, name):
    write_open_bank(path, DESCRIPTION, {key: value for key, value in arrays.items() if key != name})
    refused(path, f"its {name} is" if name not in {"mesh_basis", "network_codes", "network_first"} else "its ")
    for wrong in (arrays[name][..., None], arrays[name][:-1] if name != "mesh_rigid" else arrays[name][:2], np.float32(1.0)):
        write_open_bank(path, DESCRIPTION, arrays | {name: wrong})
        refused(path, "its ")
    for kind in (np.float64, np.int64, np.complex64):
        write_open_bank(path, DESCRIPTION, arrays | {name: arrays[name].astype(kind)})
        refused(path, f"its {name} is")


@pytest.mark.parametrize("name", ["mesh_reference", "mesh_basis", "means", "dynamic", "static", "static_bias", "static_known", *NETWORK])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(path, arrays, name, value):
    damaged = arrays[name].copy()
    damaged.flat[-1] = value
    write_open_bank(path, DESCRIPTION, arrays | {name: damaged})
    refused(path, f"its {name} holds values that are not finite")


@pytest.mark.parametrize("points", [[0, 1, 478], [-1, 0, 1], [0, 1], []])
def test_rigid_points_that_are_none_of_the_mesh(path, arrays, points):
    write_open_bank(path, DESCRIPTION, arrays | {"mesh_rigid": np.array(points, np.int32)})
    refused(path, "its mesh_rigid is no list of mesh points")


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"not a bank\n" * 50, b"\x80\x04K\x01.", b"\x93NUMPY\x01\x00"],
    ids=["empty", "two bytes", "text", "pickle", "npy magic"],
)
def test_a_file_that_is_no_archive(path, content):
    path.write_bytes(content)
    refused(path)


def test_a_single_array_is_no_bank(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    refused(path)


def test_a_file_that_is_not_there(path):
    refused(path, r"it cannot be read \(No such file")
    path.mkdir()
    refused(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.9999])
def test_cut_short(bank, path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    refused(path)


def test_any_byte_of_the_headers_may_be_wrong(bank, path):
    """Nothing but ModelFileError comes of it, whatever zipfile and NumPy make of the damage."""
    whole = path.read_bytes()
    starts = [found.start() for found in re.finditer(b"PK\x03\x04|PK\x01\x02|PK\x05\x06", whole)]
    random = np.random.default_rng(0)
    refusals = 0
    for _ in range(400):
        damaged = bytearray(whole)
        place = min(starts[int(random.integers(len(starts)))] + int(random.integers(200)), len(whole) - 1)
        damaged[place] = int(random.integers(256))
        path.write_bytes(damaged)
        try:
            read_open_bank(path)
        except ModelFileError:
            refusals += 1
    assert refusals > 200


def test_a_file_that_is_too_large(path, arrays):
    write_open_bank(path, DESCRIPTION, arrays | {"extra": np.zeros(MAX_BYTES, np.uint8)})
    refused(path, f"it is larger than {MAX_BYTES} bytes")


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def write_members(path, arrays, changed, compression=zipfile.ZIP_STORED):
    members = {f"{name}.npy": npy(array) for name, array in arrays.items()}
    members["description.npy"] = npy(np.frombuffer(json.dumps(DESCRIPTION).encode(), np.uint8))
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in (members | changed).items():
            archive.writestr(name, data)


def test_a_small_file_must_not_unpack_to_a_large_one(path, arrays):
    write_members(path, arrays, {})
    assert read_open_bank(path).name == "a bank"
    zeros = {name: np.zeros_like(array) for name, array in arrays.items()}
    write_members(path, zeros, {"more.npy": npy(np.zeros(2 * MAX_BYTES, np.uint8))}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < MAX_BYTES / 10
    refused(path, "it unpacks to more than")


def test_a_header_that_asks_for_terabytes(path, arrays):
    header = io.BytesIO()
    npy_format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**13,)})
    write_members(path, arrays, {"means.npy": header.getvalue() + bytes(64)})
    refused(path)


def test_a_member_that_is_no_array(path, arrays):
    write_members(path, arrays, {"means.npy": b"numbers"})
    refused(path)


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return open, (str(self.target), "w")


@pytest.mark.parametrize("name", ["means", "description", "mesh_rigid", "something_else"])
def test_nothing_is_ever_unpickled(path, arrays, tmp_path, name):
    target = tmp_path / "unpickled"
    objects = np.empty(1, object)
    objects[0] = Trap(target)
    write_members(path, arrays, {f"{name}.npy": npy(objects)})
    refused(path)
    assert not target.exists()
    pickle.loads(pickle.dumps(Trap(target))).close()  # noqa: S301
    assert target.exists(), "the trap works"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", ""),
        (b"name: a bank", ""),
        (b"\xff\xfe", ""),
        (b"[" * 50_000, ""),
        (b"[1]", "it has no name and version"),
        (b'"name version"', "it has no name and version"),
        (b'{"name": "a bank"}', "it has no name and version"),
    ],
    ids=["empty", "no JSON", "no UTF-8", "nested", "list", "text", "no version"],
)
def test_a_description_that_is_none(path, arrays, text, why):
    write_members(path, arrays, {"description.npy": npy(np.frombuffer(text, np.uint8))})
    refused(path, why)


def test_a_bank_without_description(path, arrays):
    with path.open("wb") as file:
        np.savez(file, **arrays)
    refused(path)
