"""The metadata say who detected the face and located its landmarks, not only who was to."""

from __future__ import annotations

from pathlib import Path

import pytest

from face_mirror_au.models.pfld import PFLD
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.records import Detection, Located, View
from face_mirror_au.results.networks import landmark_sources, towards_symmetry
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_hooks import hookimpl
from face_mirror_weights import Store

CLIP = Path(__file__).resolve().parents[1] / "clips" / "smile_left.mp4"


class PFLDInstead:
    """Runs PFLD in the original view, whatever was planned."""

    @hookimpl
    def after_worker_start(self) -> None:
        store = Store.default()
        self.model = PFLD(store.require("pfld"))

    @hookimpl
    def locate_landmarks(self, frame, view, near) -> Located | None:
        if view is not View.ORIGINAL:
            return None
        region = self.model.region_from_detection(near) if isinstance(near, Detection) else self.model.region_from_landmarks(near)
        return self.model.locate(frame.image, region)


@pytest.fixture
def answered(shared_file, tmp_path, monkeypatch):
    weights = shared_file("weights")
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(weights))

    def run(**settings):
        runner = VideoRunner(plan_models(Store([weights]), "hybrid"), RunSettings(views=tuple(View), max_frames=3, **settings))
        with runner, runner.run(CLIP, tmp_path) as result:
            return runner.plan.described() | {"answered": result.answered.described()}

    return run


def test_a_plugin_that_answers_first_is_named(answered):
    plugin = f"{__name__}:PFLDInstead"
    models = answered(plugins=(plugin,))
    assert models["landmarks"] == "attention_mesh"
    assert models["answered"] == {
        "detector": {"blazeface": 1},
        "landmarks": {"original": {plugin: 3}, "left_mirrored": {"attention_mesh": 3}, "right_mirrored": {"attention_mesh": 3}},
    }
    assert landmark_sources(models) == [plugin]


def test_our_own(answered):
    models = answered()
    assert models["answered"]["landmarks"]["original"] == {"attention_mesh": 3}
    assert models["answered"]["detector"] == {"blazeface": 1}


def test_what_answered_comes_before_what_was_planned():
    models = {"landmarks": "attention_mesh", "answered": {"landmarks": {"original": {"attention_mesh": 1, "pfld": 5, "x": "many"}}}}
    assert landmark_sources(models) == ["pfld", "attention_mesh"]
    assert towards_symmetry(models) == ["PFLD"]
    assert landmark_sources({"landmarks": "attention_mesh", "answered": {"landmarks": []}}) == ["attention_mesh"]
    assert landmark_sources({}) == []
