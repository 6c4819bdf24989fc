"""Intensities of known expressions: the right column, the right side, the right scale."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.models.open_bank import PRESENCE_ABOVE
from face_mirror_au.records import ALL_AUS
from training.render.expressions import WITH_TEETH
from training.render.ict import LANDMARK_VERTICES, FaceModel
from training.render.targets import ACTION_UNITS, ONE_PIECE, PART_OF_SMILE, intensities, lip_gaps

# Written down a second time, from FACS, to hold against the module's.
TWO_SIDED = {
    "AU01": "browInnerUp", "AU02": "browOuterUp", "AU04": "browDown", "AU05": "eyeWide", "AU06": "cheekSquint", "AU07": "eyeSquint",
    "AU09": "noseSneer", "AU10": "mouthUpperUp", "AU12": "mouthSmile", "AU14": "mouthDimple", "AU15": "mouthFrown", "AU20": "mouthStretch",
    "AU23": "mouthPress", "AU45": "eyeBlink", "AU16": "mouthLowerDown", "AU34": "cheekPuff",
}  # fmt: skip
WHOLE = {"AU17": "mouthShrugLower", "AU18": "mouthPucker", "AU22": "mouthFunnel", "AU26": "jawOpen"}
# These part the lips, too.
PARTING = {"AU06", "AU09", "AU10", "AU16"}


def of(model: FaceModel, weights: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Action unit to left and right, as the tables show them; without those that are 0 on both sides but for the mesh's rounding."""
    values = np.clip(intensities(model, weights), 0.0, None)
    values[values < 0.01] = 0.0
    return {name: (float(left), float(right)) for name, (left, right) in zip(ACTION_UNITS, values.T, strict=True) if left > 0 or right > 0}


def test_the_order_is_that_of_the_tables(model: FaceModel) -> None:
    assert ACTION_UNITS == ALL_AUS
    assert intensities(model, {}).shape == (2, 22)
    assert not intensities(model, {}).any()


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(("name", "base"), TWO_SIDED.items())
def test_a_full_weight_is_5_on_its_side(model: FaceModel, name: str, base: str, side: int) -> None:
    found = of(model, {base + ("_L", "_R")[side]: 1.0})
    if name in PARTING:
        found.pop("AU25")
    assert found == {name: (5.0, 0.0) if side == 0 else (0.0, 5.0)}
    half = of(model, {base + ("_L", "_R")[side]: 0.5})
    assert half[name][side] == pytest.approx(2.5)


@pytest.mark.parametrize(("name", "base"), WHOLE.items())
def test_what_is_in_one_piece_is_5_on_both_sides(model: FaceModel, name: str, base: str) -> None:
    found = of(model, {base: 1.0})
    assert found.pop(name) == (5.0, 5.0)
    assert set(found) == ({"AU25"} if name in ("AU22", "AU26") else set())
    assert {*WHOLE, "AU28"} == set(ONE_PIECE)


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(("name", "base"), WHOLE.items())
def test_half_of_one_piece_is_5_on_its_side(model: FaceModel, name: str, base: str, side: int) -> None:
    found = of(model, {base + ("_L", "_R")[side]: 1.0})
    assert found[name] == ((5.0, 0.0), (0.0, 5.0))[side]


def test_rolled_lips_count_by_both(model: FaceModel) -> None:
    assert of(model, {"mouthRollLower": 1.0, "mouthRollUpper": 1.0}) == {"AU28": (5.0, 5.0)}
    assert of(model, {"mouthRollLower": 1.0}) == {"AU28": (2.5, 2.5)}


def test_a_movement_of_one_side_counts_half_for_the_whole_face(model: FaceModel) -> None:
    """The whole face is the mean of the sides, here and in the bank."""
    column = ACTION_UNITS.index("AU12")
    one, both = intensities(model, {"mouthSmile_R": 1.0}), intensities(model, {"mouthSmile_R": 1.0, "mouthSmile_L": 1.0})
    assert (one.mean(axis=0)[column], both.mean(axis=0)[column]) == (2.5, 5.0)


@pytest.mark.parametrize("shape", ["eyeLookDown_L", "eyeLookUp_L", "mouthLeft", "jawLeft"])
def test_other_shapes_are_no_action_unit(model: FaceModel, shape: str) -> None:
    assert not of(model, {shape: 1.0})


