"""PFLD and the attention mesh on real pictures: agreement, edges of the frame, sides, tracking."""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any

import cv2
import numpy as np
import pytest

from face_mirror_au.errors import ModelRunError
from face_mirror_au.models.attention_mesh import REFINED_POINTS, AttentionMesh, merge, probability
from face_mirror_au.models.mesh_points import IBUG_FROM_MESH, LEFT_EYE, LEFT_IRIS, RIGHT_EYE, RIGHT_IRIS, landmarks_from_mesh
from face_mirror_au.models.protocols import FaceDetector, LandmarkModel
from face_mirror_au.models.regions import square_below
from face_mirror_au.models.retinaface import RetinaFace
from face_mirror_au.records import Detection, Float32Array, FloatArray, Image, Located, Region

Frames = Callable[[str, int], list[Image]]

# iBUG's 68 points as they lie in a mirror image.
MIRRORED = (
    *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
)  # fmt: skip


@pytest.fixture(params=["pfld", "attention_mesh"])
def model(request: pytest.FixtureRequest) -> LandmarkModel:
    found: LandmarkModel = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["retinaface", "blazeface"])
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    found: FaceDetector = request.getfixturevalue(request.param)
    return found


def located_twice(model: LandmarkModel, image: Image, detection: Detection) -> Located:
    first = model.locate(image, model.region_from_detection(detection))
    return model.locate(image, model.region_from_landmarks(first))


def distance(a: Float32Array | FloatArray, b: Float32Array | FloatArray) -> float:
    """Mean distance in units of the outer-eye distance of `b`."""
    return float(np.linalg.norm(a - b, axis=1).mean() / np.linalg.norm(b[45] - b[36]))


@pytest.mark.truth
def test_agrees_with_openface_from_either_detector(
    model: LandmarkModel, detector: FaceDetector, first_frames: Frames, openface_landmarks: FloatArray
) -> None:
    frames = first_frames("default.wmv", 120)
    located = located_twice(model, frames[0], detector.detect(frames[0])[0])
    distances = []
    for index in range(0, 120, 2):
        located = model.locate(frames[index], model.region_from_landmarks(located))
        distances.append(distance(located.landmarks, openface_landmarks[index]))
    assert np.mean(distances) <= 0.035
    assert max(distances) <= 0.06


@pytest.mark.parametrize("edge", ["left", "right", "bottom"])
def test_a_face_partly_outside_the_frame(model: LandmarkModel, portrait: Image, retinaface: RetinaFace, edge: str) -> None:
    whole = located_twice(model, portrait, retinaface.detect(portrait)[0])
    points = whole.landmarks
    region = model.region_from_landmarks(whole)
    # Up to a third of the face leaves, so that the landmarks of what stays can be compared.
    cut = 0.3 * (points.max(axis=0) - points.min(axis=0))
    left, right, bottom = int(points[:, 0].min() + cut[0]), int(points[:, 0].max() - cut[0]), int(points[:, 1].max() - 0.5 * cut[1])
    image, start = {
        "left": (portrait[:, left:], np.array([left, 0])),
        "right": (portrait[:, :right], np.array([0, 0])),
        "bottom": (portrait[:bottom], np.array([0, 0])),
    }[edge]
    part = model.locate(np.ascontiguousarray(image), Region(region.x - start[0], region.y - start[1], region.side, region.roll))
    inside = ((points - start >= 0) & (points - start < image.shape[1::-1])).all(axis=1)
    steps = np.linalg.norm(part.landmarks + start - points, axis=1)[inside] / np.linalg.norm(points[45] - points[36])
    assert inside.sum() < 68
    assert steps.mean() < 0.08


def test_black_borders_beyond_the_frame_change_nothing(model: LandmarkModel, portrait: Image, retinaface: RetinaFace) -> None:
    cropped = np.ascontiguousarray(portrait[130:, 170:])
    padded = cv2.copyMakeBorder(cropped, 200, 0, 200, 0, cv2.BORDER_CONSTANT)
    region = model.region_from_detection(retinaface.detect(portrait)[0])
    bare = model.locate(cropped, Region(region.x - 170, region.y - 130, region.side))
    framed = model.locate(padded, Region(region.x + 30, region.y + 70, region.side))
    assert np.abs(bare.landmarks + 200 - framed.landmarks).max() < 1.0


