"""Random people and movements: possible faces, sides of their own, palsy and synkinesis on the side they belong to."""

from __future__ import annotations

import numpy as np
import pytest

from training.render.expressions import (
    LEFT,
    MOVEMENTS,
    ONE_PIECE,
    RIGHT,
    SHIFTS,
    TWO_SIDED,
    WITH_TEETH,
    ZONES,
    Person,
    Weights,
    gaze,
    possible,
)
from training.render.ict import LANDMARK_VERTICES, FaceModel

FRAMES = 400
OPEN_MM = 8.0  # of the mean face's lids, at least


def drawn(person: Person, count: int = FRAMES, seed: int = 1) -> list[Weights]:
    generator = np.random.default_rng(seed)
    return [person.move(generator) for _ in range(count)]


def total(frames: list[Weights], bases: tuple[str, ...], side: str) -> float:
    return sum(weights.get(base + side, 0.0) for weights in frames for base in bases)


def frozen(weights: Weights, side: str) -> bool:
    """Whether that side does nothing at all; the eyes look on."""
    return not any(name.endswith(side) and not name.startswith("eyeLook") for name in weights)


def lid_gaps(model: FaceModel, weights: Weights) -> tuple[float, float]:
    """Left and right, mm; negative where the lids cross."""
    heights = 10 * model.vertices(None, weights)[LANDMARK_VERTICES, 1]
    return float(heights[[43, 44]].mean() - heights[[46, 47]].mean()), float(heights[[37, 38]].mean() - heights[[40, 41]].mean())


def test_every_shape_that_is_drawn_is_in_the_mesh(model: FaceModel) -> None:
    names = set(model.expression_names)
    assert {base + side for base in TWO_SIDED for side in (LEFT, RIGHT)} <= names
    assert {*ONE_PIECE, *SHIFTS} <= names
    assert {base for movement in (*MOVEMENTS.values(), WITH_TEETH) for base in movement} <= {*TWO_SIDED, *ONE_PIECE}
    assert set(gaze(np.random.default_rng(0), large=1.0)) <= names


@pytest.mark.parametrize("seed", range(30))
def test_weights_lie_between_0_and_1(model: FaceModel, seed: int) -> None:
    generator = np.random.default_rng(seed)
    person = Person.sample(generator)
    frames = [person.keep_still(generator), *(person.move(generator) for _ in range(30))]
    assert all(0.0 < weight <= 1.0 for weights in frames for weight in weights.values())
    halves = {base + side for base in ONE_PIECE for side in (LEFT, RIGHT)}
    assert {name for weights in frames for name in weights} <= {*model.expression_names, *halves}


def test_the_same_seed_draws_the_same_person_and_movements() -> None:
    def everything(seed: int) -> tuple[Person, list[Weights]]:
        generator = np.random.default_rng(seed)
        person = Person.sample(generator)
        return person, [person.move(generator) for _ in range(20)]

    assert everything(5) == everything(5)
    assert everything(5)[1] != everything(6)[1]


def test_left_is_the_subjects_left(model: FaceModel) -> None:
    assert (LEFT, RIGHT) == ("_L", "_R")
    corner = model.vertices(None, {"mouthSmile" + LEFT: 1.0})[LANDMARK_VERTICES, 1] - model.mean[LANDMARK_VERTICES, 1]
    assert corner[54] > 0.5 > abs(corner[48])
    assert model.mean[LANDMARK_VERTICES[54], 0] > 0


def test_a_healthy_face_moves_both_sides_as_much() -> None:
    frames = drawn(Person())
    for bases in ZONES.values():
        left, right = total(frames, bases, LEFT), total(frames, bases, RIGHT)
        assert left == pytest.approx(right, rel=0.2)
        assert left > 20


def test_some_movements_are_of_one_side_alone_and_many_of_both_alike() -> None:
    pairs = [(weights.get(base + LEFT, 0.0), weights.get(base + RIGHT, 0.0)) for weights in drawn(Person()) for base in ("mouthSmile",)]
    moved = np.array([pair for pair in pairs if max(pair) > 0.2])
    shares = moved.min(axis=1) / moved.max(axis=1)
    assert len(moved) > 40
    assert np.mean(shares == 0.0) > 0.1
    assert np.mean(shares > 0.84) > 0.3
    assert np.mean(moved[:, 0] > moved[:, 1]) == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize(("affected", "other"), [(LEFT, RIGHT), (RIGHT, LEFT)])
