"""CalcParams on landmarks whose pose and shape are known."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.errors import LandmarksError
from face_mirror_au.models.openface_files import read_pdm
from face_mirror_au.numerics.pdm import euler_from_rotation, rotation_from_euler
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_weights import open_models


@pytest.fixture(scope="module")
def pdm():
    return read_pdm(open_models.PDM)


@pytest.fixture(scope="module")
def fitter(pdm):
    return PoseFitter(pdm)


def test_recovers_a_known_pose(pdm, fitter):
    pose = np.array([2.0, 0.15, -0.25, 0.3, 310.0, 220.0])
    fit = fitter.fit(pdm.project(pose, np.zeros(pdm.n_modes)))
    np.testing.assert_allclose(fit.pose[:1], pose[:1], rtol=2e-3)
    np.testing.assert_allclose(fit.pose[1:4], pose[1:4], atol=5e-3)
    np.testing.assert_allclose(fit.pose[4:], pose[4:], atol=0.2)
    assert fit.error < 0.05
    assert 5 < fit.iterations < 40


def test_error_is_the_rms_distance_in_pixels(pdm, fitter):
    points = pdm.project(np.array([2.0, 0.0, 0.0, 0.0, 300.0, 200.0]), np.zeros(pdm.n_modes))
    points[30] += [40.0, 0.0]
    fit = fitter.fit(points)
    distances = np.linalg.norm(pdm.project(fit.pose, fit.local) - points, axis=1)
    assert fit.error == pytest.approx(np.sqrt(np.mean(distances**2)), rel=1e-12)
    assert fit.error > 0.5


def test_scale_and_shift_of_the_picture_only_change_scale_and_translation(pdm, fitter):
    random = np.random.default_rng(4)
    points = pdm.project(np.array([2.0, 0.1, 0.2, -0.1, 300.0, 200.0]), random.normal(size=pdm.n_modes) * np.sqrt(pdm.eigenvalues))
    first, second = fitter.fit(points), fitter.fit(points * 1.0 + [50.0, -20.0])
    np.testing.assert_allclose(second.pose[4:] - first.pose[4:], [50.0, -20.0], atol=1e-6)
    np.testing.assert_allclose(second.local, first.local, atol=1e-6)


def test_an_invisible_point_drops_out(pdm, fitter):
    points = pdm.project(np.array([2.0, 0.0, 0.1, 0.0, 300.0, 200.0]), np.zeros(pdm.n_modes))
    whole = fitter.fit(points)
    points[8] = [0.0, 9999.0]
    hidden = fitter.fit(points)
    np.testing.assert_allclose(hidden.pose, whole.pose, atol=0.05)


def test_refuses_landmarks_without_extent(fitter):
    with pytest.raises(LandmarksError, match="no extent"):
        fitter.fit(np.full((68, 2), 5.0))
    with pytest.raises(LandmarksError, match="fewer than 3"):
        fitter.fit(np.zeros((68, 2)))


@pytest.mark.parametrize("euler", [(0.0, 0.0, 0.0), (0.3, -0.4, 0.5), (-1.0, 0.7, -0.2)])
def test_euler_angles_round_trip(euler):
    rotation = rotation_from_euler(np.array(euler))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-15)
    np.testing.assert_allclose(euler_from_rotation(rotation), euler, atol=1e-12)


def test_rotation_is_rx_ry_rz():
    x, y, z = (rotation_from_euler(np.array(angles)) for angles in ((0.3, 0, 0), (0, -0.4, 0), (0, 0, 0.5)))
    np.testing.assert_allclose(rotation_from_euler(np.array([0.3, -0.4, 0.5])), x @ y @ z, atol=1e-15)


@pytest.mark.parametrize("place", [1e300, -2e6, np.nan, np.inf])
@pytest.mark.parametrize("axis", [0, 1])
def test_refuses_landmarks_that_lie_nowhere(pdm, fitter, place, axis):
    points = pdm.project(np.array([2.0, 0.0, 0.1, 0.0, 300.0, 200.0]), np.zeros(pdm.n_modes))
    points[30, axis] = place
    with pytest.raises(LandmarksError, match="not finite, or farther than 1,000,000 pixels"):
        fitter.fit(points)