def test_a_mirror_image_swaps_the_sides(model: LandmarkModel, portrait: Image, retinaface: RetinaFace) -> None:
    flipped = np.ascontiguousarray(portrait[:, ::-1])
    points = located_twice(model, portrait, retinaface.detect(portrait)[0]).landmarks
    mirrored = located_twice(model, flipped, retinaface.detect(flipped)[0]).landmarks[list(MIRRORED)]
    back = mirrored * (-1, 1) + (portrait.shape[1] - 1, 0)
    eye_distance = np.linalg.norm(points[45] - points[36])
    assert distance(back, points) < 0.045
    assert abs((back - points)[:, 0].mean()) / eye_distance < 0.012  # no pull to one side
    assert points[36, 0] < points[45, 0]
    assert points[0, 0] < points[16, 0]
    assert points[8, 1] == points[:, 1].max()


@pytest.mark.parametrize("angle", [-40, 30])
def test_a_tilted_head(model: LandmarkModel, portrait: Image, retinaface: RetinaFace, angle: int) -> None:
    turn = cv2.getRotationMatrix2D((240, 240), angle, 0.9)
    image = cv2.warpAffine(portrait, turn, (640, 480))
    upright = located_twice(model, portrait, retinaface.detect(portrait)[0]).landmarks
    tilted = located_twice(model, image, retinaface.detect(image)[0]).landmarks
    assert distance(tilted, upright @ turn[:, :2].T + turn[:, 2]) < 0.02


def test_a_large_frame_gives_the_small_ones_landmarks(model: LandmarkModel, portrait: Image, retinaface: RetinaFace) -> None:
    small = located_twice(model, portrait, retinaface.detect(portrait)[0]).landmarks
    large = cv2.resize(portrait, (3840, 2880), interpolation=cv2.INTER_CUBIC)
    assert distance((located_twice(model, large, retinaface.detect(large)[0]).landmarks + 0.5) / 6 - 0.5, small) < 0.015


def test_a_fresh_detection_and_tracking_meet(model: LandmarkModel, detector: FaceDetector, first_frames: Frames) -> None:
    frames = first_frames("default.wmv", 120)
    located = located_twice(model, frames[0], detector.detect(frames[0])[0])
    for frame in frames[1:31]:
        located = model.locate(frame, model.region_from_landmarks(located))
    fresh = located_twice(model, frames[30], detector.detect(frames[30])[0])
    assert distance(fresh.landmarks, located.landmarks) < 0.015
    assert model.region_from_landmarks(fresh).side == pytest.approx(model.region_from_landmarks(located).side, rel=0.03)


def test_the_square_on_a_box_is_the_square_on_its_landmarks(model: LandmarkModel, detector: FaceDetector, portrait: Image) -> None:
    face = detector.detect(portrait)[0]
    first, then = model.region_from_detection(face), model.region_from_landmarks(located_twice(model, portrait, face))
    assert first.side == pytest.approx(then.side, rel=0.1)
    assert abs(first.x - then.x) < 0.04 * then.side
    assert abs(first.y - then.y) < 0.045 * then.side
    assert first.roll == pytest.approx(then.roll, abs=0.06)


def test_below_turns_with_the_face() -> None:
    upright, lying = square_below(10, 20, 0.0, side=5, down=3), square_below(10, 20, pi / 2, side=5, down=3)
    assert (upright.x, upright.y) == (10, 23)
    assert (lying.x, lying.y) == pytest.approx((7, 20))  # rolled clockwise by a quarter, the chin points to the left of the picture


def test_a_detection_without_keypoints_will_do(model: LandmarkModel, portrait: Image, retinaface: RetinaFace) -> None:
    face = retinaface.detect(portrait)[0]
    bare = located_twice(model, portrait, Detection(face.box, face.score, np.empty((0, 2), dtype=np.float32)))
    assert distance(bare.landmarks, located_twice(model, portrait, face).landmarks) < 0.02


