"""CalcParams on any face: what turning, shifting, scaling and mirroring the landmarks does to the fit, and what not.

Tolerances are some five times the largest difference among 400 random faces (noise of up to 1.5 px on landmarks of 100 to 400 px).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_mirror_au.models.openface_files import read_pdm
from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics._kernels import pose_numpy
from face_mirror_au.numerics.pdm import PDM, rotation_from_euler
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_au.numerics.reflection import LEFT_POINTS, RIGHT_POINTS
from face_mirror_weights import open_models

CENTRE = np.array([320.0, 240.0])
few = settings(max_examples=30)


@cache
def pdm():
    return read_pdm(open_models.PDM)


@cache
def fitter():
    return PoseFitter(pdm())


@st.composite
def faces(draw):
    """Landmarks (68, 2) of any person with any expression, up to 30 degrees from the front, located with an error of up to 1.5 px."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    local = np.clip(random.normal(size=pdm().n_modes), -2, 2) * np.sqrt(pdm().eigenvalues)
    pose = np.array(
        [draw(st.floats(1.0, 3.0)), draw(st.floats(-0.4, 0.4)), draw(st.floats(-0.5, 0.5)), draw(st.floats(-0.3, 0.3)), *CENTRE]
    )
    return pdm().project(pose, local) + random.normal(size=(68, 2)) * draw(st.floats(0.0, 1.5))


def turn_between(first, second):
    """Degrees between two rotations."""
    return np.degrees(np.arccos(np.clip((np.trace(first.T @ second) - 1.0) / 2.0, -1.0, 1.0)))


def in_deviations(local):
    return np.abs(local / np.sqrt(pdm().eigenvalues)).max()


@few
@given(faces(), st.floats(-0.5, 0.5))
def test_a_turn_in_the_picture_turns_the_head_about_the_cameras_axis_alone(points, angle):
    c, s = np.cos(angle), np.sin(angle)
    in_picture, about_camera = np.array([[c, -s], [s, c]]), np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    before, after = fitter().fit(points), fitter().fit((points - CENTRE) @ in_picture.T + CENTRE)
    expected = about_camera @ rotation_from_euler(before.pose[1:4])
    assert turn_between(expected, rotation_from_euler(after.pose[1:4])) < 0.01
    assert after.pose[0] == pytest.approx(before.pose[0], rel=1e-4)
    assert in_deviations(after.local - before.local) < 0.005
    np.testing.assert_allclose(after.pose[4:] - CENTRE, in_picture @ (before.pose[4:] - CENTRE), atol=3e-3)
    assert after.error == pytest.approx(before.error, abs=1e-4)


@few
@given(st.floats(1.0, 3.0), st.floats(-0.5, 0.5))
def test_a_turn_of_a_frontal_face_changes_rz_alone(scale, angle):
    fit = fitter().fit(pdm().project(np.array([scale, 0.0, 0.0, angle, *CENTRE]), np.zeros(pdm().n_modes)))
    np.testing.assert_allclose(fit.pose[1:4], [0.0, 0.0, angle], atol=1e-5)
    assert fit.pose[0] == pytest.approx(scale, rel=1e-5)


@few
@given(faces(), st.floats(-300.0, 300.0), st.floats(-300.0, 300.0))
def test_a_shift_changes_the_place_alone(points, x, y):
    way = np.array([x, y])
    before, after = fitter().fit(points), fitter().fit(points + way)
    np.testing.assert_allclose(after.pose[:4], before.pose[:4], rtol=0, atol=1e-8)
    np.testing.assert_allclose(after.local, before.local, rtol=0, atol=1e-7)
    np.testing.assert_allclose(after.pose[4:], before.pose[4:] + way, rtol=0, atol=1e-8)


@few
@given(faces(), st.floats(0.5, 2.0))
def test_a_larger_picture_changes_the_scale_alone_when_the_variances_are_scaled_along(points, factor):
    """The variances weigh the shape against residuals in pixels: of a face k times as large they count k squared times as much."""
    scaled = PoseFitter(PDM(pdm().mean, pdm().components, pdm().eigenvalues / factor**2))
    before, after = fitter().fit(points), scaled.fit(points * factor)
    np.testing.assert_allclose(after.pose, before.pose * [factor, 1.0, 1.0, 1.0, factor, factor], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(after.local, before.local, rtol=0, atol=1e-7)
    assert after.error == pytest.approx(before.error * factor, rel=1e-8)


@few
@given(faces(), st.floats(0.5, 2.0))
def test_a_larger_picture_changes_little_else_as_openface_weighs_the_shape(points, factor):
    before, after = fitter().fit(points), fitter().fit(points * factor)
    assert turn_between(rotation_from_euler(before.pose[1:4]), rotation_from_euler(after.pose[1:4])) < 3.0
    assert after.pose[0] == pytest.approx(before.pose[0] * factor, rel=0.1)
    np.testing.assert_allclose(after.pose[4:], before.pose[4:] * factor, rtol=0, atol=5e-3)


def mirrored(points):
    """The landmarks in the mirror image of a picture of 640 px, in iBUG's order again."""
    swapped = points.copy()
    swapped[LEFT_POINTS], swapped[RIGHT_POINTS] = points[RIGHT_POINTS], points[LEFT_POINTS]
    return swapped * [-1.0, 1.0] + [640.0, 0.0]


@cache
def mirrored_fitter():
    """Of the mirror image of our PDM, which is not quite symmetric: its points differ by up to 0.043 mm."""
    swap = np.arange(68)
    swap[LEFT_POINTS], swap[RIGHT_POINTS] = RIGHT_POINTS, LEFT_POINTS
    sign = np.array([-1.0, 1.0, 1.0])[:, None]
    components = np.ascontiguousarray(pdm().components[:, swap] * sign[:, :, None])
    return PoseFitter(PDM(np.ascontiguousarray(pdm().mean[:, swap] * sign), components, pdm().eigenvalues))


MIRROR = np.array([1.0, 1.0, -1.0, -1.0, -1.0, 1.0])
AT = np.array([0.0, 0.0, 0.0, 0.0, 640.0, 0.0])


@few
@given(faces())
def test_a_mirror_image_turns_the_head_the_other_way(points):
    pose = fitter().fit(points).pose * MIRROR + AT
    np.testing.assert_allclose(mirrored_fitter().fit(mirrored(points)).pose, pose, rtol=0, atol=1e-9)
    ours = fitter().fit(mirrored(points)).pose
    np.testing.assert_allclose(ours[1:4], pose[1:4], rtol=0, atol=0.01)
    assert ours[0] == pytest.approx(pose[0], rel=0.05)
    np.testing.assert_allclose(ours[4:], pose[4:], rtol=0, atol=1e-3)


@pytest.mark.skipif("numpy" in _kernels.loaded.values(), reason="the package was installed without compiled kernels")
@few
@given(faces(), st.sets(st.integers(0, 67), max_size=20))
def test_the_compiled_fit_is_the_twins(points, hidden):
    points[list(hidden), 0] = 0.0
    compiled = fitter().fit(points)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_kernels, "pose", pose_numpy)
        twin = PoseFitter(pdm()).fit(points)
    assert compiled.iterations == twin.iterations
    np.testing.assert_allclose(compiled.pose, twin.pose, rtol=0, atol=1e-7)
    np.testing.assert_allclose(compiled.local, twin.local, rtol=0, atol=1e-6)
