"""Online values without an end are those of a run, and nothing is kept for them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from face_mirror_au.pipeline.baseline import Baseline
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.pipeline.online import OnlineSequence
from face_mirror_au.pipeline.sequence import AUSequence
from face_mirror_weights import Store


@pytest.fixture(scope="module", params=["open", "openface-pfld"])
def bank(request, shared_file):
    return plan_models(Store([shared_file("weights")]), request.param).load_bank(single_image=False)


def descriptors(bank, count, seed=3):
    """Random ones, every seventh a failed frame."""
    random = np.random.default_rng(seed)
    for index in range(count):
        if index % 7 == 5:
            yield None, None
        else:
            yield random.random(4464, dtype=np.float32) * 0.3, random.normal(0, 5, bank.n_features - 4464)


def same(one, other):
    for name in ("raw", "corrected", "presence"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    if one.sides is None:
        assert other.sides is None
    else:
        np.testing.assert_array_equal(one.sides, other.sides)


@pytest.mark.parametrize("baseline", ["own", "neutral:0.2-0.5"])
def test_the_values_are_those_of_a_run(bank, baseline):
    live, run = OnlineSequence(bank, Baseline.parse(baseline)), AUSequence(bank, baseline=Baseline.parse(baseline))
    for index, (hog, geometry) in enumerate(descriptors(bank, 40)):
        same(live.append(hog, geometry, index / 30), run.append(hog, geometry, index / 30))


def test_with_a_shared_baseline_too(bank):
    shared = Baseline("shared")
    live, run = OnlineSequence(bank, shared), AUSequence(bank, baseline=shared)
    live_other, run_other = OnlineSequence(bank, shared, live), AUSequence(bank, baseline=shared, original=run)
    for index, (own, other) in enumerate(zip(descriptors(bank, 30), descriptors(bank, 30, seed=4), strict=True)):
        same(live.append(*own, index / 30), run.append(*own, index / 30))
        same(live_other.append(*other, index / 30), run_other.append(*other, index / 30))


def test_a_failed_frame_has_no_value(bank):
    values = OnlineSequence(bank).append(None, None, 0.0)
    assert np.isnan(values.raw).all()
    assert np.isnan(values.corrected).all()
    assert np.isnan(values.presence).all()


def test_memory_does_not_grow_with_the_frames(bank):
    sequence = OnlineSequence(bank)
    frames = list(descriptors(bank, 60))
    sizes = []
    for hog, geometry in frames:
        sequence.append(hog, geometry, 0.0)
        sizes.append(len(pickle.dumps({name: value for name, value in vars(sequence).items() if name != "_bank"})))
    assert sizes[-1] <= sizes[20] + 64
