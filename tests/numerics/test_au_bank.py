"""A bank with sides: its columns, the whole face as the mean, what is left out, and presences by intensity."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.numerics.au_bank import AUBank, Predictor
from face_mirror_au.records import INTENSITY_AUS, PRESENCE_AUS

N = 9
MEANS = np.linspace(-1, 1, N)
NAN = np.nan


def predictors(seed, dynamic=True):
    random = np.random.default_rng(seed)
    return [
        Predictor(name, classifier=False, dynamic=dynamic, weights=random.normal(size=N), bias=random.normal()) for name in INTENSITY_AUS
    ]


def sided(left, right, above=1.0):
    return AUBank.build_sided("test", (left, right), MEANS, presence_above=above)


@pytest.fixture
def bank():
    return sided(predictors(1), predictors(2))


def predict(bank, descriptors, neutral=None):
    return bank.predict(descriptors, bank.offsets(np.zeros(N) if neutral is None else neutral))


def test_the_columns_are_the_whole_face_the_left_and_the_right(bank):
    random = np.random.default_rng(3)
    descriptor, neutral = random.normal(size=N), random.normal(size=N)
    intensity, presence = predict(bank, descriptor, neutral)
    assert (bank.n_intensities, bank.n_features, bank.has_sides, bank.own_rest) == (51, N, True, True)
    assert (intensity.shape, presence.shape) == ((51,), (18,))
    left, right = (np.array([(descriptor - MEANS - neutral) @ each.weights + each.bias for each in predictors(seed)]) for seed in (1, 2))
    np.testing.assert_allclose(intensity[17:34], left)
    np.testing.assert_allclose(intensity[34:], right)
    np.testing.assert_allclose(intensity[:17], (left + right) / 2)


def test_static_predictors_do_not_look_at_the_neutral_face():
    bank = sided(predictors(1, dynamic=False), predictors(2, dynamic=False))
    descriptor = np.random.default_rng(3).normal(size=N)
    np.testing.assert_array_equal(predict(bank, descriptor)[0], predict(bank, descriptor, np.full(N, 9.0))[0])
    assert not bank.dynamic.any()


def test_several_frames_are_as_one_by_one(bank):
    descriptors = np.random.default_rng(3).normal(size=(4, N))
    intensity, presence = predict(bank, descriptors)
    assert (intensity.shape, presence.shape) == ((4, 51), (4, 18))
    for row in range(4):
        alone = predict(bank, descriptors[row])
        np.testing.assert_allclose(alone[0], intensity[row])
        np.testing.assert_array_equal(alone[1], presence[row])


def test_a_predictor_of_one_side_alone_makes_no_whole_face():
    bank = sided(predictors(1)[:3], predictors(2)[:2])
    intensity, _ = predict(bank, np.ones(N))
    assert np.flatnonzero(~np.isnan(intensity)).tolist() == [0, 1, 17, 18, 19, 34, 35]


def test_without_leaves_columns_empty_and_the_others_as_they_were(bank):
    leave_out = np.zeros(51, bool)
    leave_out[[4, 20, 50]] = True
    descriptor = np.random.default_rng(3).normal(size=N)
    before, after = predict(bank, descriptor), predict(bank.without(leave_out), descriptor)
    assert np.flatnonzero(np.isnan(after[0])).tolist() == [4, 20, 50]
    np.testing.assert_array_equal(after[0][~leave_out], before[0][~leave_out])
    assert np.isnan(after[1][4]), "nobody knows whether it is present"
    np.testing.assert_array_equal(np.delete(after[1], 4), np.delete(before[1], 4))
    assert not np.isnan(predict(bank, descriptor)[0]).any(), "the bank itself is unchanged"


def test_presence_is_an_intensity_of_the_whole_face_above_the_threshold(bank):
    intensity = np.full((3, 51), 5.0)
    intensity[:, :17] = 0.0
    intensity[0, INTENSITY_AUS.index("AU45")] = 1.0001
    intensity[1, INTENSITY_AUS.index("AU45")] = 1.0
    intensity[2, INTENSITY_AUS.index("AU45")] = NAN
    presence = bank.presences(intensity)
    assert presence.shape == (3, 18)
    np.testing.assert_array_equal(presence[:, PRESENCE_AUS.index("AU45")], [1.0, 0.0, NAN])
    assert np.isnan(presence[:, PRESENCE_AUS.index("AU28")]).all(), "no intensity says anything of it"
    others = [place for place, name in enumerate(PRESENCE_AUS) if name not in {"AU28", "AU45"}]
    assert (presence[:, others] == 0.0).all()


def test_presences_follow_the_predicted_intensities(bank):
    intensity, presence = predict(bank, np.random.default_rng(3).normal(size=(50, N)) * 3)
    for name in ("AU01", "AU26", "AU45"):
        wanted = intensity[:, INTENSITY_AUS.index(name)] > 1.0
        assert 5 < wanted.sum() < 45
        np.testing.assert_array_equal(presence[:, PRESENCE_AUS.index(name)], wanted)


def test_a_bank_with_classifiers_has_no_threshold_and_no_sides():
    bank = AUBank.build("classifiers", predictors(1), MEANS)
    assert (bank.has_sides, bank.n_intensities, bank.own_rest) == (False, 17, False)
    intensity, presence = predict(bank, np.ones(N))
    assert intensity.shape == (17,)
    assert np.isnan(presence).all()
    with pytest.raises(ValueError, match="classifiers of its own"):
        bank.presences(intensity)
