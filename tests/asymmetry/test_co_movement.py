"""What moves along with a movement: on signals made by hand, and on a rendered face whose left eye closes in a smile."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.asymmetry.co_movement import PAIRS, co_movement, held_rows
from face_mirror_au.asymmetry.landmarks import (
    EYE_CLOSING,
    LANDMARK_MEASURES,
    MOUTH_CORNER,
    excursions,
    eye_distance,
    rest_positions,
    side_positions,
)
from face_mirror_au.asymmetry.zones import ZONES

N = 40
INSIDE = (np.arange(N) >= 10) & (np.arange(N) < 30)
AT_REST = ~INSIDE
SMILE = np.where(INSIDE, 3.0, 0.0)


def test_it_is_held_where_the_larger_side_is_half_as_strong_as_at_its_strongest():
    strength = np.zeros(N)
    strength[10:20] = np.arange(10) / 3
    assert np.flatnonzero(held_rows(strength, np.zeros(N), INSIDE, 0.5)).tolist() == [15, 16, 17, 18, 19]
    np.testing.assert_array_equal(held_rows(np.zeros(N), strength, INSIDE, 0.5), held_rows(strength, np.zeros(N), INSIDE, 0.5))


def test_too_small_a_movement_is_not_held():
    assert not held_rows(SMILE / 10, SMILE / 10, INSIDE, 0.5).any()
    assert not held_rows(np.full(N, np.nan), SMILE, INSIDE, 0.5).any()
    assert not held_rows(SMILE, SMILE, np.zeros(N, bool), 0.5).any()


def test_an_eye_that_closes_with_the_mouth_on_one_side_is_on_that_side():
    found = co_movement(0.2 + SMILE / 2, np.full(N, 0.2), INSIDE, AT_REST, 0.5)
    assert (found.left, found.right) == (pytest.approx(1.5), 0)
    assert (found.difference, found.ratio) == (1, 0)
    swapped = co_movement(np.full(N, 0.2), 0.2 + SMILE / 2, INSIDE, AT_REST, 0.5)
    assert swapped.difference == -1


def test_an_eye_that_narrows_alike_on_both_sides_shows_no_difference():
    found = co_movement(SMILE / 2, SMILE / 2, INSIDE, AT_REST, 0.5)
    assert (found.difference, found.ratio) == (0, 1)


def test_a_blink_during_a_smile_moves_nothing_along():
    blink = np.zeros(N)
    blink[15:22] = 4
    found = co_movement(blink, blink, INSIDE, AT_REST, 0.5)
    assert (found.left, found.right) == (0, 0)
    assert found.difference is None


def test_a_shift_the_other_way_is_shown_and_compared_as_none():
    found = co_movement(SMILE / 2, -SMILE / 3, INSIDE, AT_REST, 0.5)
    assert (found.left, found.right) == (1.5, -1.0)
    assert (found.difference, found.ratio) == (1, 0)


def test_without_rest_or_without_a_movement_there_is_nothing():
    nothing = np.zeros(N, bool)
    assert co_movement(SMILE, SMILE, nothing, AT_REST, 0.5) is None
    assert co_movement(SMILE, SMILE, INSIDE, nothing, 0.5) is None
    assert co_movement(SMILE, np.full(N, np.nan), INSIDE, AT_REST, 0.5) is None


def test_failed_frames_are_no_zeros():
    holed = np.where(np.arange(N) % 2 == 0, np.nan, SMILE)
    assert co_movement(holed, SMILE, INSIDE, AT_REST, 0.5).left == 3.0


def test_pairs_are_of_two_zones_that_exist():
    keys = {zone.key for zone in ZONES}
    assert [pair.key for pair in PAIRS] == ["eye_with_mouth", "nose_with_mouth", "mouth_with_eye"]
    assert all({pair.meant, pair.other} <= keys and pair.meant != pair.other for pair in PAIRS)
    assert {pair.landmark for pair in PAIRS} == {EYE_CLOSING.key, MOUTH_CORNER.key, None}


@pytest.fixture(scope="module")
def render_points(shared_file):
    """True landmarks (N, 68, 2) of a person, for a sequence of weights."""
    from training.render.clips import sample_person
    from training.render.ict import FaceModel
    from training.render.renderer import Pose, Scene, Studio, moved, render

    studio = Studio(FaceModel.load(shared_file("faces3d/ict.npz")))
    identity, appearance = sample_person(np.random.default_rng(7))
    rest = studio.model.identity(identity)
    person = studio.subject(rest, appearance, Pose(distance=60))

    def give(weights):
        scenes = [Scene([moved(person, studio.model.express(rest, now), Pose(roll=5.0, distance=60))]) for now in weights]
        return np.array([render(scene, (64, 48))[1][0] for scene in scenes]).astype(float)

    return give


@pytest.mark.parametrize("side", ["left", "right"])
def test_on_a_rendered_face_it_grows_with_the_eye_that_closes_in_a_smile(render_points, side):
    """A smile of both sides, with which one eye closes by 0, 0.25, 0.5 and 0.75."""
    ending = "L" if side == "left" else "R"
    smile = {"mouthSmile_L": 0.9, "mouthSmile_R": 0.9}
    points = render_points([{}, {}, *({**smile, f"eyeBlink_{ending}": closed} for closed in (0.0, 0.25, 0.5, 0.75))])
    at_rest = np.arange(6) < 2
    curves = []
    for left in (True, False):
        positions = side_positions(points, eye_distance(points), left=left)
        curves.append(excursions(positions, rest_positions(positions, at_rest)))
    eye, mouth = LANDMARK_MEASURES.index(EYE_CLOSING), LANDMARK_MEASURES.index(MOUTH_CORNER)
    shifts = []
    for row in range(2, 6):
        inside = np.arange(6) == row
        held = held_rows(curves[0][:, mouth], curves[1][:, mouth], inside, MOUTH_CORNER.gate)
        assert held.sum() == 1
        shifts.append(co_movement(curves[0][:, eye], curves[1][:, eye], held, at_rest, EYE_CLOSING.gate))
    moving, still = ("left", "right") if side == "left" else ("right", "left")
    assert shifts[0].difference is None, "a smile alone closes no eye of this face"
    amounts = [getattr(shift, moving) for shift in shifts]
    assert np.diff(amounts).min() > 0.015
    assert max(getattr(shift, still) for shift in shifts) < EYE_CLOSING.gate / 2
    assert all((shift.difference > 0.7) if side == "left" else (shift.difference < -0.7) for shift in shifts[2:])
