"""When the detector is asked whether a face is where the landmark model looked."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.models.openface_files import read_pdm
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_au.pipeline.finder import ModelFinder
from face_mirror_au.records import Detection, Frame, Located, Region, View
from face_mirror_weights import open_models

PDM = read_pdm(open_models.PDM, name="open")
FACE = PDM.project(np.array([2.0, 0.0, 0.0, 0.0, 160.0, 120.0]), np.zeros(PDM.n_modes)).astype(np.float32)
FRAME = Frame(0, 0.0, np.zeros((240, 320, 3), np.uint8))
MIRRORED = [View.LEFT_MIRRORED, View.RIGHT_MIRRORED]


class Blind:
    """Sees no face, and counts how often it was asked."""

    name = "blind"
    asked = 0

    def detect(self, image):
        self.asked += 1
        return []


class Fixed:
    """Finds the landmarks that it was given."""

    name = "pfld"
    scores_presence = False

    def __init__(self, landmarks):
        self._landmarks = landmarks

    def region_from_detection(self, detection):
        return Region(160.0, 120.0, 200.0)

    def region_from_landmarks(self, located):
        return Region(160.0, 120.0, 200.0)

    def locate(self, image, region):
        return Located(self._landmarks, score=1.0)


def found(landmarks, view, near, fitter=True):
    detector = Blind()
    located, source = ModelFinder(detector, Fixed(landmarks), PoseFitter(PDM) if fitter else None).locate(FRAME, view, near)
    assert source == "pfld"
    return located.score, detector.asked


@pytest.mark.parametrize("view", MIRRORED)
def test_a_mirrored_view_with_good_landmarks_is_as_sure_as_the_frame_was(view):
    assert found(FACE, view, Located(FACE, 0.97)) == (0.97, 0)


def test_the_frame_itself_is_always_looked_at():
    assert found(FACE, View.ORIGINAL, Located(FACE, 0.97)) == (0.0, 1)


@pytest.mark.parametrize("view", MIRRORED)
def test_landmarks_that_hardly_form_a_face_are_looked_at(view):
    scattered = FACE + np.random.default_rng(0).normal(0, 6, FACE.shape).astype(np.float32)
    assert found(scattered, view, Located(FACE, 0.97)) == (0.0, 1)
    assert found(np.zeros_like(FACE), view, Located(FACE, 0.97)) == (0.0, 1)


@pytest.mark.parametrize("view", MIRRORED)
def test_a_detection_is_no_face_that_was_seen_by_the_landmark_model(view):
    box = Detection(np.array([60, 20, 260, 220], np.float32), 0.99, np.zeros((0, 2), np.float32))
    assert found(FACE, view, box) == (0.0, 1)


def test_without_a_pose_fitter_every_view_is_looked_at():
    assert found(FACE, View.LEFT_MIRRORED, Located(FACE, 0.97), fitter=False) == (0.0, 1)