def test_a_palsy_weakens_its_side_and_zone_only(affected: str, other: str) -> None:
    weak = Person(strength={(affected, "mouth"): 0.2})
    healthy, palsied = drawn(Person()), drawn(weak)
    mouth = ("mouthSmile", "mouthFrown", "mouthStretch")
    assert total(palsied, mouth, affected) == pytest.approx(0.2 * total(healthy, mouth, affected))
    assert total(palsied, mouth, other) == total(healthy, mouth, other)
    for zone in ("brow", "nose"):
        assert total(palsied, ZONES[zone], affected) == total(healthy, ZONES[zone], affected)


def test_a_drawn_palsy_is_of_one_side_in_all_zones() -> None:
    people = [Person.sample(np.random.default_rng(seed)) for seed in range(200)]
    palsied = [person for person in people if person.strength]
    assert 50 < len(palsied) < 110
    sides = [{side for side, _ in person.strength} for person in palsied]
    assert all(len(side) == 1 for side in sides)
    assert 0.3 < np.mean([side == {LEFT} for side in sides]) < 0.7
    assert all({zone for _, zone in person.strength} == set(ZONES) for person in palsied)
    assert all(0.0 <= share < 0.75 for person in palsied for share in person.strength.values())
    for person, side in zip(palsied, sides, strict=True):
        assert set(person.eye_with_mouth) in (set(), side)
        assert set(person.mouth_with_eye) in (set(), side)
    assert 0.2 < np.mean([bool(person.eye_with_mouth) for person in palsied]) < 0.8
    assert not any(person.eye_with_mouth or person.mouth_with_eye for person in people if not person.strength)


@pytest.mark.parametrize(("affected", "other"), [(LEFT, RIGHT), (RIGHT, LEFT)])
def test_in_synkinesis_the_eye_narrows_with_the_mouth_on_that_side(affected: str, other: str) -> None:
    plain, joined = drawn(Person()), drawn(Person(eye_with_mouth={affected: 0.5}))
    smiling = [row for row, weights in enumerate(plain) if weights.get("mouthSmile" + other, 0.0) > 0.6]
    assert len(smiling) > 20
    for row in smiling:
        if plain[row].get("eyeBlink" + affected, 0.0) < 0.1 and not frozen(joined[row], affected):
            assert joined[row]["eyeSquint" + affected] > 0.25
    assert all(a.get("eyeSquint" + other) == b.get("eyeSquint" + other) for a, b in zip(plain, joined, strict=True))
    assert all(a.get("mouthSmile" + affected) == b.get("mouthSmile" + affected) for a, b in zip(plain, joined, strict=True))


@pytest.mark.parametrize(("affected", "other"), [(LEFT, RIGHT), (RIGHT, LEFT)])
def test_in_synkinesis_the_mouth_moves_with_the_eye_on_that_side(affected: str, other: str) -> None:
    plain, joined = drawn(Person()), drawn(Person(mouth_with_eye={affected: 0.4}))
    closing = [row for row, weights in enumerate(plain) if weights.get("eyeBlink" + other, 0.0) > 0.8]
    assert len(closing) > 10
    assert all(joined[row]["mouthSmile" + affected] > 0.31 for row in closing if not frozen(joined[row], affected))
    assert all(a.get("mouthSmile" + other) == b.get("mouthSmile" + other) for a, b in zip(plain, joined, strict=True))


def test_a_movement_goes_on_top_of_the_rest() -> None:
    rest = {"mouthFrown_L": 0.2}
    still = Person(rest).keep_still(np.random.default_rng(0))
    assert still["mouthFrown_L"] == 0.2
    assert "mouthFrown_R" not in still
    plain, resting = drawn(Person()), drawn(Person(rest))
    for before, after in zip(plain, resting, strict=True):
        assert after["mouthFrown_L"] == pytest.approx(min(before.get("mouthFrown_L", 0.0) + 0.2, 1.0))


