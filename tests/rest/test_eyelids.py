"""Openings and closures of the eyes from points on the lids."""

from __future__ import annotations

import numpy as np
import pytest
from made_faces import FACE

from face_mirror_au.numerics.eyelids import LANDMARK_EYES, eye_closures, eye_openings, lids_allow
from face_mirror_au.numerics.reflection import LEFT_POINTS

SCALE = np.array(1.0)
LEFT_UPPER, LEFT_LOWER = [43, 44], [46, 47]


def test_an_opening_is_a_share_of_the_eyes_width() -> None:
    np.testing.assert_allclose(eye_openings(FACE, SCALE), [10 / 30, 10 / 30])


def test_the_left_eye_is_the_subjects() -> None:
    closed = FACE.copy()
    closed[LEFT_UPPER] = closed[LEFT_LOWER[::-1]]
    assert set(LEFT_UPPER) <= set(LEFT_POINTS.tolist())
    np.testing.assert_allclose(eye_openings(closed, SCALE), [0.0, 10 / 30], atol=1e-12)


@pytest.mark.parametrize("degrees", [-30.0, 15.0])
def test_a_tilted_or_larger_face_has_the_same_openings(degrees: float) -> None:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = 2.5 * FACE @ np.array([[c, s], [-s, c]]) + 300.0
    np.testing.assert_allclose(eye_openings(turned, np.array(2.5)), eye_openings(FACE, SCALE))


def test_many_frames_at_once_and_points_in_space() -> None:
    frames = np.concatenate([np.stack([FACE, FACE + 5.0]), np.zeros((2, 68, 1))], axis=-1)
    assert eye_openings(frames, np.ones(2), LANDMARK_EYES).shape == (2, 2)


def test_closures_are_counted_from_the_eyes_own_rest() -> None:
    openings = np.array([[0.3, 0.2], [0.15, 0.2], [0.0, 0.3], [-0.02, np.nan]])
    found = eye_closures(openings, np.array([0.3, 0.2]))
    np.testing.assert_allclose(found, [[0.0, 0.0], [0.5, 0.0], [1.0, 0.0], [1.0, np.nan]])


def test_an_eye_that_is_closed_at_rest_has_no_closure() -> None:
    assert np.isnan(eye_closures(np.array([[0.3, 0.2]]), np.array([0.02, np.nan]))).all()


def test_an_open_eye_cannot_blink() -> None:
    most = lids_allow(np.array([0.0, 0.2, 0.3, 1.0, np.nan]))
    assert most[:2].max() == 0.0
    assert 0.0 < most[2] < 0.7, "the open eye of a composite that rolls up"
    assert most[3] > 5.0
    assert most[4] == np.inf
