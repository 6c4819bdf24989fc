"""Which hypothesis is kept, what parts do, and what happens to numbers that are none; with models made here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face_mirror_au.models.clnf import CLNF_LIST, read_face_model
from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics.clnf import face as face_module
from face_mirror_au.numerics.clnf.face import EarlyTermination
from face_mirror_au.numerics.clnf.fit import FitSettings, Fitted, fit
from fuzz.expert_stand_ins import detector

PICTURE = np.random.default_rng(0).integers(0, 256, (120, 160), dtype=np.uint8)
BOX = np.array([20.0, 10.0, 90.0, 90.0], np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    (folder / "eye").mkdir()
    for name, content in detector(CLNF_LIST).items():
        (folder / name).write_bytes(content)
    return read_face_model(CLNF_LIST, lambda name: folder / name, lambda *_: 0.9)


class ScriptedFits:
    """Stands in for the fit: gives these likelihoods in turn, and remembers what it was asked."""

    def __init__(self, likelihoods, views=None, success=True):
        self.asked, self._likelihoods, self._success = [], iter(likelihoods), success
        self._views = iter(views or [0] * 100)

    def __call__(self, image, model, windows, pose, local):
        self.asked.append((windows, pose, local))
        moved = pose + np.float32([0.1, 0, 0, 0, 0, 0])
        return Fitted(moved, np.full_like(local, len(self.asked)), self._success, next(self._likelihoods), next(self._views))


def _scripted(monkeypatch, *args, **kwargs):
    fits = ScriptedFits(*args, **kwargs)
    monkeypatch.setattr(face_module, "fit", fits)
    return fits


def test_of_all_rotations_the_likeliest_is_kept(model, monkeypatch):
    fits = _scripted(monkeypatch, [1.0, 3.0, 2.0, 3.0, *[0.0] * 7])
    face, returned = replace(model, parts=()).find(PICTURE, BOX, several=True)
    assert (len(fits.asked), face.local[0], face.likelihood, returned) == (11, 2.0, 3.0, True), "of equals the first"
    assert all(windows == (11, 9, 7, 5) and not local.any() for windows, _, local in fits.asked)
    turned = {tuple(round(angle, 3) for angle in pose[1:4].tolist()) for _, pose, _ in fits.asked}
    assert len(turned) == 11
    assert turned > {(0.0, 0.0, 0.0), (0.0, -1.57, 0.0), (0.0, 1.22, -0.698)}


def test_a_fit_that_ends_before_it_has_a_likelihood_keeps_the_one_before(model, monkeypatch):
    _scripted(monkeypatch, [None, 2.0, None, *[0.0] * 8])
    face, _ = replace(model, parts=()).find(PICTURE, BOX, several=True, likelihood=5.0)
    assert (face.local[0], face.likelihood) == (1.0, 5.0)


@pytest.fixture
def early(model):
    """CE-CLM's way; the validator believes the first two faces that it sees."""
    certainties = iter([0.8, 0.9, 0.3])
    early = EarlyTermination((2.0, 1.0), (0.5, 0.0), (4.0, 4.0))
    return replace(model, parts=(), early=early, validator=lambda *_: next(certainties))


def test_an_early_termination_goes_on_from_the_first_that_is_good_enough(early, monkeypatch):
    # Scores: 3.9 in the view of weight 1; 3.9 and 4.1 in that of weight 2, to which 0.5 is added.
    fits = _scripted(monkeypatch, [3.9, 1.7, 1.8, 0.5], views=[1, 0, 0, 0])
    face, returned = early.find(PICTURE, BOX, several=True)
    assert [windows for windows, _, _ in fits.asked] == [(11, 0, 0, 0)] * 3 + [(0, 9, 7, 5)]
    assert fits.asked[3][2][0] == 3.0, "from its own shape"
    assert (face.likelihood, face.certainty, returned) == (0.5, 0.8, True)


