"""Mesh shapes: what position, size and direction change, and what they do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_mirror_au.numerics.mesh_shape import MeshShape, align_meshes
from face_mirror_au.numerics.pdm import rotation_from_euler

N, RIGID = 60, np.arange(0, 60, 3)
MIRROR = np.array([-1.0, 1.0, 1.0])
# Points 2 i and 2 i + 1 are mirror images, the last ten lie on the midline.
PARTNER = np.concatenate([np.arange(50) ^ 1, np.arange(50, 60)])


def symmetric_points(random):
    points = random.normal(0, 40, (N, 3))
    points[50:, 0] = 0.0
    return (points + points[PARTNER] * MIRROR) / 2


@pytest.fixture(scope="module")
def shape():
    random = np.random.default_rng(5)
    rigid = np.unique(np.concatenate([RIGID, PARTNER[RIGID]]))
    basis = np.linalg.qr(random.normal(size=(3 * N, 6)))[0].T
    return MeshShape(symmetric_points(random), rigid, basis)


@pytest.fixture(scope="module")
def moved(shape):
    """A face that differs from the reference at all points, the rigid ones included."""
    return shape.reference + np.random.default_rng(6).normal(0, 3, (N, 3))


ANGLES = st.floats(-np.pi, np.pi)
PLACES = st.floats(-2000, 2000)


@settings(deadline=None, max_examples=60)
@given(scale=st.floats(0.05, 50), turn=st.tuples(ANGLES, ANGLES, ANGLES), shift=st.tuples(PLACES, PLACES, PLACES))
def test_parameters_do_not_depend_on_size_direction_and_place(shape, moved, scale, turn, shift):
    seen = scale * moved @ rotation_from_euler(np.array(turn)) + shift
    np.testing.assert_allclose(shape.parameters(seen), shape.parameters(moved), atol=1e-6)
    assert np.abs(shape.parameters(moved)).max() > 0.1


def test_the_reference_has_no_shape(shape):
    np.testing.assert_allclose(shape.parameters(shape.reference), 0.0, atol=1e-12)
    np.testing.assert_allclose(shape.parameters((3 * shape.reference + 100).astype(np.float32)), 0.0, atol=1e-5)


def test_a_parameter_is_mm_root_mean_square_over_the_points(shape):
    """Of a displacement that leaves the rigid points where they are."""
    basis = np.zeros((1, N, 3))
    free = np.setdiff1d(np.arange(N), shape.rigid)
    basis[0, free, 1] = 1 / np.sqrt(len(free))
    of_free = MeshShape(shape.reference, shape.rigid, basis.reshape(1, -1))
    lowered = shape.reference.copy()
    lowered[free, 1] += 2.0
    assert of_free.parameters(lowered)[0] == pytest.approx(2.0 * np.sqrt(len(free) / N))
    lowered[free, 1] -= 4.0
    assert of_free.parameters(lowered)[0] == pytest.approx(-2.0 * np.sqrt(len(free) / N))


def test_a_mirrored_mesh_has_mirrored_parameters(shape, moved):
    mirrored = (moved * MIRROR)[PARTNER] * 0.7 + (900, -20, 5)
    of_face = align_meshes(moved, shape.reference, shape.rigid) - shape.reference
    of_mirror = align_meshes(mirrored, shape.reference, shape.rigid) - shape.reference
    np.testing.assert_allclose(of_mirror, (of_face * MIRROR)[PARTNER], atol=1e-9)
    flipped = MeshShape(shape.reference, shape.rigid, (shape.basis.reshape(-1, N, 3) * MIRROR)[:, PARTNER].reshape(len(shape.basis), -1))
    np.testing.assert_allclose(flipped.parameters(mirrored), shape.parameters(moved), atol=1e-9)
    assert np.abs(shape.parameters(mirrored) - shape.parameters(moved)).max() > 0.1


def test_several_meshes_at_once_are_as_one_by_one(shape, moved):
    meshes = np.stack([moved, 2 * shape.reference + 7, moved * 3 - 50]).astype(np.float32)
    together = shape.parameters(meshes)
    assert together.shape == (3, 6)
    assert together.dtype == np.float64
    for mesh, alone in zip(meshes, together, strict=True):
        np.testing.assert_allclose(shape.parameters(mesh), alone, atol=1e-12)
    assert shape.parameters(np.stack([meshes, meshes])).shape == (2, 3, 6)


def test_only_the_rigid_points_decide_where_a_mesh_lies(shape):
    free = np.setdiff1d(np.arange(N), shape.rigid)
    bent = shape.reference.copy()
    bent[free] += 25.0
    np.testing.assert_allclose(align_meshes(bent, shape.reference, shape.rigid), bent, atol=1e-9)
    bent[shape.rigid] += 25.0
    np.testing.assert_allclose(align_meshes(bent, shape.reference, shape.rigid)[free], shape.reference[free], atol=1e-9)


@pytest.mark.parametrize("depth", [1.0, 1e-3, 0.0])
def test_a_mesh_is_turned_and_never_reflected(depth):
    """A mirror image of nearly flat points would lie closer if they were turned inside out."""
    random = np.random.default_rng(2)
    flat = random.normal(0, 40, (N, 3)) * (1, 1, depth)
    inside_out = flat * (1, 1, -1)
    everything = np.arange(N)
    aligned = align_meshes(inside_out, flat, everything)
    # The similarity that was found, from four points that are no plane.
    probe = np.concatenate([inside_out, np.eye(3) * 10, np.zeros((1, 3))])
    laid = align_meshes(probe, flat, everything)[-4:]
    linear = (laid[:3] - laid[3]) / 10
    assert np.linalg.det(linear) > 0
    scale = np.cbrt(np.linalg.det(linear))
    np.testing.assert_allclose(linear @ linear.T, scale**2 * np.eye(3), atol=1e-9)
    if depth < 1:
        np.testing.assert_allclose(aligned[:, :2], flat[:, :2], atol=0.1)
        assert scale == pytest.approx(1.0, abs=1e-3)


def test_the_scale_of_a_mirror_image_is_the_one_of_least_squares():
    """Umeyama's: with a reflection left out, the points are drawn smaller."""
    random = np.random.default_rng(3)
    points = random.normal(0, 40, (N, 3))
    everything = np.arange(N)
    target = points * MIRROR
    aligned = align_meshes(points, target, everything)
    middle = target.mean(axis=0)
    error = ((aligned - target) ** 2).sum()
    for factor in (0.98, 1.02):
        assert (((aligned - middle) * factor + middle - target) ** 2).sum() > error
