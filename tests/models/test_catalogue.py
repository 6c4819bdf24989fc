"""Each network and kind of AU models is described once: an entry is all that a new one needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from face_mirror_au.devices.probe import model_to_probe
from face_mirror_au.errors import UsageError
from face_mirror_au.models.attention_mesh import FORM
from face_mirror_au.models.catalogue import (
    BANKS,
    DETECTORS,
    LANDMARKS,
    NETWORKS,
    PDMS,
    PROFILES,
    Calibration,
    Landmarks,
    Profile,
    bank_of,
    title,
)
from face_mirror_au.numerics.pose import PoseFit
from face_mirror_au.pipeline.confidence import landmark_confidence
from face_mirror_au.pipeline.model_set import ModelPlan, plan_models
from face_mirror_au.pipeline.views import REFLECT, MirrorSettings
from face_mirror_au.records import Located
from face_mirror_au.report.words import model_words
from face_mirror_au.results.networks import not_for_sides
from face_mirror_au.run.own_plugins import LandmarkPlugin
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_hooks.records import WorkerInfo
from face_mirror_weights import Store, open_models

PLAN = ModelPlan(
    profile="open",
    reason="a test",
    detector=("blazeface", Path("b.onnx")),
    landmarks=("dummy", Path("d.onnx")),
    pdm=("open", open_models.PDM),
    triangles=open_models.TRIANGLES,
    bank_kind="open",
    models="auto",
    predictors=open_models.BANK,
)


class Dummy:
    """A landmark model that needs no file."""

    name = "dummy"
    scores_presence = True

    def __init__(self, path, device):
        self.opened = path, device


@pytest.fixture
def dummy(monkeypatch):
    entry = Landmarks(
        key="dummy",
        title="The dummy",
        form=replace(FORM, low=-3.0),
        cpu_only={"cuda": "it is a dummy"},
        opens=Dummy,
        keeps_asymmetry=False,
        calibration={"open": Calibration(100.0, 0.0, 0.0)},
        in_order=True,
    )
    monkeypatch.setitem(LANDMARKS, "dummy", entry)
    monkeypatch.setitem(NETWORKS, "dummy", entry)
    return entry


def test_a_landmark_model_is_added_by_one_entry(dummy):
    assert PLAN.load_landmark_model().opened == (Path("d.onnx"), "cpu")
    assert replace(PLAN, devices={"dummy": "cuda"}).load_landmark_model().opened[1] == "cuda"
    probed = model_to_probe(*PLAN.landmarks)
    assert (probed.form.low, probed.cpu_only) == (-3.0, dummy.cpu_only)
    fit = PoseFit(np.array([1.0, 0, 0, 0, 0, 0]), np.zeros(34), 5.0, 1)
    located = Located(np.zeros((68, 2), np.float32), 0.5)
    open_, openface = (SimpleNamespace(pdm=SimpleNamespace(name=name)) for name in ("open", "openface"))
    assert landmark_confidence("dummy", open_, located, fit) > 0.999 > landmark_confidence("dummy", openface, located, fit)
    assert "The dummy its 68 landmarks" in model_words(PLAN.described())
    assert "The dummy's landmarks of the unmirrored face lean towards symmetry" in not_for_sides(PLAN.described())
    with pytest.raises(UsageError, match="not for The dummy"):
        VideoRunner(PLAN, RunSettings(mirror=MirrorSettings(REFLECT)))


def test_one_that_needs_frames_in_order_has_no_workers(dummy, shared_file):
    plan = replace(PLAN, detector=("blazeface", shared_file("weights/mediapipe-open/blazeface_short_fp16w.onnx")))
    with VideoRunner(plan, RunSettings(workers=2)) as runner:
        assert runner.loop.start_method == "none"


@pytest.mark.parametrize("scores", [True, False])
def test_a_detector_is_opened_only_for_landmarks_that_do_not_score_presence(dummy, monkeypatch, scores):
    monkeypatch.setattr(Dummy, "scores_presence", scores)
    opened = []
    monkeypatch.setattr(ModelPlan, "load_detector", lambda *_, **__: opened.append("detector"))
    LandmarkPlugin(PLAN).after_worker_start(WorkerInfo(0, 1))
    assert opened == ([] if scores else ["detector"])


def test_every_network_has_its_file_in_the_manifest_and_a_title_of_its_own():
    manifest = Store([]).manifest
    for key, entry in NETWORKS.items():
        assert manifest.file(key).key == key == entry.key
    assert len({entry.title for entry in NETWORKS.values()}) == len(DETECTORS) + len(LANDMARKS)
    assert title("my.module:PLUGIN") == "my.module:PLUGIN"


def test_every_landmark_model_is_calibrated_with_every_pdm():
    for entry in LANDMARKS.values():
        assert set(entry.calibration) == set(PDMS)


def test_a_bank_and_a_profile_are_added_by_one_entry_each(monkeypatch, tmp_path, shared_file):
    file = tmp_path / "other.npz"
    file.write_bytes(open_models.BANK.read_bytes())
    monkeypatch.setitem(BANKS, "other", replace(BANKS["open"], files="other-au", shipped=file))
    monkeypatch.setitem(PROFILES, "mine", Profile(("blazeface",), "attention_mesh", "open", "other", "a try"))
    store = Store([shared_file("weights")])
    plan = plan_models(store, "mine")
    assert (plan.profile, plan.bank_kind, plan.predictors) == ("mine", "other", file)
    assert set(plan.hashes) == {"blazeface", "attention_mesh", "other-au"}
    assert plan_models(store, "mine", bank=open_models.BANK).predictors == open_models.BANK
    monkeypatch.setitem(BANKS, "other", replace(BANKS["other"], shipped=None, files="openface-au"))
    with pytest.raises(UsageError, match="is for profile open, not mine"):
        plan_models(store, "mine", bank=open_models.BANK)


def test_the_kind_of_a_bank_is_known_from_its_files_or_its_name():
    assert bank_of({"sha256": {"openface-au": "00"}}) is BANKS["openface"]
    assert bank_of({"au_bank": "OpenFace 2.2"}) is BANKS["openface"]
    assert bank_of({"au_bank": "of my own", "sha256": {"open-au": "00"}}) is BANKS["open"]
    assert bank_of({"au_bank": "of my own"}) is BANKS["open"]


@pytest.mark.parametrize("kind", BANKS)
def test_a_bank_answers_for_itself(kind):
    bank = BANKS[kind].opens(open_models.BANK)
    assert bank.has_sides == (bank.mesh_shape is not None) == (kind == "open")
    assert ("AU05" in bank.left_empty("dynamic")) == (kind == "open")
    assert bool(bank.version) == (kind == "open")
