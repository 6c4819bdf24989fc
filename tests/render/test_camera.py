"""What the camera, glasses and things in front of the face do to a picture, and what they leave alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from training.render.appearance import Appearance
from training.render.camera import Camera, Glasses, cover
from training.render.renderer import Pose, Scene, Studio, render

CLEAN = Camera(noise=0.0)
Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def portrait(studio: Studio) -> tuple[Picture, NDArray[np.float32]]:
    image, (landmarks,) = render(Scene([studio.subject(studio.model.identity(), Appearance(), Pose(distance=50, roll=6))]), (400, 400))
    return image, landmarks


def record(camera: Camera, image: Picture, seed: int = 0) -> NDArray[np.int64]:
    return camera.record(image, np.random.default_rng(seed)).astype(int)


def edges(image: NDArray[np.integer], axis: int) -> float:
    return float(np.abs(np.diff(image.astype(float), axis=axis)).mean())


def test_a_clean_camera_stores_what_it_sees(portrait) -> None:
    image = portrait[0]
    before = image.copy()
    stored = CLEAN.record(image, np.random.default_rng(0))
    assert stored.dtype == np.uint8
    assert stored is not image
    np.testing.assert_array_equal(stored, before)
    CLEAN.record(np.ascontiguousarray(image[:50]), np.random.default_rng(0))[:] = 0
    np.testing.assert_array_equal(image, before)


def test_gain_balance_and_gamma_change_the_light() -> None:
    grey = np.full((8, 8, 3), 100, np.uint8)
    assert (record(Camera(noise=0, gain=1.2), grey) == 120).all()
    assert record(Camera(noise=0, balance=(0.9, 1.0, 1.1)), grey)[0, 0].tolist() == [90, 100, 110]
    assert (record(Camera(noise=0, gamma=2.0), grey) == round(255 * (100 / 255) ** 2)).all()
    assert (record(Camera(noise=0, gain=3.0), grey) == 255).all(), "what is too bright stays white and does not wrap around"


def test_noise_has_its_strength_and_comes_from_the_generator() -> None:
    grey = np.full((100, 100, 3), 128, np.uint8)
    noisy = record(Camera(noise=4.0), grey)
    assert noisy.std() == pytest.approx(4.0, rel=0.05)
    assert noisy.mean() == pytest.approx(128.0, abs=0.2)
    np.testing.assert_array_equal(noisy, record(Camera(noise=4.0), grey))
    assert (noisy != record(Camera(noise=4.0), grey, seed=1)).any()


def test_motion_blurs_across_only_and_focus_both_ways() -> None:
    upright = np.zeros((60, 60, 3), np.uint8)
    upright[:, ::6] = 240
    lying = np.ascontiguousarray(upright.transpose(1, 0, 2))
    moving, unsharp = Camera(noise=0, motion_px=5), Camera(noise=0, blur_px=1.5)
    assert record(moving, upright)[10:-10, 10:-10].std() < 0.3 * upright.std()
    np.testing.assert_array_equal(record(moving, lying), lying)
    assert record(unsharp, upright).std() == pytest.approx(record(unsharp, lying).std(), rel=0.01)
    assert record(unsharp, lying).std() < 0.6 * lying.std()


def test_a_small_recording_has_the_same_size_and_less_detail(portrait) -> None:
    image = portrait[0][:333, :251]
    small = record(Camera(noise=0, scale=0.55), image)
    assert small.shape == image.shape
    assert edges(small, 1) < 0.85 * edges(image, 1)
    assert np.abs(small - image).mean() < 4


def test_compression_changes_a_little_and_more_at_lower_quality(portrait) -> None:
    image = portrait[0]
    good, poor = (np.abs(record(Camera(noise=0, jpeg=quality), image) - image).mean() for quality in (95, 35))
    assert 0.1 < good < poor < 6.0


def test_drawn_cameras_leave_the_face_to_be_seen(portrait) -> None:
    image, landmarks = portrait
    left, top = landmarks.min(axis=0).astype(int)
    right, bottom = landmarks.max(axis=0).astype(int)
    face = image[top:bottom, left:right].astype(float).ravel()
    for seed in range(40):
        generator = np.random.default_rng(seed)
        camera = Camera.sample(generator)
        stored = camera.record(image, generator)
        assert stored.shape == image.shape
        assert np.corrcoef(face, stored[top:bottom, left:right].astype(float).ravel())[0, 1] > 0.9, camera
    assert Camera.sample(np.random.default_rng(3)) == Camera.sample(np.random.default_rng(3))


def around(points: NDArray[np.floating], grow: float, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels within the points' hull, `grow` px wider."""
    mask = np.zeros(shape[:2], np.uint8)
    hull = cv2.convexHull(np.round(points).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 1)
    cv2.polylines(mask, [hull], True, 1, max(1, round(2 * grow)))
    return mask.astype(bool)


