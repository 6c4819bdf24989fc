"""Alignment, mask and FHOG."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.errors import FrameError, LandmarksError
from face_mirror_au.models.openface_files import read_pdm, read_triangles
from face_mirror_au.numerics.alignment import RIGID_POINTS, Aligner
from face_mirror_au.numerics.fhog import OWN, PYFHOG, extract_fhog
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_weights import open_models


@pytest.fixture(scope="module")
def pdm():
    return read_pdm(open_models.PDM)


@pytest.fixture(scope="module")
def aligner(pdm):
    return Aligner(pdm, read_triangles(open_models.TRIANGLES))


def _landmarks(pdm, scale=2.0, roll=0.0, x=320.0, y=240.0):
    return pdm.project(np.array([scale, 0.0, 0.0, roll, x, y]), np.zeros(pdm.n_modes))


@pytest.mark.parametrize(("scale", "roll"), [(2.0, 0.0), (1.0, 0.5), (3.5, -0.8)])
def test_transform_undoes_scale_roll_and_place(pdm, aligner, scale, roll):
    points = _landmarks(pdm, scale, roll)
    matrix = aligner.transform(points, PoseFitter(pdm).fit(points).pose)
    upright = points @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(upright, pdm.mean[:2].T * 0.7 + 56.0, atol=0.3)


def test_outside_the_mask_and_the_frame_is_black(pdm, aligner):
    points = _landmarks(pdm, x=30.0)  # the subject's right half lies beyond the left edge
    aligned = aligner.align(np.full((480, 640, 3), 200, np.uint8), points, PoseFitter(pdm).fit(points).pose)
    assert aligned.shape == (112, 112, 3)
    assert aligned.flags.c_contiguous
    assert (aligned[60:70, 70:80] == 200).all(), "the cheek inside the frame"
    assert (aligned[60:70, 20:30] == 0).all(), "the cheek beyond the edge"
    assert (aligned[-1, 0] == 0).all(), "below the jaw"


def test_the_mask_reaches_30_px_above_the_brows(pdm):
    small = PDM(pdm.mean * 0.6, pdm.components, pdm.eigenvalues)  # so that the forehead lies inside the picture
    points = _landmarks(small)
    aligner = Aligner(small, read_triangles(open_models.TRIANGLES))
    aligned = aligner.align(np.full((480, 640, 3), 255, np.uint8), points, PoseFitter(small).fit(points).pose)
    outer_end_x, outer_end_y = small.mean[:2, 17] * 0.7 + 56.0
    top = np.flatnonzero(aligned[:, round(outer_end_x), 0])[0]
    assert top == pytest.approx(outer_end_y - 30.0, abs=2.0)


@pytest.mark.parametrize(
    "face",
    [
        np.zeros((112, 112, 3), np.float32),
        np.zeros((112, 112), np.uint8),
        np.zeros((96, 96, 3), np.uint8),
        np.zeros((112, 224, 3), np.uint8)[:, ::2],
        np.zeros((112, 112, 3), np.uint8)[:, :, ::-1],
    ],
    ids=["float", "grey", "small", "strided", "channels reversed"],
)
@pytest.mark.parametrize("program", [OWN, PYFHOG])
def test_fhog_refuses_what_pyfhog_would_read_wrongly(face, program):
    with pytest.raises(FrameError, match="contiguous"):
        extract_fhog(face, program)


def test_fhog_tells_vertical_from_horizontal_edges():
    stripes = np.zeros((112, 112, 3), np.uint8)
    stripes[:, ::8] = 255
    upright = extract_fhog(stripes).reshape(12, 12, 31)
    lying = extract_fhog(np.ascontiguousarray(stripes.transpose(1, 0, 2))).reshape(12, 12, 31)
    assert upright.dtype == np.float32
    insensitive = upright[6, 6, 18:27], lying[6, 6, 18:27]
    assert insensitive[0].argmax() != insensitive[1].argmax()


def test_refuses_rigid_points_that_fall_together(pdm, aligner):
    points = _landmarks(pdm)
    points[RIGID_POINTS] = 300.0, 200.0
    pose = PoseFitter(pdm).fit(points).pose
    with pytest.raises(LandmarksError, match="brows, eyes and nose fall together"):
        aligner.align(np.zeros((480, 640, 3), np.uint8), points, pose)