def test_a_gap_of_3_mm_is_1(model: FaceModel) -> None:
    weights = {"jawOpen": 0.3}
    heights = 10 * (model.vertices(None, weights) - model.mean)[LANDMARK_VERTICES, 1]
    left, right = (np.mean([heights[62] - heights[66], heights[a] - heights[b]]) for a, b in ((63, 65), (61, 67)))
    assert lip_gaps(model, weights) == pytest.approx([left, right], rel=1e-3)
    assert 7.0 < left < 11.0
    assert of(model, weights)["AU25"] == pytest.approx((left / 3, right / 3), rel=1e-3)


@pytest.mark.parametrize(
    "shape", ["mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPress_L", "mouthPress_R"]
)
def test_rolled_raised_or_pressed_lips_open_nothing(model: FaceModel, shape: str) -> None:
    """In the mesh they do part: the lips' vertices roll in."""
    assert lip_gaps(model, {shape: 1.0}).tolist() == [0.0, 0.0]
    jaw = lip_gaps(model, {"jawOpen": 0.2})
    assert lip_gaps(model, {"jawOpen": 0.2, shape: 1.0}) == pytest.approx(jaw), "nor do they close an open mouth"


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("base", ["mouthUpperUp", "mouthLowerDown"])
def test_one_lip_raised_or_lowered_on_one_side_opens_that_side_more(model: FaceModel, base: str, side: int) -> None:
    gaps = lip_gaps(model, {base + ("_L", "_R")[side]: 1.0})
    assert 3.0 < gaps[side] < 6.0
    assert gaps[1 - side] < 0.75 * gaps[side]


def test_lips_that_are_driven_into_each_other_are_no_negative_gap(model: FaceModel) -> None:
    assert (lip_gaps(model, {name: 1.0 for name in model.expression_names if name.startswith(("mouthSmile", "mouthFrown"))}) >= 0.0).all()


@pytest.mark.parametrize("sides", ["LR", "L", "R"])
@pytest.mark.parametrize("weight", [0.4, 0.7, 1.0])
def test_a_smile_that_shows_the_teeth_is_au12_and_au25(model: FaceModel, weight: float, sides: str) -> None:
    share = {base: weight * part for base, part in PART_OF_SMILE.items() if base not in WHOLE.values()}
    found = of(
        model,
        {base + "_" + side: value for base, value in {"mouthSmile": weight, **share}.items() for side in sides},
    )
    assert set(found) == {"AU12", "AU25"}
    assert set(PART_OF_SMILE) >= {"mouthUpperUp", "mouthDimple", "mouthStretch"}


def test_the_chin_is_one_piece_and_takes_the_mean_of_both_sides_smiles(model: FaceModel) -> None:
    part = PART_OF_SMILE["mouthShrugLower"]
    assert of(model, {"mouthShrugLower": 1.0, "mouthSmile_L": 1.0})["AU17"] == pytest.approx((5 * (1 - part / 2),) * 2)
    assert "AU17" not in of(model, {"mouthShrugLower": part, "mouthSmile_L": 1.0, "mouthSmile_R": 1.0})


def test_the_largest_smile_that_is_rendered_has_only_the_lower_lip_besides(model: FaceModel) -> None:
    weights = {"mouthSmile": 1.0} | {base: high for base, (_, high) in WITH_TEETH.items()}
    found = of(model, {base + side: weight for base, weight in weights.items() for side in ("_L", "_R")})
    assert {name for name, values in found.items() if max(values) > PRESENCE_ABOVE + 1e-9} == {"AU12", "AU16", "AU25"}


@pytest.mark.parametrize(("name", "base"), [("AU10", "mouthUpperUp"), ("AU14", "mouthDimple"), ("AU20", "mouthStretch")])
def test_what_goes_beyond_the_smile_of_that_side_counts(model: FaceModel, name: str, base: str) -> None:
    half = {"mouthSmile_L": 0.5, base + "_L": 1.0}
    assert of(model, half)[name] == (pytest.approx(5 * (1 - 0.5 * PART_OF_SMILE[base])), 0.0)
    assert of(model, {"mouthSmile_R": 1.0, base + "_L": 1.0})[name] == (5.0, 0.0), "a smile of the other side takes nothing away"
    assert name not in of(model, {"mouthSmile_L": 1.0, base + "_L": 0.9 * PART_OF_SMILE[base]})