def test_a_picture_of_one_pixel(model: LandmarkModel) -> None:
    located = model.locate(np.full((1, 1, 3), 9, dtype=np.uint8), Region(0, 0, 50))
    assert np.isfinite(located.landmarks).all()


def test_landmarks_that_are_not_finite_fail_the_frame(model: LandmarkModel, portrait: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    session: Any = model._session  # type: ignore[attr-defined]
    results = session.run(input=np.zeros((1, 3, 112, 112) if model.name == "pfld" else (1, 192, 192, 3), dtype=np.float32))
    results[0][0, 7] = np.nan
    monkeypatch.setattr(session, "run", lambda **_: results)
    with pytest.raises(ModelRunError, match=f"{model.name}: the landmarks of .* are not finite"):
        model.locate(portrait, Region(200, 200, 200))


def test_the_mesh_scores_faces(attention_mesh: AttentionMesh, portrait: Image, retinaface: RetinaFace) -> None:
    face = located_twice(attention_mesh, portrait, retinaface.detect(portrait)[0])
    corner = attention_mesh.locate(portrait, Region(560, 80, 120))
    assert face.score > 0.95
    assert corner.score < 0.3


def test_the_mesh_square_from_68_landmarks_alone(attention_mesh: AttentionMesh, portrait: Image, retinaface: RetinaFace) -> None:
    face = located_twice(attention_mesh, portrait, retinaface.detect(portrait)[0])
    full = attention_mesh.region_from_landmarks(face)
    bare = attention_mesh.region_from_landmarks(Located(face.landmarks, 1.0))
    assert bare.side == pytest.approx(full.side, rel=0.04)
    assert np.hypot(bare.x - full.x, bare.y - full.y) < 0.03 * full.side
    assert bare.roll == pytest.approx(full.roll, abs=0.05)


def test_irises_lie_between_the_lids(attention_mesh: AttentionMesh, portrait: Image, retinaface: RetinaFace) -> None:
    face = located_twice(attention_mesh, portrait, retinaface.detect(portrait)[0])
    assert face.mesh is not None
    for iris, eye in ((RIGHT_IRIS, slice(36, 42)), (LEFT_IRIS, slice(42, 48))):
        eye_points = face.landmarks[eye]
        assert np.linalg.norm(face.mesh[iris[0], :2] - eye_points.mean(axis=0)) < 0.2 * np.ptp(eye_points[:, 0])


def test_refined_points_take_the_place_of_the_surface() -> None:
    surface = np.zeros((1, 1404), dtype=np.float32)
    surface[0, 2::3] = np.arange(468)  # depth
    refined = [np.full((1, 2 * len(points)), value, dtype=np.float32) for value, points in enumerate(REFINED_POINTS, 1)]
    mesh = merge(surface, refined)
    for value, points in enumerate(REFINED_POINTS, 1):
        assert len(set(points)) == len(points)
        assert (mesh[list(points), :2] == value).all()
    assert mesh[10].tolist() == [0, 0, 10]  # of the forehead, refined by nothing
    assert mesh[61, 2] == 61
    assert mesh[468, 2] == pytest.approx(np.mean(RIGHT_EYE[:16]), rel=1e-6)
    assert mesh[477, 2] == pytest.approx(np.mean(LEFT_EYE[:16]), rel=1e-6)


def test_landmarks_between_two_mesh_points() -> None:
    mesh = np.random.default_rng(2).normal(size=(478, 3)).astype(np.float32)
    points = landmarks_from_mesh(mesh)
    assert points.shape == (68, 2)
    for row, (start, following, share) in enumerate(IBUG_FROM_MESH):
        np.testing.assert_allclose(points[row], (1 - share) * mesh[start, :2] + share * mesh[following, :2], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("logit", "expected"), [(0.0, 0.5), (1e9, 1.0), (-1e9, 0.0), (float("nan"), 0.0), (2.0, 0.8807970779778823)])
def test_probability(logit: float, expected: float) -> None:
    assert probability(logit) == pytest.approx(expected, abs=1e-12)