def test_a_face_at_rest_looks_almost_straight_ahead_and_hardly_moves() -> None:
    for seed in range(100):
        generator = np.random.default_rng(seed)
        still = Person.sample(generator).keep_still(generator)
        assert all(weight < 0.55 for weight in still.values())
        assert sum(weight for name, weight in still.items() if not name.startswith("eyeLook")) < 1.6


def test_both_eyes_look_the_same_way() -> None:
    for seed in range(50):
        weights = gaze(np.random.default_rng(seed), large=1.0)
        assert weights["eyeLookOut_L"] == weights["eyeLookIn_R"]
        assert weights["eyeLookIn_L"] == weights["eyeLookOut_R"]
        assert weights["eyeLookOut_L"] * weights["eyeLookIn_L"] == 0.0
        for way in ("Up", "Down"):
            assert weights[f"eyeLook{way}_L"] == weights[f"eyeLook{way}_R"]


def test_lids_meet_and_do_not_cross(model: FaceModel) -> None:
    """However tight the eye, however low the gaze. (The cheek may press the lower lid up further.)"""
    closed = {"eyeBlink_L": 1.0, "eyeSquint_L": 1.0, "eyeLookDown_L": 0.9}
    assert lid_gaps(model, closed)[0] < -3.0, "what is to be avoided"
    generator = np.random.default_rng(0)
    for weights in (closed, *({name: float(generator.uniform(0, weight)) for name, weight in closed.items()} for _ in range(30))):
        left, right = lid_gaps(model, possible(weights))
        assert left > -0.6
        assert right > OPEN_MM, "the other eye stays as it is"
    assert lid_gaps(model, possible(closed))[0] < 0.5, "and closes"


def test_a_closed_eye_is_not_wide_and_an_open_one_keeps_its_squint() -> None:
    assert possible({"eyeBlink_R": 1.0, "eyeWide_R": 1.0, "eyeWide_L": 1.0}) == {"eyeBlink_R": 1.0, "eyeWide_L": 1.0}
    assert possible({"eyeSquint_L": 0.8, "eyeBlink_R": 1.0}) == {"eyeSquint_L": 0.8, "eyeBlink_R": 1.0}


@pytest.mark.parametrize("base", ["mouthPress_L", "mouthPress_R", "mouthRollLower", "mouthRollUpper", "mouthShrugLower"])
def test_lips_that_are_apart_are_not_pressed(base: str) -> None:
    assert possible({base: 0.6}) == {base: 0.6}
    assert base not in possible({base: 0.6, "jawOpen": 0.5})
    assert 0.0 < possible({base: 0.6, "jawOpen": 0.1})[base] < 0.6


def test_now_and_then_one_side_does_nothing_not_even_with_the_whole_mouth() -> None:
    frames = drawn(Person())
    shares = {side: np.mean([frozen(weights, side) and "jawOpen" not in weights for weights in frames]) for side in (LEFT, RIGHT)}
    assert min(shares.values()) > 0.04
    halves = [weights for weights in frames if any(base + LEFT in weights for base in ONE_PIECE)]
    assert halves
    assert all(frozen(weights, RIGHT) and not set(ONE_PIECE) & set(weights) for weights in halves)


def test_a_weak_half_of_the_mouth_moves_less_in_one_piece_too() -> None:
    weak = drawn(Person(whole_mouth={LEFT: 0.5}))
    moved = [(weights.get("jawOpen" + LEFT, 0.0), weights.get("jawOpen" + RIGHT, 0.0)) for weights in weak]
    both = [(left, right) for left, right in moved if left and right < 1.0 and right]
    assert len(both) > 10
    assert all(left == pytest.approx(0.5 * right) for left, right in both)


def test_what_is_too_strong_or_negative_is_cut() -> None:
    assert possible({"jawOpen": 1.7, "mouthPucker": -0.2, "mouthSmile_L": 0.0}) == {"jawOpen": 1.0}