def test_without_an_early_termination_the_three_best_go_on_with_the_mistakes_of_openface(early, monkeypatch):
    first = [0.1, 0.2, 1.5, 0.3, 0.4, 1.6, 0.5, 0.6, 0.7, 0.8, 1.0]
    fits = _scripted(monkeypatch, [*first, 7.0, 9.0, 8.0])
    face, returned = early.find(PICTURE, BOX, several=True)
    continued = fits.asked[11:]
    assert [windows for windows, _, _ in continued] == [(0, 9, 7, 5)] * 3
    assert [pose[2] for _, pose, _ in continued] == [fits.asked[index][1][2] for index in (5, 2, 10)], "best first"
    assert [local[0] for _, _, local in continued] == [0.0, 0.0, 11.0], "only the last hypothesis has its own shape"
    assert (face.likelihood, face.local[0]) == (9.0, 13.0)
    assert (face.success, face.certainty, returned) == (True, 0.3, False), "success of the best; certainty and what is returned of the last"


def test_the_parts_lead_the_face_only_where_it_is_large(model):
    large, _ = model.find(PICTURE, BOX, several=False)
    eye = large.parts["left_eye_28"]
    assert eye.fitted == (large.pose[0] > 0.9)
    small, _ = model.find(PICTURE, BOX * np.float32(0.5), several=False)
    assert not small.parts["left_eye_28"].fitted
    np.testing.assert_allclose(small.landmarks.T, model.main.shape.project(small.pose, small.local), atol=1e-4)


def test_landmarks_always_lie_in_the_shape_model(model):
    found, _ = model.find(PICTURE, BOX * np.float32(1.6), several=False)
    assert found.parts["left_eye_28"].fitted
    np.testing.assert_allclose(found.landmarks.T, model.main.shape.project(found.pose, found.local), atol=1e-4)


def test_a_face_without_a_likely_fit_is_not_validated(model, monkeypatch):
    _scripted(monkeypatch, [1.0], success=False)
    face, returned = replace(model, parts=(), validator=None).find(PICTURE, BOX, several=False)
    assert (face.success, face.certainty, returned) == (False, 0.0, False)


@pytest.mark.parametrize("spoiled", [np.nan, np.inf])
def test_a_fit_of_no_numbers_ends_where_it_began(model, monkeypatch, spoiled):
    def run(*arguments):
        arguments[13][4] = spoiled

    monkeypatch.setattr(_kernels, "stage", type("Stage", (), {"run": staticmethod(run)}))
    pose, local = model.main.shape.pose_in_box(BOX, np.zeros(3, np.float32)), np.zeros(model.main.shape.n_modes, np.float32)
    found = fit(PICTURE, model.main, (11, 9), pose, local)
    assert not found.success
    assert np.array_equal(found.pose, pose)


def test_a_fit_that_becomes_too_small_stops(model, monkeypatch):
    scales = []

    def run(*arguments):
        scales.append(arguments[6].shape[1])
        arguments[13][0] = 0.2

    monkeypatch.setattr(_kernels, "stage", type("Stage", (), {"run": staticmethod(run)}))
    pose, local = model.main.shape.pose_in_box(BOX, np.zeros(3, np.float32)), np.zeros(model.main.shape.n_modes, np.float32)
    found = fit(PICTURE, model.main, (11, 9), pose, local)
    assert (found.success, scales) == (False, [11, 11]), "rigid and non-rigid at the first scale"
    assert found.likelihood is not None


def test_settings_change_with_the_scale_of_the_first_three():
    settings = FitSettings(1.5, 25.0, 2.5, 5, refined=True)
    found = [settings.at((0.25, 0.35, 0.5, 1.0), scale) for scale in range(4)]
    assert [round(each.regularisation, 5) for each in found] == [25.0, 17.7186, 10.0, 10.0]
    assert [round(each.sigma, 5) for each in found] == [1.5, 1.62136, 1.75, 1.75]
    assert [round(each.weight_factor, 5) for each in found] == [2.5, 4.92713, 7.5, 7.5]
    assert replace(settings, regularisation=10.0).at((0.25, 0.35, 0.5), 2).regularisation == 0.001
    assert replace(settings, refined=False).at((1.0,), 0).regularisation == 25.0