@pytest.mark.parametrize("rounded", [True, False])
def test_glasses_are_on_both_eyes_and_not_on_the_mouth(portrait, rounded: bool) -> None:
    image, landmarks = portrait
    drawn = image.copy()
    Glasses(tint=0.3, round=rounded).draw(drawn, landmarks)
    changed = (drawn != image).any(axis=2)
    for eye in (landmarks[36:42], landmarks[42:48]):
        assert changed[around(eye, 0, image.shape)].mean() > 0.95, "tinted lens"
        centre = eye.mean(axis=0)
        length = np.linalg.norm(eye[3] - eye[0])
        lens = np.linalg.norm(np.indices(image.shape[:2]).transpose(1, 2, 0) - centre[::-1], axis=2) < 1.2 * length
        dark = (drawn[lens] == (30, 28, 26)).all(axis=1).sum()
        assert dark > 2 * length, "the frame"
    assert not changed[around(landmarks[48:68], 3, image.shape)].any()
    assert not changed[around(landmarks[31:36], 0, image.shape)].any()
    bridge = np.round(landmarks[[39, 42]].mean(axis=0)).astype(int)
    assert changed[bridge[1] - 4 : bridge[1] + 5, bridge[0] - 2 : bridge[0] + 3].any()


def test_lenses_take_their_share_of_the_light(portrait) -> None:
    image, landmarks = portrait
    drawn = image.copy()
    Glasses(tint=0.3, thickness=0.01).draw(drawn, landmarks)
    eye = around(landmarks[36:42], 0, image.shape)
    assert drawn[eye].astype(float).mean() == pytest.approx(0.7 * image[eye].mean(), rel=0.05)


def test_each_lens_has_an_arm_to_the_ear_of_its_side(portrait) -> None:
    image, landmarks = portrait
    drawn = image.copy()
    Glasses(tint=0.0).draw(drawn, landmarks)
    changed = (drawn != image).any(axis=2)
    for eye, temple in ((landmarks[36:42], landmarks[0]), (landmarks[42:48], landmarks[16])):
        assert not changed[around(eye, 0, image.shape)].any(), "nothing crosses the eye"
        x, y = np.round(temple + 0.3 * (eye.mean(axis=0) - temple)).astype(int)
        assert changed[y - 3 : y + 4, x - 3 : x + 4].any()


def test_glasses_follow_the_roll_of_the_head(portrait) -> None:
    image, landmarks = portrait
    turned = cv2.getRotationMatrix2D((200.0, 200.0), 40, 1.0)
    points = (landmarks @ turned[:, :2].T + turned[:, 2]).astype(np.float32)
    blank = np.full_like(image, 255)
    upright, lying = blank.copy(), blank.copy()
    glasses = Glasses(tint=0.5, round=False)
    glasses.draw(upright, landmarks)
    glasses.draw(lying, points)
    expected = cv2.warpAffine(upright, turned, (400, 400), borderValue=(255, 255, 255))
    differs = np.abs(expected.astype(int) - lying).max(axis=2) > 60
    assert differs.sum() < 0.1 * (lying.min(axis=2) < 255).sum()


@pytest.mark.parametrize("seed", range(25))
def test_a_cover_hides_a_part_of_the_edge_and_no_more_than_a_fifth(portrait, seed: int) -> None:
    image, landmarks = portrait
    covered = image.copy()
    cover(covered, landmarks, np.random.default_rng(seed))
    changed = (covered != image).any(axis=2)
    face = around(landmarks, 0, image.shape)
    assert 0.0 < changed[face].mean() < 0.2
    jaw = np.round(landmarks[:17]).astype(int)
    assert changed[jaw[:, 1], jaw[:, 0]].any()
    again = image.copy()
    cover(again, landmarks, np.random.default_rng(seed))
    np.testing.assert_array_equal(again, covered)
