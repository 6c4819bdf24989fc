"""RetinaFace and BlazeFace on real pictures, and where pictures or networks misbehave."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import ceil
from typing import Any

import cv2
import numpy as np
import pytest

from face_mirror_au.models import blazeface as blazeface_module
from face_mirror_au.models.blazeface import BlazeFace
from face_mirror_au.models.protocols import FaceDetector
from face_mirror_au.models.retinaface import RetinaFace, decode, priors
from face_mirror_au.records import Detection, FloatArray, Image, Region

Frames = Callable[[str, int], list[Image]]


@pytest.fixture(params=["retinaface", "blazeface"])
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    found: FaceDetector = request.getfixturevalue(request.param)
    return found


def centre(detection: Detection) -> FloatArray:
    return (detection.box[:2] + detection.box[2:]).astype(np.float64) / 2


def overlap_with_points(detection: Detection, points: FloatArray) -> float:
    """Share of the points that lie in the box."""
    return float(((points >= detection.box[:2]) & (points <= detection.box[2:])).all(axis=1).mean())


def test_the_box_holds_the_face(detector: FaceDetector, first_frames: Frames, openface_landmarks: FloatArray) -> None:
    for index in (0, 60, 100):  # at 100 the head has moved far
        (face,) = detector.detect(first_frames("default.wmv", 120)[index])
        points = openface_landmarks[index]
        eye_distance = np.linalg.norm(points[45] - points[36])
        assert face.score > 0.8
        assert overlap_with_points(face, points[17:]) > 0.9
        assert np.linalg.norm(face.keypoints[0] - points[36:42].mean(axis=0)) < 0.15 * eye_distance  # the subject's right eye comes first
        assert np.linalg.norm(face.keypoints[1] - points[42:48].mean(axis=0)) < 0.15 * eye_distance


def test_several_faces_best_first(detector: FaceDetector, first_frames: Frames) -> None:
    faces = detector.detect(first_frames("multi_face.avi", 1)[0])
    assert len(faces) >= 2
    scores = [face.score for face in faces]
    assert scores == sorted(scores, reverse=True)
    assert min(np.linalg.norm(centre(a) - centre(b)) for i, a in enumerate(faces) for b in faces[:i]) > 50


@pytest.mark.parametrize("size", [(1, 1), (1, 2000), (2, 33), (7, 13), (33, 17), (481, 641)])
def test_nothing_to_see(detector: FaceDetector, size: tuple[int, int]) -> None:
    assert detector.detect(np.full((*size, 3), 90, dtype=np.uint8)) == []


@pytest.mark.parametrize(("width", "height"), [(3840, 2880), (7680, 5760)])
def test_a_large_frame_gives_the_small_ones_box(detector: FaceDetector, portrait: Image, width: int, height: int) -> None:
    (small,) = detector.detect(portrait)
    (large,) = detector.detect(cv2.resize(portrait, (width, height), interpolation=cv2.INTER_CUBIC))
    assert np.abs(large.box * 640 / width - small.box).max() < 15
    assert np.abs(large.keypoints * 640 / width - small.keypoints).max() < 8


def test_a_face_that_leaves_the_frame_keeps_its_box(detector: FaceDetector, portrait: Image) -> None:
    (whole,) = detector.detect(portrait)
    gone = int(centre(whole)[0]) - 40  # a little more than half of the face stays
    (part,) = detector.detect(np.ascontiguousarray(portrait[:, gone:]))
    assert part.box[0] < 0
    assert np.abs(part.box[1:] + np.array([0, gone, 0]) - whole.box[1:]).max() < 25


def test_a_frame_below_the_limit_is_not_scaled(portrait: Image, retinaface: RetinaFace, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = retinaface.detect(portrait)[0].box
    monkeypatch.setattr(cv2, "resize", lambda *_, **__: pytest.fail("scaled"))
    np.testing.assert_array_equal(retinaface.detect(portrait)[0].box, expected)


@pytest.mark.parametrize(("height", "width"), [(480, 640), (481, 641), (1, 1), (720, 1280)])
def test_number_and_places_of_the_priors(height: int, width: int) -> None:
    table = priors(height, width)
    assert table.shape == (2 * sum(ceil(height / step) * ceil(width / step) for step in (8, 16, 32)), 4)
    assert table[:2].tolist() == [[4, 4, 16, 16], [4, 4, 32, 32]]
    assert table[-1].tolist() == [(ceil(width / 32) - 0.5) * 32, (ceil(height / 32) - 0.5) * 32, 512, 512]


def test_priors_are_kept_per_frame_size() -> None:
    assert priors(240, 320) is priors(240, 320)
    with pytest.raises(ValueError, match="read-only"):
        priors(240, 320)[0, 0] = 1


def test_decoding_against_the_formula() -> None:
    random = np.random.default_rng(5)
    prior = priors(64, 64)
    loc, landms = random.normal(size=(len(prior), 4)).astype(np.float32), random.normal(size=(len(prior), 10)).astype(np.float32)
    scores = random.random(len(prior)).astype(np.float32)
    boxes, kept, keypoints = decode(loc, scores, landms, prior, 0.7)
    chosen = [index for index in range(len(prior)) if scores[index] >= 0.7]
    assert kept.tolist() == scores[chosen].tolist()
    for row, index in enumerate(chosen):
        x, y, w, h = prior[index]
        middle_x, middle_y = x + loc[index, 0] * 0.1 * w, y + loc[index, 1] * 0.1 * h
        half_w, half_h = w * np.exp(0.2 * loc[index, 2]) / 2, h * np.exp(0.2 * loc[index, 3]) / 2
        expected = [middle_x - half_w, middle_y - half_h, middle_x + half_w, middle_y + half_h]
        np.testing.assert_allclose(boxes[row], expected, rtol=1e-4, atol=1e-3)
        mouth_corner = [x + landms[index, 6] * 0.1 * w, y + landms[index, 7] * 0.1 * h]
        np.testing.assert_allclose(keypoints[row, 3], mouth_corner, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("output", ["boxes", "scores", "keypoints"])
def test_values_that_are_not_finite_are_dropped(
    detector: FaceDetector, portrait: Image, output: str, poison: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"retinaface": ["boxes", "scores", "keypoints"], "blazeface": ["boxes", "scores"]}[detector.name]
    if output not in names:
        output = "boxes"
    session: Any = detector._session  # type: ignore[attr-defined]
    run = session.run

    def poisoned(**inputs: object) -> list[FloatArray]:
        results = run(**inputs)
        target = results[names.index(output)]
        target[:, ::2] = poison
        return list(results)

    monkeypatch.setattr(session, "run", poisoned)
    for face in detector.detect(portrait):
        assert np.isfinite(face.box).all()
        assert np.isfinite(face.keypoints).all()
        assert 0.5 <= face.score <= 1


def test_a_small_face_is_found_in_tiles(blazeface: BlazeFace, portrait: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = np.full((720, 1280, 3), 110, dtype=np.uint8)
    frame[300:480, 700:940] = cv2.resize(portrait, (240, 180), interpolation=cv2.INTER_AREA)
    (face,) = blazeface.detect(frame)
    (near,) = blazeface.detect(portrait)
    assert np.abs((centre(face) - (700, 300)) / 0.375 - centre(near)).max() < 25
    monkeypatch.setattr(blazeface_module, "TILE_SIDES", ())
    assert blazeface.detect(frame) == []


@pytest.mark.parametrize(("height", "width", "side"), [(480, 640, 480), (480, 640, 240), (1, 5, 1), (720, 1280, 333.3)])
def test_tiles_cover_the_frame_and_overlap(height: int, width: int, side: float) -> None:
    regions = list(blazeface_module.tiles(height, width, side))
    for axis, length in (("x", width), ("y", height)):
        places = sorted({getattr(region, axis) for region in regions})
        assert places[0] - side / 2 == pytest.approx(-0.5)
        assert places[-1] + side / 2 == pytest.approx(length - 0.5)
        assert all(after - before <= side / 2 + 1e-6 for before, after in pairwise(places))


def test_anchors_lie_in_the_order_of_the_outputs() -> None:
    table = blazeface_module.anchors()
    assert table.shape == (896, 2)
    np.testing.assert_allclose(table[[0, 1, 2, 511, 512, 517, 518, 895]], np.array([
        (0.5 / 16, 0.5 / 16), (0.5 / 16, 0.5 / 16), (1.5 / 16, 0.5 / 16), (15.5 / 16, 15.5 / 16),
        (0.5 / 8, 0.5 / 8), (0.5 / 8, 0.5 / 8), (1.5 / 8, 0.5 / 8), (7.5 / 8, 7.5 / 8),
    ]), rtol=1e-6)  # fmt: skip


def test_boxes_of_one_face_are_averaged_by_score() -> None:
    boxes = np.array([(0, 0, 10, 10), (1, 1, 11, 11)], dtype=np.float32)
    mean = blazeface_module.weighted_mean(boxes, np.array([0.9, 0.3], dtype=np.float32))
    np.testing.assert_allclose(mean, [0.25, 0.25, 10.25, 10.25], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("retinaface", (30 - 104, 60 - 117, 90 - 123)),  # BGR minus the mean
        ("blazeface", (90 / 127.5 - 1, 60 / 127.5 - 1, 30 / 127.5 - 1)),  # RGB, the rest RGB too
        ("pfld", (90 / 255, 60 / 255, 30 / 255)),
        ("attention_mesh", (90 / 255, 60 / 255, 30 / 255)),
    ],
)
def test_what_a_network_gets(
    name: str, expected: tuple[float, ...], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    model: Any = request.getfixturevalue(name)
    run, seen = model._session.run, []

    def record(**inputs: Any) -> list[FloatArray]:
        seen.append(inputs["input"])
        return list(run(**inputs))

    monkeypatch.setattr(model._session, "run", record)
    image = np.full((256, 256, 3), (30, 60, 90), dtype=np.uint8)
    if name in {"retinaface", "blazeface"}:
        model.detect(image)
    else:
        model.locate(image, Region(127.5, 127.5, 200))
    assert seen[0].dtype == np.float32
    channels = seen[0][0].transpose(1, 2, 0) if name in {"retinaface", "pfld"} else seen[0][0]
    np.testing.assert_allclose(channels.reshape(-1, 3)[[0, -1]], [expected, expected], rtol=1e-5)
