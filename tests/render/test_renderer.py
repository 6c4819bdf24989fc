"""Pictures: sides, angles, occlusion, light, and that the landmarks lie where the picture shows the features."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from training.render.appearance import Appearance
from training.render.ict import expression
from training.render.renderer import Light, Pose, Scene, Studio, Subject, moved, render

SIZE = (320, 240)
MAGENTA = (255.0, 0.0, 255.0)


@pytest.fixture(scope="module")
def person(studio: Studio) -> Subject:
    return studio.subject(studio.model.identity(), Appearance(), Pose(distance=60))


def _landmarks(person: Subject, pose: Pose) -> NDArray[np.float32]:
    return render(Scene([moved(person, pose=pose)], background=MAGENTA), SIZE)[1][0]


def _covered(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.any(image != np.array(MAGENTA, np.uint8), axis=2)


@pytest.mark.parametrize(("side", "corner", "other"), [("left", 54, 48), ("right", 48, 54)])
def test_smile_shows_on_the_right_side(studio: Studio, person: Subject, side: str, corner: int, other: int) -> None:
    smile = expression(**{side: {"mouthSmile": 1.0}})
    at_rest, [rest] = render(Scene([person], background=MAGENTA), SIZE)
    smiling, [moved_points] = render(Scene([moved(person, studio.model.vertices(None, smile))], background=MAGENTA), SIZE)
    rise = rest[:, 1] - moved_points[:, 1]
    assert rise[corner] > 3
    assert abs(rise[other]) < 0.5
    change = np.abs(smiling.astype(int) - at_rest).sum(axis=2).sum(axis=0)
    centre = (change * np.arange(SIZE[0])).sum() / change.sum()
    assert (centre - rest[27:31, 0].mean()) * (1 if side == "left" else -1) > 5


def test_subjects_right_eye_is_at_the_images_left(person: Subject) -> None:
    points = _landmarks(person, person.pose)
    assert points[36, 0] < points[45, 0]
    assert points[19, 1] < points[37, 1] < points[30, 1] < points[51, 1] < points[8, 1]


def test_signs_of_the_angles(person: Subject) -> None:
    straight = _landmarks(person, Pose())
    nose = straight[30] - straight[27]
    assert (_landmarks(person, Pose(yaw=15))[30] - straight[30])[0] > 5
    looking_up = _landmarks(person, Pose(pitch=15))
    assert (looking_up[30] - looking_up[27])[1] < nose[1] - 1
    tilted = _landmarks(person, Pose(roll=15))
    assert (tilted[27] - tilted[8])[0] > 5


def test_the_torso_does_not_turn_with_the_head(person: Subject) -> None:
    straight, turned = (render(Scene([moved(person, pose=Pose(roll=angle))], background=MAGENTA), SIZE)[0] for angle in (0, 20))
    assert np.array_equal(_covered(straight)[-5:], _covered(turned)[-5:])
    assert not np.array_equal(_covered(straight)[:120], _covered(turned)[:120])


def test_same_scene_same_picture(person: Subject) -> None:
    scene = Scene([person], noise=3, blur_px=0.7, seed=5)
    first, second = render(scene, SIZE)[0], render(scene, SIZE)[0]
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, render(replace(scene, seed=6), SIZE)[0])


def test_landmarks_lie_on_the_face(person: Subject) -> None:
    image, [points] = render(Scene([person], background=MAGENTA), SIZE)
    columns, rows = np.round(points[17:]).astype(int).T
    assert _covered(image)[rows, columns].all()
    assert not _covered(image)[:5].any()


def test_pupils_are_in_the_middle_of_the_eye_landmarks(studio: Studio) -> None:
    person = studio.subject(studio.model.identity(), Appearance(), Pose(distance=40))
    image, [points] = render(Scene([person]), (640, 480))
    for eye in (slice(36, 42), slice(42, 48)):
        x, y = points[eye].mean(axis=0)
        left, top = int(x) - 20, int(y) - 8
        patch = image[top : top + 17, left : left + 41].astype(int).sum(axis=2)
        row, column = np.unravel_index(patch.argmin(), patch.shape)
        assert abs(left + column - x) < 6
        assert abs(top + row - y) < 6


def test_the_nearer_face_hides_the_farther(studio: Studio, person: Subject) -> None:
    near = moved(person, pose=Pose(distance=50, x=4))
    far = moved(studio.subject(person.vertices, Appearance(skin=(60, 80, 120))), pose=Pose(distance=75, x=-4))
    one, points = render(Scene([near, far], background=MAGENTA), SIZE)
    other, swapped = render(Scene([far, near], background=MAGENTA), SIZE)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(points[0], swapped[1])
    alone = render(Scene([near], background=MAGENTA), SIZE)[0]
    inside = cv2.erode(_covered(alone).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0  # without the softened edge
    np.testing.assert_array_equal(one[inside], alone[inside])
    behind = _covered(render(Scene([far], background=MAGENTA), SIZE)[0])
    assert (inside & behind).sum() > 1000
    assert (behind & ~_covered(alone)).sum() > 1000


def test_background_is_untouched_beside_the_subject(person: Subject) -> None:
    background = np.random.default_rng(0).integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    kept = background.copy()
    image = render(Scene([person], background=background), SIZE)[0]
    np.testing.assert_array_equal(background, kept)
    covered = _covered(render(Scene([person], background=MAGENTA), SIZE)[0])
    assert 0.1 < covered.mean() < 0.7
    np.testing.assert_array_equal(image[~covered], background[~covered])


@pytest.mark.parametrize("pose", [Pose(x=300), Pose(distance=4)])
def test_subject_out_of_sight(person: Subject, pose: Pose) -> None:
    image, [points] = render(Scene([moved(person, pose=pose)], background=MAGENTA), SIZE)
    assert not _covered(image).any()
    assert np.isfinite(points).all()


def test_odd_sizes_and_face_at_the_edge(person: Subject) -> None:
    image, _ = render(Scene([moved(person, pose=Pose(distance=45, x=14))], background=MAGENTA), (161, 121))
    assert image.shape == (121, 161, 3)
    assert _covered(image)[:, -1].any()


def test_light_from_the_images_left_brightens_that_cheek(person: Subject) -> None:
    image, [points] = render(Scene([person], lights=[Light((-1.0, 0.1, 0.4))]), SIZE)
    cheeks = [(points[1] + points[31]) / 2, (points[15] + points[35]) / 2]
    brightness = [image[int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4].mean() for x, y in cheeks]
    assert brightness[0] > brightness[1] + 30


def test_nearer_is_larger(person: Subject) -> None:
    widths = [float(np.ptp(_landmarks(person, Pose(distance=distance))[:, 0])) for distance in (40, 60, 90)]
    assert widths[0] > 1.4 * widths[1] > 1.9 * widths[2]


def test_sampled_people_differ(studio: Studio) -> None:
    generator = np.random.default_rng(2)
    looks = [Appearance.sample(generator) for _ in range(8)]
    assert len({look.skin for look in looks}) == 8
    first, second = (studio.painter.paint(look) for look in looks[:2])
    assert np.abs(first.astype(int) - second).mean() > 3
    np.testing.assert_array_equal(first, studio.painter.paint(looks[0]))
