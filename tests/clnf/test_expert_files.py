"""Readers of OpenFace's landmark models, on files made here: right ones and damaged ones."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from face_mirror_au.errors import ModelFileError
from face_mirror_au.models.clnf import CECLM_LIST, CLNF_LIST, ClnfSettings, read_face_model, validator_name
from face_mirror_au.models.expert_files import read_ccnf, read_cen
from fuzz import expert_stand_ins as files


@pytest.fixture
def write(tmp_path):
    def _write(data, name="experts.dat"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path

    return _write


def test_reads_ccnf_experts(write):
    experts = read_ccnf(write(files.ccnf()), 2)
    assert experts.scaling == 0.25
    assert np.degrees(experts.views).round(9).tolist() == [[0.0, 0.0, 0.0], [0.0, -20.0, 0.0]]
    assert experts.visible.tolist() == [[1, 1], [1, 0]]
    assert experts.weights.shape == (2, 2, 2, 121)
    expected = 1.5 * np.random.default_rng(0).normal(size=(2, 121))
    expected -= expected.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(experts.weights[0, 0], expected, atol=1e-6)
    assert experts.biases[0, 1].tolist() == [0.25, 0.25]
    assert experts.confidence.tolist() == [[0.75, 0.75], [0.75, 0.0]]


def test_smoothing_is_the_inverse_of_the_field(write):
    experts = read_ccnf(write(files.ccnf(window=3)), 2)
    inverse = 2.0 * (1.0 * np.eye(9) + 2.0 * experts.components[3][0])
    np.testing.assert_allclose(experts.smoothing(0, 3)[0] @ inverse, np.eye(9), atol=1e-5)
    assert experts.smoothing(0, 5)[:, 0, 0].tolist() == [0.5, 0.5], "a window without components is not smoothed"
    assert experts.smoothing(1, 5)[:, 0, 0].tolist() == [0.5, 0.0]


def test_reads_cen_experts(write):
    experts = read_cen(write(files.cen()), 2)
    assert experts.mirror_points.tolist() == [1, 0]
    assert [[expert is None for expert in view] for view in experts.experts] == [[False, True], [False, False], [True, True]]
    assert [layer.weights.shape for layer in experts.experts[0][0].layers] == [(3, 122), (1, 3)]


def test_a_mirror_image_answers_for_the_other_side(write):
    experts = read_cen(write(files.cen()), 2)
    areas = np.random.default_rng(1).integers(0, 256, (2, 13, 13)).astype(np.float32)
    frontal = experts.answer(areas, 0)
    assert np.array_equal(experts.answer(areas[::-1, :, ::-1], 0)[0], frontal[1][:, ::-1])
    aside = experts.answer(areas, 1)
    assert np.array_equal(experts.answer(areas[::-1, :, ::-1], 2), aside[::-1, :, ::-1])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (files.ccnf() + b"x", "1 bytes follow its end"),
        (files.ccnf(alpha=0.0), "all its alphas are 0"),
        (files.ccnf(alpha=np.nan), "not finite"),
        (files.ccnf(beta=-1.0), "below 0"),
        (files.ccnf(beta=1e5), "far above"),
        (files.ccnf(component=-1.0), "not symmetric with a dominant diagonal"),
        (files.ccnf(neurons=0), "0 neurons, and the landmark is visible"),
        (files.ccnf(neurons=33), "number of neurons is 33"),
        (files.ccnf(window=17), "window is 17"),
        (files.ccnf(scaling=np.inf), "scaling is inf"),
        (struct.pack("<di", 1.0, 2**31 - 1), "number of views is 2147483647"),
        (struct.pack("<di", 1.0, 1) + struct.pack("<iii", 2**31 - 1, 2**31 - 1, 6), "2147483647 x 2147483647 values, not 3 x 1"),
        (files.head(1.0, (400.0,), ((1, 1),)), "beyond 360 degrees"),
        (files.head(1.0, (0.0,), ((1, 2),)), "not all 0 or 1"),
        (files.head(1.0, (0.0, 9.0), ((1, 1), (0, 0))), "no landmark is visible"),
        (files.head(1.0, (0.0,), ((1, 1),)) + struct.pack("<i", 0) + struct.pack("<3i", 5, 11, 12), "height"),
        (
            files.head(1.0, (0.0,), ((1, 1),)) + struct.pack("<i", 0) + struct.pack("<4i", 5, 11, 11, 1)
            + files.neuron(np.zeros((11, 11)), 1.0, 0.0, 1.0, kind=3),
            "not of a known kind",
        ),
    ],
    ids=[
        "trailing", "alpha", "nan", "beta", "betas", "component", "invisible", "neurons", "window", "scaling", "views", "gigabytes",
        "degrees", "visible", "nothing", "size", "kind",
    ],
)  # fmt: skip
def test_a_wrong_ccnf_file_is_one_error(write, data, message):
    with pytest.raises(ModelFileError, match=message) as caught:
        read_ccnf(write(data), 2)
    assert "experts.dat" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (files.cen() + b"x", "1 bytes follow its end"),
        (files.cen(mirror_points=(0, 0)), "mirrored landmarks are no permutation"),
        (files.cen(mirror_views=(0, 1, 7)), "mirrored views are no permutation"),
        (files.cen(mirror_views=(0, 1, 2)), "landmark 0 of view 2 has no expert, and neither has its mirror image"),
        (files.cen(second=(3, 2)), "last layer .* has 2 units"),
        (files.cen().replace(struct.pack("<iii", 3, 122, 5), struct.pack("<iii", 3, 121, 5)), "3 x 121 values, not 3 x 122"),
    ],
    ids=["trailing", "points", "views", "nobody", "units", "widths"],
)
def test_a_wrong_cen_file_is_one_error(write, data, message):
    with pytest.raises(ModelFileError, match=message):
        read_cen(write(data), 2)


@pytest.mark.parametrize(("read", "data"), [(read_ccnf, files.ccnf()), (read_cen, files.cen())], ids=["ccnf", "cen"])
def test_a_file_cut_anywhere_is_one_error(write, read, data):
    for end in [*range(0, 400, 3), *range(400, len(data), 97)]:
        with pytest.raises(ModelFileError, match="cut short"):
            read(write(data[:end]), 2)


def test_experts_of_another_model_are_refused(write):
    with pytest.raises(ModelFileError, match="2 x 1 values, not 68 x 1"):
        read_ccnf(write(files.ccnf()), 68)


@pytest.fixture
def detector(write, tmp_path):
    """A landmark detector with an eye, resolved by name."""
    for name, content in files.detector(CLNF_LIST, CECLM_LIST).items():
        write(content, name)
    return lambda name: tmp_path / name


def test_reads_a_detector(detector):
    model = read_face_model(CLNF_LIST, detector, lambda *_: 1.0)
    assert [experts.scaling for experts in model.main.scales] == [0.25, 0.5]
    assert (model.main.settings.sigma, model.main.settings.regularisation) == (1.5, 25.0)
    (eye,) = model.parts
    assert (eye.name, eye.main_points.tolist(), eye.part_points.tolist()) == (
        "left_eye_28", [36, 37, 38, 39, 40, 41], [8, 10, 12, 14, 16, 18],
    )  # fmt: skip
    assert validator_name(CLNF_LIST, detector) == "v.txt"
    other = read_face_model(CECLM_LIST, detector, lambda *_: 1.0)
    assert (other.main.settings.sigma, other.main.settings.regularisation) == (2.25, 22.5), "CE-CLM is known by its list's name"


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (CLNF_LIST, b"LandmarkDetector list.txt", b"", "names no LandmarkDetector"),
        (CLNF_LIST, b"LandmarkDetector list.txt", b"LandmarkDetector", "names no LandmarkDetector"),
        (CLNF_LIST, b"LandmarkDetector list.txt", b"LandmarkDetector /etc/passwd", "points outside"),
        (CLNF_LIST, b"LandmarkDetector list.txt", b"LandmarkDetector ../list.txt", "points outside"),
        (CLNF_LIST, b"left_eye_28", b"nose", "one of the names inner"),
        (CLNF_LIST, b"36 8", b"36 28", "different ones of 0..27"),
        (CLNF_LIST, b"36 8", b"37 8", "different ones of 0..67"),
        (CLNF_LIST, b"36 8", b"x 8", "no numbers"),
        ("list.txt", b"coarse.dat", b"absent.dat", "absent.dat cannot be read"),
        ("list.txt", b"PatchesCCNF", b"Patches", "names no experts"),
        ("list.txt", b"PDM pdm.txt", b"PDM eye/pdm.txt", "are no 68-point PDM"),
        ("list.txt", b"Triangulations none.txt", b"EarlyTermination eye/main.txt", "no number"),
        ("list.txt", b"Triangulations none.txt", b"EarlyTermination pdm.txt", "no number"),
        ("eye/main.txt", b"LandmarkDetector list.txt", b"", "0 lines"),
    ],
)
def test_a_wrong_list_is_one_error(detector, name, old, new, message):
    path = detector(name)
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(ModelFileError, match=message):
        read_face_model(CLNF_LIST, detector, lambda *_: 1.0)


def test_an_early_termination_has_three_numbers_a_view(detector):
    path = detector("list.txt")
    path.write_bytes(path.read_bytes() + b"\nEarlyTermination early.txt")
    early = read_face_model(CLNF_LIST, detector, lambda *_: 1.0).early
    assert (early.weights, early.biases, early.cutoffs) == ((1.0,), (0.0,), (-9.0,))
    detector("early.txt").write_bytes(b"1 0")
    with pytest.raises(ModelFileError, match="it has 2 numbers"):
        read_face_model(CLNF_LIST, detector, lambda *_: 1.0)


@pytest.mark.parametrize("windows", [(10, 9), (17, 9), (0, 9), (-3, 9)])
def test_windows_are_odd_and_not_too_large(windows):
    with pytest.raises(ValueError, match="windows"):
        ClnfSettings(first_windows=windows)
