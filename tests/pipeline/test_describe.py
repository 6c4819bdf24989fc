"""The descriptor of a face with and without the points of a mesh."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.errors import LandmarksError
from face_mirror_au.models.openface_files import read_pdm, read_triangles
from face_mirror_au.numerics.mesh_shape import MeshShape
from face_mirror_au.pipeline.describer import FaceDescriber
from face_mirror_weights import open_models

MODES = 5


@pytest.fixture(scope="module")
def mesh_shape():
    random = np.random.default_rng(1)
    basis = np.linalg.qr(random.normal(size=(3 * 478, MODES)))[0].T
    return MeshShape(random.normal(0, 40, (478, 3)), np.arange(0, 478, 9), basis)


@pytest.fixture(scope="module")
def face():
    """Picture, landmarks, mesh."""
    pdm = read_pdm(open_models.PDM)
    random = np.random.default_rng(2)
    landmarks = pdm.project(np.array([2.0, 0.1, 0.0, 0.0, 320.0, 240.0]), np.zeros(pdm.n_modes))
    image = random.integers(0, 256, (480, 640, 3), dtype=np.uint8)
    return image, landmarks, random.normal(200, 60, (478, 3)).astype(np.float32)


def describer(mesh_shape=None):
    return FaceDescriber(read_pdm(open_models.PDM), read_triangles(open_models.TRIANGLES), mesh_shape=mesh_shape)


def test_the_meshs_parameters_follow_the_geometry(mesh_shape, face):
    image, landmarks, mesh = face
    plain, with_mesh = describer().describe(image, landmarks), describer(mesh_shape).describe(image, landmarks, mesh=mesh)
    assert plain.geometry.shape == (238,)
    assert with_mesh.geometry.shape == (238 + MODES,)
    np.testing.assert_array_equal(with_mesh.geometry[:238], plain.geometry)
    np.testing.assert_array_equal(with_mesh.geometry[238:], mesh_shape.parameters(mesh))
    assert np.abs(with_mesh.geometry[238:]).min() > 0.0
    np.testing.assert_array_equal(with_mesh.hog, plain.hog)
    np.testing.assert_array_equal(with_mesh.pose, plain.pose)


def test_a_mesh_that_nobody_asked_for_changes_nothing(face):
    image, landmarks, mesh = face
    assert describer().describe(image, landmarks, mesh=mesh).geometry.shape == (238,)


def test_landmarks_without_a_mesh_are_refused_in_one_line_that_says_what_to_do(mesh_shape, face):
    image, landmarks, _ = face
    with pytest.raises(LandmarksError, match=r"478 points.*these landmarks came without.*profile hybrid or openface") as raised:
        describer(mesh_shape).describe(image, landmarks)
    assert "\n" not in str(raised.value)
