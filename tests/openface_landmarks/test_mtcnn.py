"""The detector's arithmetic: pyramid, crops, suppression, corrections, the choice of a face; pictures without a face, of odd sizes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from face_mirror_au.errors import ModelFileError
from face_mirror_au.models import mtcnn
from face_mirror_au.models.mtcnn import MTCNN, Boxes, corrected, scales, squared, suppress
from face_mirror_au.numerics.resampling import resample
from fuzz.openface_stand_ins import LIST, mtcnn_network


def boxes(*rows):
    """Of rows x, y, width, height, score, and the four corrections, which may be left out."""
    table = np.array([[*row, *[0.0] * (9 - len(row))] for row in rows], np.float32).reshape(-1, 9)
    return Boxes(table[:, :4], table[:, 4], table[:, 5:])


@pytest.fixture
def model_folder(tmp_path) -> Path:
    """A detector that takes every place for a face."""
    folder = tmp_path / "mtcnn_detector"
    folder.mkdir()
    (folder / "MTCNN_detector.txt").write_bytes(LIST)
    for name in mtcnn.NETWORKS:
        (folder / f"{name}.dat").write_bytes(mtcnn_network(name))
    return tmp_path


def read(folder: Path) -> MTCNN:
    return MTCNN.read(lambda relative: folder / relative)


@pytest.fixture(scope="module")
def openfaces(shared_file) -> MTCNN:
    return read(shared_file("weights/openface-2.2.0/model"))


def test_pyramid():
    assert scales(59, 4000) == []
    assert scales(60, 60) == [0.2]
    assert scales(480, 640) == [0.2 * 0.709**level for level in range(7)]


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (42, 42), (43, 59), (59, 1000), (60, 60), (61, 400)])
def test_small_pictures(model_folder, shape):
    """Below 60 px the C++ program finds nothing, or ends: here it is nothing."""
    found = read(model_folder).detect(np.zeros((*shape, 3), np.uint8))
    assert bool(found) == (min(shape) >= 60)


@pytest.mark.truth
@pytest.mark.parametrize("kind", ["black", "white", "noise"])
def test_pictures_without_a_face(openfaces, kind):
    level = {"black": 0, "white": 255}.get(kind)
    noise = np.random.default_rng(3).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    assert openfaces.detect(noise if level is None else np.full_like(noise, level)) == []


@pytest.mark.truth
def test_a_face_in_a_huge_picture_and_bands_that_change_nothing(openfaces, shared_file, monkeypatch):
    face = cv2.imread(str(shared_file("media/sample1.jpg")))
    places, scores = openfaces.find(face)
    assert len(places) == 1
    large = np.zeros((200, 9000, 3), np.uint8)
    large[:, 8200:8840] = face[60:260]
    sizes = []
    real = mtcnn.resample
    monkeypatch.setattr(mtcnn, "resample", lambda *given, **named: sizes.append((made := real(*given, **named)).nbytes) or made)
    openfaces.find(large)
    assert max(sizes) < 12_000_000
    monkeypatch.setattr(mtcnn, "_BAND", 5)
    banded, of_bands = openfaces.find(face)
    assert np.abs(banded - places).max() < 1e-3
    assert np.abs(of_bands - scores).max() < 1e-5


def test_many_boxes_go_through_in_parts(model_folder, monkeypatch):
    picture = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    detector = read(model_folder)
    whole = detector.find(picture)
    monkeypatch.setattr(mtcnn, "_BATCH", 2)
    parts = detector.find(picture)
    assert len(whole[0]) > 0
    assert np.array_equal(whole[0], parts[0])


def test_wild_corrections_make_no_boxes(model_folder):
    for wild in (1e4, -1e4):
        (model_folder / "mtcnn_detector" / "PNet.dat").write_bytes(mtcnn_network("PNet", corrections=[0, 0, wild, wild]))
        for found in read(model_folder).detect(np.zeros((80, 80, 3), np.uint8)):
            assert np.isfinite(found.box).all()


def test_detections_are_corners_of_the_boxes_best_first(model_folder):
    detector = read(model_folder)
    picture = np.zeros((80, 100, 3), np.uint8)
    places, scores = detector.find(picture)
    found = detector.detect(picture)
    assert [each.score for each in found] == scores.tolist() == sorted(scores.tolist(), reverse=True)
    assert np.array_equal(found[0].box, [*places[0, :2], *(places[0, :2] + places[0, 2:])])
    assert found[0].keypoints.shape == (0, 2)


def test_suppression_takes_the_best_and_of_equals_the_later():
    found = suppress(boxes([0, 0, 10, 10, 0.5], [1, 0, 10, 10, 0.9], [40, 40, 10, 10, 0.5], [41, 40, 10, 10, 0.5]), 0.5)
    assert found.places[:, 0].tolist() == [1, 41]
    assert len(suppress(boxes([0, 0, 10, 10, 0.9], [5, 0, 10, 10, 0.5]), 50 / 150).scores) == 2, "at the limit it stays"
    assert len(suppress(boxes(), 0.5).scores) == 0


def test_suppression_rounds_halves_to_even_and_knows_two_overlaps():
    assert len(suppress(boxes([0, 0, 10, 10, 0.9], [4.5, 0, 10, 10, 0.5]), 0.42).scores) == 1, "4.5 is 4: 60 of 140"
    assert len(suppress(boxes([0, 0, 10, 10, 0.9], [5.5, 0, 10, 10, 0.5]), 0.26).scores) == 2, "5.5 is 6: 40 of 160"
    inner = boxes([0, 0, 20, 20, 0.9], [5, 5, 10, 10, 0.5])
    assert len(suppress(inner, 0.7).scores) == 2
    assert len(suppress(inner, 0.7, of_smaller=True).scores) == 1
    assert len(suppress(boxes([0, 0, 0, 0, 0.9], [0, 0, 0, 0, 0.5]), 0.5).scores) == 2, "empty boxes overlap nothing"


def test_corrections_count_in_sizes_of_the_rounded_box():
    moved = boxes([9.6, 20.4, 99.7, 200, 0.9, 0.1, -0.05, 0.2, 0.01])
    assert corrected(moved)[0].tolist() == pytest.approx([20, 10, 110, 212])
    assert corrected(moved, larger=1)[0].tolist() == pytest.approx([20.1, 9.95, 111.1, 213.06])


def test_squares_are_cut_towards_zero_and_wild_ones_go():
    table = np.array(
        [[10, 20, 30.9, 50.5], [-5.5, -0.5, 8, 8], [np.nan, 0, 1, 1], [0, 0, np.inf, 1], [3e6, 0, 5, 5], [0, 0, -9, -3]], np.float32
    )
    assert squared(table).tolist() == [[0, 20, 50, 50], [-5, 0, 8, 8]]


@pytest.mark.parametrize("size", [24, 48])
def test_crops_are_opencvs_with_black_outside(size):
    random = np.random.default_rng(2)
    picture = random.integers(0, 256, (70, 90, 3), dtype=np.uint8)
    places = np.array(
        [[3, 5, 48, 48], [-20, -8, 61, 61], [60, 40, 77, 50], [10, 10, 1, 1], [200, 10, 30, 30], [0, 0, 96, 96], [-500, -500, 1200, 1100]]
    )
    found = resample(picture, places, size, size)
    for crop, (x, y, width, height) in zip(found, places, strict=True):
        canvas = np.zeros((height, width, 3), np.float32)
        rows, columns = np.arange(y, y + height), np.arange(x, x + width)
        inside = np.ix_((rows >= 0) & (rows < 70), (columns >= 0) & (columns < 90))
        canvas[inside] = picture[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)]
        assert np.abs(crop - cv2.resize(canvas, (size, size), interpolation=cv2.INTER_LINEAR)).max() < 1e-2


def test_a_box_of_any_size_asks_for_no_more_memory(model_folder):
    far = resample(np.full((8, 8, 3), 9, np.uint8), np.array([[0, 0, 10**6, 10**6], [-(10**6), 0, 2 * 10**6, 4]]), 24, 24)
    assert far.shape == (2, 24, 24, 3)
    assert far.max() == 0.0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not name PNet, RNet, ONet"),
        (LIST.replace(b"ONet ", b"QNet "), "does not name ONet"),
        (LIST.replace(b"RNet.dat", b"../../RNet.dat"), "names no file for RNet"),
        (LIST.replace(b"RNet.dat", b"/etc/passwd"), "names no file for RNet"),
        (LIST.replace(b"RNet.dat", b""), "names no file for RNet"),
        (LIST.replace(b"RNet.dat", b"RNet\x1b[2J.dat"), "names no file for RNet"),
        (b"x" * 5000, "larger than"),
    ],
)
def test_a_list_that_names_no_networks(model_folder, content, message):
    (model_folder / mtcnn.LIST).write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        read(model_folder)


def test_a_list_that_names_an_absent_file(model_folder):
    (model_folder / mtcnn.LIST).write_bytes(LIST.replace(b"RNet.dat", b"sub\\other.dat"))
    with pytest.raises(ModelFileError, match=r"other\.dat cannot be read"):
        read(model_folder)
