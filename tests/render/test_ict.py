"""The mesh's conventions: which side is which, and that each one-sided shape moves its own side only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from face_mirror_weights.errors import WeightsError
from training.render.ict import LANDMARK_VERTICES, FaceModel, expression

# The shapes that stand for action units.
BROWS_AND_EYES = ("browInnerUp", "browOuterUp", "browDown", "eyeWide", "cheekSquint", "eyeSquint", "eyeBlink", "noseSneer")
MOUTH = ("mouthUpperUp", "mouthSmile", "mouthDimple", "mouthFrown", "mouthStretch", "mouthPress", "mouthLowerDown")
ONE_SIDED = BROWS_AND_EYES + MOUTH
WHOLE = ("jawOpen", "mouthShrugUpper", "mouthShrugLower", "mouthRollLower", "mouthRollUpper")


def test_expressions_that_stand_for_action_units_are_there(model: FaceModel) -> None:
    names = set(model.expression_names)
    assert len(names) == 57
    assert {f"{base}_{side}" for base in ONE_SIDED for side in "LR"} | set(WHOLE) <= names


def test_expression_helper_names_exist(model: FaceModel) -> None:
    weights = expression(left={"mouthSmile": 1.0}, right={"eyeBlink": 0.5})
    assert weights == {"mouthSmile_L": 1.0, "eyeBlink_R": 0.5}
    assert set(weights) <= set(model.expression_names)


@pytest.mark.parametrize("base", ONE_SIDED)
def test_shape_moves_its_own_side(model: FaceModel, base: str) -> None:
    moved = {side: np.linalg.norm(model.expression_shapes[model.expression_names.index(f"{base}_{side}")], axis=1) for side in "LR"}
    of_left = model.mean[:, 0] > 0
    assert moved["L"][of_left].sum() > 0.75 * moved["L"].sum()
    assert moved["R"][~of_left].sum() > 0.75 * moved["R"].sum()
    assert moved["L"].sum() == pytest.approx(moved["R"].sum(), rel=0.05)


def test_subjects_left_is_positive_x(model: FaceModel) -> None:
    points = model.mean[LANDMARK_VERTICES]
    assert points[36, 0] < points[39, 0] < 0 < points[42, 0] < points[45, 0]
    assert points[48, 0] < 0 < points[54, 0]
    assert points[8, 1] == points[:17, 1].min()
    assert points[30, 2] == points[:, 2].max()


def test_left_smile_raises_the_left_mouth_corner(model: FaceModel) -> None:
    rest, smile = (model.vertices(None, weights)[LANDMARK_VERTICES] for weights in (None, expression(left={"mouthSmile": 1.0})))
    rise = smile[:, 1] - rest[:, 1]
    assert rise[54] > 0.5
    assert abs(rise[48]) < 0.1


def test_left_blink_closes_the_left_eye(model: FaceModel) -> None:
    points = model.vertices(None, expression(left={"eyeBlink": 1.0}))[LANDMARK_VERTICES]
    rest = model.mean[LANDMARK_VERTICES]
    assert points[[43, 44], 1].mean() - points[[46, 47], 1].mean() < 0.3
    assert points[[37, 38], 1].mean() == pytest.approx(rest[[37, 38], 1].mean(), abs=0.02)


def test_identities_and_expressions_add_up(model: FaceModel) -> None:
    identity = np.zeros(20)
    identity[3] = 2.0
    face = model.vertices(identity, {"jawOpen": 0.5})
    wanted = model.mean + 2 * model.identity_shapes[3] + 0.5 * model.expression_shapes[model.expression_names.index("jawOpen")]
    assert face.dtype == np.float32
    np.testing.assert_allclose(face, wanted, atol=1e-5)


def test_expressing_leaves_the_mean_face_alone(model: FaceModel) -> None:
    before = model.mean.copy()
    model.vertices(None, {"jawOpen": 1.0})
    np.testing.assert_array_equal(model.mean, before)


def test_surfaces_that_would_hide_the_eyes_are_left_out(model: FaceModel) -> None:
    assert not len(model.material_triangles("M_EyeBlend", "M_EyeOcclusion", "M_LacrimalFluid", "M_EyeLashes"))
    left_centre = model.eye_centres[0]
    white = model.mean[model.triangles[model.material_triangles("M_ScleraLeft")]].mean(axis=1)
    in_front_of_iris = (white[:, 2] > left_centre[2]) & (np.hypot(*(white - left_centre)[:, :2].T) < 0.5)
    assert len(white) > 500
    assert not in_front_of_iris.any()


def test_unknown_expression_is_named(model: FaceModel) -> None:
    with pytest.raises(KeyError, match="mouthSmyle_L"):
        model.vertices(None, {"mouthSmyle_L": 1.0})


def test_wrong_number_of_identity_coefficients(model: FaceModel) -> None:
    with pytest.raises(ValueError, match="expected"):
        model.vertices(np.zeros(19))


def test_missing_mesh_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="ICT-FaceKit"):
        FaceModel.load(tmp_path / "ict.npz")


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut short"])
def test_file_that_is_no_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ict.npz"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="not the face mesh"):
        FaceModel.load(path)


def test_another_mesh_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ict.npz"
    empty = np.zeros((3, 3), np.float32)
    np.savez(path, V=empty, VT=empty, T=empty, TT=empty, TM=empty, mats=empty, ex=empty, exn=empty, idn=empty)
    with pytest.raises(WeightsError, match="another mesh"):
        FaceModel.load(path)
