"""The validator on landmarks that are none, the warp, gaze by geometry, and a head pose without a fit."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.models.openface_files import read_pdm
from face_mirror_au.models.validator import read_validator
from face_mirror_au.numerics.gaze import EYE_CORNERS, EYEBALL_CENTRE, EYEBALL_RADIUS, IRIS, gaze_angles, gaze_directions, mesh_gaze_angles
from face_mirror_au.numerics.head_pose import Camera, estimate_head_pose
from face_mirror_au.numerics.pdm import rotation_from_euler
from face_mirror_weights import open_models
from fuzz.openface_stand_ins import validator

GREY = np.random.default_rng(0).integers(0, 256, (90, 120), dtype=np.uint8)
FACE = np.random.default_rng(1).uniform(20, 70, (68, 2)).astype(np.float32)


@pytest.fixture
def judge(tmp_path):
    path = tmp_path / "validator_cnn.txt"
    path.write_bytes(validator(steps=4, says=3))
    return read_validator(path)


def test_certainty_is_the_middle_of_the_step_that_wins(judge):
    assert judge.certainty(GREY, FACE, np.zeros(3)) == pytest.approx(1 - 7 / 8)


def test_the_view_is_the_nearest_in_radians(judge):
    for yaw, view in ((-3.0, 0), (0.38, 0), (0.40, 1), (3.0, 1)):
        assert judge.view_for(np.array([0.0, yaw, 0.0])) is judge.views[view]


@pytest.mark.parametrize(
    "landmarks",
    [
        np.full((68, 2), np.nan), np.full((68, 2), 1e30), np.full((68, 2), -500.0), np.full((68, 2), [30.0, -4.5]),
        FACE + np.array([500, 0]), FACE + np.array([0, 500]),
        np.where(np.arange(68)[:, None] == 7, np.inf, FACE),
    ],
)  # fmt: skip
def test_landmarks_without_a_picture_are_certain_of_nothing(judge, landmarks):
    assert judge.certainty(GREY, landmarks.astype(np.float32), np.zeros(3)) == 0.0


@pytest.mark.parametrize("landmarks", [FACE * 1e6 - 3e7, FACE - 40, np.full((68, 2), 30.0)])
def test_landmarks_that_leave_the_picture_are_judged_by_what_is_there(judge, landmarks):
    assert judge.certainty(GREY, landmarks.astype(np.float32), np.zeros(3)) == pytest.approx(1 / 8)


@pytest.mark.parametrize("picture", [np.zeros((90, 120), np.uint8), np.full((90, 120), 255, np.uint8), GREY[:1, :1], GREY[:2]])
def test_pictures_without_contrast_or_size(judge, picture):
    assert 0.0 <= judge.certainty(picture, FACE, np.zeros(3)) <= 1.0


def test_a_picture_wider_than_opencv_samples(judge):
    wide = FACE.copy()
    wide[0], wide[1] = (0, 0), (40_000, 9)
    assert judge.certainty(np.zeros((12, 41_000), np.uint8), wide, np.zeros(3)) == 0.0


def test_the_warp_samples_along_the_triangles(judge):
    """Landmarks that lie where the stand-in's own triangle has them: pixel (x, y) of the warp shows (x + 20, y + 30)."""
    warp = judge.views[0].warp
    landmarks = FACE.copy()
    origin = np.array([30.0, 35.0])  # where x - 10 = 0 and y - 5 = 0
    landmarks[[0, 16, 8]] = origin + np.array([[0, 0], [50, 0], [0, 50]])
    ramp = (np.arange(120)[None, :] + 2 * np.arange(60)[:, None]).astype(np.uint8)
    shown = warp.pixels(ramp, np.clip(landmarks, 0, 200).astype(np.float32))
    assert np.array_equal(shown[:5], [(x + 20) + 2 * (y + 30) for x, y in zip(warp.columns[:5], warp.rows[:5], strict=True)])


