"""OpenFace's landmark models equal the C++ program's: each stage from its own inputs, a clip from the pictures alone."""

from __future__ import annotations

import clnf_cases
import cv2
import pytest

from face_mirror_au.models.clnf import CECLM_LIST
from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics._kernels import responses_numpy, stage_numpy
from face_mirror_au.pipeline.clnf_tracker import CLNFState
from face_mirror_au.pipeline.openface_landmarks import OpenFaceLandmarks


@pytest.fixture
def shared(shared_file):
    for needed in (clnf_cases.MODELS, "media/default.wmv", "truth/cen_synthetic"):
        shared_file(needed)
    return shared_file("truth").parent


@pytest.mark.truth
@pytest.mark.parametrize("stage", clnf_cases.STAGES, ids=lambda each: each.__name__)
def test_each_stage_is_within_its_limit(shared, stage):
    assert [figure for figure in stage(shared) if not figure.good] == []


@pytest.mark.truth
@pytest.mark.parametrize("stage", [clnf_cases.answers, clnf_cases.fits, clnf_cases.video], ids=lambda each: each.__name__)
def test_each_stage_of_the_twins_is_within_its_limit(shared, stage, monkeypatch):
    monkeypatch.setattr(_kernels, "responses", responses_numpy)
    monkeypatch.setattr(_kernels, "stage", stage_numpy)
    assert [figure for figure in stage(shared) if not figure.good] == []


@pytest.mark.truth
@pytest.mark.parametrize(("run", "early"), [("B", "early_term_cen_of.txt"), ("C", "early_term_runC.txt")])
def test_ceclm_with_its_own_detector_and_validator(shared, run, early):
    openface = OpenFaceLandmarks.read(clnf_cases.ceclm_files(shared, early), CECLM_LIST)
    frames = clnf_cases.truth(shared / f"truth/cen_synthetic/run{run}_frames.npz")
    capture, tracker, state = cv2.VideoCapture(str(shared / "media/default.wmv")), openface.tracker(), CLNFState()
    for index in range(len(frames["frame"])):
        found, state = tracker.track(capture.read()[1], state)
        assert found.face.certainty == pytest.approx(float(frames["detection_certainty"][index]))
        assert found.returned == bool(frames["return_value"][index])
        assert clnf_cases.largest(found.face.landmarks, frames["landmarks"][index]) < 0.3
