"""Readers of OpenFace's model files, on files made here: right ones and damaged ones."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from face_mirror_au.errors import ModelFileError
from face_mirror_au.models.openface_files import read_au_bank, read_pdm, read_predictor, read_triangles
from face_mirror_weights import open_models


def matrix(values, kind=6):
    values = np.atleast_2d(np.asarray(values, dtype="<f8"))
    return struct.pack("<iii", *values.shape, kind) + values.tobytes()


def dat(kind=1, means=(0.5, 0.25), weights=(2.0, -1.0), bias=0.125, cutoff=0.6, classes=(0.0, 1.0)):
    data = struct.pack("<i", kind)
    if kind == 1:
        data += struct.pack("<d", cutoff)
    data += matrix(means) + matrix(np.array(weights)[:, None]) + struct.pack("<d", bias)
    return data + (struct.pack("<dd", *classes) if kind in {4, 5} else b"")


@pytest.fixture
def write(tmp_path):
    def _write(data, name="AU_1.dat"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return _write


@pytest.mark.parametrize(("kind", "dynamic", "classifier"), [(0, False, False), (1, True, False), (4, False, True), (5, True, True)])
def test_reads_each_type(write, kind, dynamic, classifier):
    predictor, means = read_predictor(write(dat(kind)), "AU01")
    assert (predictor.dynamic, predictor.classifier) == (dynamic, classifier)
    assert predictor.weights.tolist() == [2.0, -1.0]
    assert means.tolist() == [0.5, 0.25]
    assert predictor.bias == 0.125
    assert predictor.cutoff == (0.6 if kind == 1 else 0.0)
    assert (predictor.positive, predictor.negative) == ((0.0, 1.0) if classifier else (1.0, 0.0))


def test_predicts_as_the_file_says(write, tmp_path):
    write(dat(1), "dynamic.dat")
    write(dat(4), "static.dat")
    write(b"dynamic.dat AU01\r\nstatic.dat AU28", "list.txt")
    bank = read_au_bank("list.txt", lambda relative: tmp_path / relative, name="test")
    intensity, presence = bank.predict(np.array([3.0, 4.0]), bank.offsets(np.array([1.0, 0.5])))
    assert intensity[0] == (3.0 - 0.5 - 1.0) * 2.0 - (4.0 - 0.25 - 0.5) + 0.125
    assert np.isnan(intensity[1:]).all()
    assert presence[16] == 0.0, "5.0 - 3.75 + 0.125 > 0 gives the positive class, which is 0 in this file"
    assert np.isnan(np.delete(presence, 16)).all()


@pytest.mark.parametrize("size", [0, 3, 10, 20, 40, 70])
def test_cut_short(write, size):
    data = dat(1)
    assert size < len(data)
    with pytest.raises(ModelFileError, match=r"AU_1.dat is not a usable model file: it is cut short at its \w+"):
        read_predictor(write(data[:size]), "AU01")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (dat(7), "type 7"),
        (dat(1) + b"x", "1 bytes follow its end"),
        (struct.pack("<i", 0) + struct.pack("<iii", 2_000_000_000, 2, 6), "means of 2000000000 x 2 values"),
        (struct.pack("<i", 0) + struct.pack("<iii", -1, 2, 6), "means of -1 x 2 values"),
        (struct.pack("<i", 0) + struct.pack("<iii", 1, 2, 5) + b"\0" * 40, "OpenCV type 5"),
        (dat(1, weights=(np.nan, 1.0)), "not finite"),
        (dat(1, weights=(1.0, 2.0, 3.0)), "do not belong together"),
        (dat(1, cutoff=1.5), "cutoff 1.5"),
        (dat(4, classes=(0.0, 7.0)), "classes 0.0 and 7.0"),
    ],
    ids=["type", "trailing", "gigabytes", "negative", "float32", "nan", "shapes", "cutoff", "classes"],
)
def test_wrong_content(write, data, message):
    with pytest.raises(ModelFileError, match=message):
        read_predictor(write(data), "AU01")


def test_a_list_must_not_lead_outside(write, tmp_path):
    write(b"../../etc/passwd AU01", "list.txt")
    with pytest.raises(ModelFileError, match="outside its folder"):
        read_au_bank("list.txt", lambda relative: tmp_path / relative, name="test")


def test_predictors_of_a_list_share_their_means(write, tmp_path):
    write(dat(0), "a.dat")
    write(dat(0, means=(0.5, 0.3)), "b.dat")
    write(b"a.dat AU01\nb.dat AU02", "list.txt")
    with pytest.raises(ModelFileError, match=r"b.dat .*means differ"):
        read_au_bank("list.txt", lambda relative: tmp_path / relative, name="test")


def test_a_missing_file_names_the_command(tmp_path):
    with pytest.raises(ModelFileError, match="weights fetch"):
        read_predictor(tmp_path / "none.dat", "AU01")


def test_pdm_cut_short_and_absurd(write):
    text = open_models.PDM.read_bytes()
    with pytest.raises(ModelFileError, match="components has"):
        read_pdm(write(text[: len(text) // 2], "pdm.txt"))
    with pytest.raises(ModelFileError, match="mean of 999999999 x 1"):
        read_pdm(write(text.replace(b"\n204\n1\n", b"\n999999999\n1\n", 1), "pdm.txt"))
    with pytest.raises(ModelFileError, match="not a usable model file"):
        read_pdm(write(b"\x00\xff" * 50, "pdm.txt"))


def test_pdm_values(write):
    pdm = read_pdm(open_models.PDM)
    assert pdm.mean.shape == (3, 68)
    assert pdm.components.shape == (3, 68, 34)
    assert pdm.mean[0, 0] < 0 < pdm.mean[0, 16], "x grows towards the subject's left"
    assert pdm.mean[1, 8] > pdm.mean[1, 27], "y grows downwards"
    assert pdm.mean[2, 30] < pdm.mean[2, 0], "z grows away from the camera: the nose is nearer than the jaw's end"


@pytest.mark.parametrize(
    ("text", "message"),
    [(b"2\n3\n4\n0 1 2\n", "3 numbers for 2 x 3"), (b"1\n3\n4\n0 1 68\n", "landmark outside"), (b"tri", "no list of triangles")],
)
def test_triangles(write, text, message):
    with pytest.raises(ModelFileError, match=message):
        read_triangles(write(text, "tris.txt"))