def eyes_that_look(directions, rotation=(0.0, 0.0, 0.0), distance=500.0):
    """Eye and face points of a head at a distance whose irises lie on the eyeballs in these directions."""
    face, eyes = np.zeros((1, 68, 3)), np.zeros((1, 2, 28, 3))
    for eye, (corners, direction) in enumerate(zip(EYE_CORNERS, directions, strict=True)):
        middle = np.array([60.0 * eye - 30.0, 0.0, distance])
        face[0, list(corners)] = middle + np.array([[-15, 0, 0], [15, 0, 0]])
        centre = middle + rotation_from_euler(np.array(rotation)) @ EYEBALL_CENTRE
        eyes[0, eye, :8] = centre + EYEBALL_RADIUS * np.array(direction) / np.linalg.norm(direction)
        eyes[0, eye, 8:] = 1e6  # lids and pupil have no part in it
    return eyes, face, np.array([rotation])


@pytest.mark.parametrize("rotation", [(0.0, 0.0, 0.0), (0.1, -0.3, 0.2)])
@pytest.mark.parametrize("direction", [(0, 0, -1), (0.3, 0, -1), (-0.3, 0.1, -1), (0, 0.4, -1)])
def test_gaze_goes_from_the_eyeball_through_the_iris(direction, rotation):
    found = gaze_directions(*eyes_that_look([direction, direction], rotation))
    assert np.allclose(found[0], np.array([direction, direction]) / np.linalg.norm(direction), atol=1e-9)
    assert np.allclose(gaze_angles(found)[0], [np.arctan2(direction[0], 1), np.arctan2(direction[1], 1)], atol=1e-9)


@pytest.mark.parametrize("rotation", [(0.0, 0.0, 0.0), (0.1, 0.0, 0.2)])
@pytest.mark.parametrize("direction", [(0, 0, -1), (0.3, 0, -1), (-0.3, 0.1, -1), (0, 0.4, -1)])
def test_gaze_by_the_irises_of_a_mesh_is_that_of_eye_models(direction, rotation):
    eyes, face, _ = eyes_that_look([direction, direction], rotation)
    camera = Camera(700.0, 320.0, 240.0)
    corners = face[0, EYE_CORNERS].mean(axis=1)
    space = np.stack([corners, eyes[0, :, IRIS].mean(axis=1)], axis=1)
    seen = space[..., :2] / space[..., 2:] * camera.focal + (camera.x, camera.y)
    found = mesh_gaze_angles(seen, camera.focal / corners[:, 2].mean(), np.array(rotation), camera)
    assert np.allclose(found, [np.arctan2(direction[0], 1), np.arctan2(direction[1], 1)], atol=0.01)


def test_a_ray_that_misses_the_eyeball_points_to_the_camera():
    eyes, face, rotation = eyes_that_look([(0, 0, -1), (0, 0, -1)])
    eyes[0, 0, :8] += [200.0, 0.0, 0.0]
    found = gaze_directions(eyes, face, rotation)
    centre = np.array([-30.0, -3.5, 507.0])
    assert np.allclose(found[0, 0], ((0, 0, -1) - centre) / np.linalg.norm((0, 0, -1) - centre))
    assert np.allclose(found[0, 1], (0, 0, -1))


def test_frames_do_not_mix_and_a_frame_without_points_has_no_gaze():
    good, bad = eyes_that_look([(0.2, 0, -1)] * 2), [np.full_like(each, np.nan) for each in eyes_that_look([(0, 0, -1)] * 2)]
    both = gaze_directions(*(np.concatenate(each) for each in zip(good, bad, strict=True)))
    assert np.array_equal(both[0], gaze_directions(*good)[0])
    assert np.isnan(both[1]).all()
    assert np.isnan(gaze_angles(both)[1]).all()


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_fit_is_a_head_pose_of_zeros(place, value):
    pdm, camera = read_pdm(open_models.PDM), Camera.for_size(640, 480)
    pose, local = np.array([1.0, 0, 0, 0, 320, 240]), np.zeros(pdm.n_modes)
    landmarks = pdm.project(pose, local)
    assert estimate_head_pose(pdm, landmarks, pose, local, camera)[2] > 100
    pose[place] = value
    assert estimate_head_pose(pdm, landmarks, pose, local, camera).tolist() == [0.0] * 6
    assert estimate_head_pose(pdm, landmarks, np.zeros(6), local, camera).tolist() == [0.0] * 6
