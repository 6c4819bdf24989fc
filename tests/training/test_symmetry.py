"""Left and right of FHOG and mesh, on flipped pictures and on meshes of rendered faces."""

from __future__ import annotations

import cv2
import faces_by_hand
import numpy as np
import pytest

from face_mirror_au.errors import ModelFileError
from face_mirror_au.models.attention_mesh import AttentionMesh
from face_mirror_au.numerics.fhog import extract_fhog
from face_mirror_au.numerics.mesh_shape import align_meshes
from face_mirror_au.records import Located
from training.render.appearance import Appearance
from training.render.clips import FRONTAL_LIGHT
from training.render.ict import IDENTITY_COUNT, FaceModel
from training.render.renderer import Pose, Scene, Studio, render
from training.symmetry import RIGID_POINTS, hog_order, mirrored_displacements, symmetric_reference

LEFT_EYE, RIGHT_EYE, LEFT_CORNER, RIGHT_CORNER, CHIN, NOSE_TIP, FOREHEAD = 263, 33, 291, 61, 152, 4, 10
IRISES = [(468, 473), (470, 475), (472, 477)]  # centre, top, bottom


def aligned_face(seed):
    """A smooth random picture of the size of an aligned face."""
    small = np.random.default_rng(seed).uniform(0, 255, (14, 14, 3)).astype(np.float32)
    return np.clip(cv2.resize(small, (112, 112), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def test_the_order_is_its_own_inverse():
    order = hog_order()
    assert sorted(order) == list(range(4464))
    np.testing.assert_array_equal(order[order], np.arange(4464))
    assert (order != np.arange(4464)).mean() > 0.9


@pytest.mark.parametrize("seed", range(4))
def test_the_order_gives_the_fhog_of_the_flipped_picture(seed):
    face = aligned_face(seed)
    of_face, of_flipped = extract_fhog(face), extract_fhog(np.ascontiguousarray(face[:, ::-1]))
    reordered = of_face[hog_order()]
    assert np.corrcoef(of_flipped, reordered)[0, 1] > 0.995
    assert np.abs(of_flipped - reordered).mean() < 0.004
    assert np.abs(of_flipped - of_face).mean() > 0.02, "and it is not the same to begin with"
    # Channel by channel, so that a wrong one does not hide among 31.
    for channel in range(31):
        a, b = of_flipped.reshape(144, 31)[:, channel], reordered.reshape(144, 31)[:, channel]
        assert np.corrcoef(a, b)[0, 1] > 0.98, channel


@pytest.fixture(scope="module")
def meshes(shared_file):
    """Faces at rest that look at the camera, measured on renders: (6, 478, 3)."""
    studio = Studio(FaceModel.load(shared_file("faces3d/ict.npz")))
    model = AttentionMesh(shared_file("weights/mediapipe-open/face_landmark_attention_fp16w.onnx"))
    random = np.random.default_rng(3)
    measured = []
    for _ in range(6):
        rest = studio.model.identity(random.normal(0, 0.3, IDENTITY_COUNT))
        scene = Scene([studio.subject(rest, Appearance(), Pose(distance=45))], lights=FRONTAL_LIGHT, background=(120, 120, 120))
        image, (landmarks,) = render(scene, (400, 400))
        measured.append(model.locate(image, model.region_from_landmarks(Located(landmarks, 1.0))).mesh)
    return np.array(measured)


def test_the_reference_is_symmetric_in_mm_and_looks_at_the_camera(meshes):
    reference, partner = symmetric_reference(meshes)
    assert reference.shape == (478, 3)
    np.testing.assert_allclose(reference[partner], reference * (-1, 1, 1), atol=1e-9)
    assert reference[LEFT_EYE, 0] == pytest.approx(45.0)
    assert reference[RIGHT_EYE, 0] == pytest.approx(-45.0)
    assert reference[CHIN, 1] > 60 > -40 > reference[FOREHEAD, 1], "y down"
    assert reference[NOSE_TIP, 2] < reference[[LEFT_EYE, RIGHT_EYE], 2].min() - 10, "z away from the camera"
    assert abs(reference[CHIN, 0]) < 1e-9


def test_partners_are_the_same_part_of_the_other_side(meshes):
    _, partner = symmetric_reference(meshes)
    assert sorted(partner) == list(range(478))
    np.testing.assert_array_equal(partner[partner], np.arange(478))
    assert (partner[LEFT_EYE], partner[LEFT_CORNER], partner[CHIN], partner[NOSE_TIP]) == (RIGHT_EYE, RIGHT_CORNER, CHIN, NOSE_TIP)
    assert [partner[right] for right, _ in IRISES] == [left for _, left in IRISES]
    assert set(partner[RIGID_POINTS]) == set(RIGID_POINTS), "a mesh and its mirror image are laid on the reference by the same points"
    assert 15 < (partner == np.arange(478)).sum() < 60


def test_the_reference_does_not_depend_on_how_the_faces_lie(meshes):
    reference, partner = symmetric_reference(meshes)
    other, its_partner = symmetric_reference(meshes * 0.5 + 40)
    np.testing.assert_allclose(other, reference, atol=1e-3)
    np.testing.assert_array_equal(its_partner, partner)


def test_a_mirrored_face_has_mirrored_displacements(meshes):
    reference, partner = symmetric_reference(meshes)
    mirrored = (meshes * (-1, 1, 1))[:, partner]
    of_faces, of_mirrored = (align_meshes(each, reference, RIGID_POINTS) - reference for each in (meshes, mirrored))
    assert np.abs(of_faces).max() > 1.0
    np.testing.assert_allclose(of_mirrored, mirrored_displacements(of_faces, partner), atol=1e-9)
    np.testing.assert_array_equal(mirrored_displacements(mirrored_displacements(of_faces, partner), partner), of_faces)
    raised = np.zeros((478, 3))
    raised[LEFT_CORNER] = (3.0, -5.0, 1.0)
    there = mirrored_displacements(raised, partner)
    assert there[RIGHT_CORNER].tolist() == [-3.0, -5.0, 1.0]
    assert np.flatnonzero(there.any(axis=1)).tolist() == [RIGHT_CORNER]


def test_partners_of_a_cloud_made_by_hand_are_found():
    random = np.random.default_rng(0)
    points, partner = faces_by_hand.symmetric_points(random)
    seen = np.array([faces_by_hand.seen(points + random.normal(0, 0.2, points.shape), random) for _ in range(10)])
    reference, found = symmetric_reference(seen)
    np.testing.assert_array_equal(found, partner)
    eyes = np.linalg.norm(points[LEFT_EYE] - points[RIGHT_EYE])
    distances = np.linalg.norm(points[:, None] - points, axis=2) * 90 / eyes
    np.testing.assert_allclose(np.linalg.norm(reference[:, None] - reference, axis=2), distances, rtol=0.03, atol=3.0)


def test_a_mesh_that_does_not_pair_up_is_refused(meshes):
    shuffled = np.concatenate([meshes[:, :300], meshes[:, 300:][:, np.random.default_rng(1).permutation(178)]], axis=1)
    with pytest.raises(ModelFileError, match="do not pair up left and right"):
        symmetric_reference(shuffled)
    with pytest.raises(ModelFileError, match="do not pair up"):
        symmetric_reference(np.random.default_rng(1).normal(size=(3, 478, 3)))
