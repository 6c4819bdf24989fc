"""OpenFace's landmark models equal the C++ program's: each stage from its own inputs, a clip from the pictures alone."""

from __future__ import annotations

import clnf_cases
import pytest

from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics._kernels import responses_numpy, stage_numpy


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
