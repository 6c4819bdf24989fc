"""Metadata of version 0.1.0, whose profile openface is today's openface-pfld, as everybody reads them who compares or goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.results.comparable import must_not_be_compared, to_be_known
from face_mirror_au.results.earlier import read_metadata
from face_mirror_au.results.metadata import SCHEMA, in_todays_words
from face_mirror_au.results.result import _read_metadata
from face_mirror_au.run.outputs import OutputPlan, settings_metadata
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_weights import Store

STORED = Path(__file__).with_name("metadata_0_1_0.json")


@pytest.fixture
def csv(tmp_path):
    """The table's name of a result with these metadata."""
    shutil.copy(STORED, tmp_path / "p.metadata.json")
    return tmp_path / "p.csv"


def test_both_readers_call_the_profile_by_todays_name(csv):
    assert json.loads(STORED.read_text())["models"]["profile"] == "openface"
    assert read_metadata(csv)["models"]["profile"] == "openface-pfld"
    assert _read_metadata(csv.with_name("p.metadata.json"))["models"]["profile"] == "openface-pfld"


def test_it_is_compared_with_openface_pfld_and_not_with_todays_openface(csv):
    now = json.loads(STORED.read_text()) | {"schema": SCHEMA}
    pfld = now | {"models": now["models"] | {"profile": "openface-pfld"}}
    old, same, other = (SimpleNamespace(metadata=metadata) for metadata in (read_metadata(csv), pfld, now))
    assert must_not_be_compared([old, same]) == []
    assert must_not_be_compared([old, other]) == ["different model sets: openface-pfld at visit 1, openface at visit 2"]


def test_clnf_and_ce_clm_are_told_apart():
    now = json.loads(STORED.read_text()) | {"schema": SCHEMA}
    clnf, ceclm = (
        SimpleNamespace(metadata=now | {"models": now["models"] | {"detector": "mtcnn", "landmarks": landmarks}}, sides={})
        for landmarks in ("clnf", "ceclm")
    )
    assert must_not_be_compared([clnf, ceclm]) == []
    told = to_be_known([clnf, ceclm])
    assert "Different landmark models: clnf at visit 1, ceclm at visit 2." in told
    assert "Landmarks of OpenFace's CE-CLM (visit 2) lean towards symmetry: it misses a one-sided blink or brow." in told


def test_what_says_its_schema_is_left_alone_and_so_is_another_profile():
    of_today = {"schema": SCHEMA, "models": {"profile": "openface"}}
    assert in_todays_words(of_today) is of_today
    hybrid = {"models": {"profile": "hybrid"}}
    assert in_todays_words(hybrid) is hybrid


def test_a_run_says_its_schema(shared_file, tmp_path):
    with VideoRunner(plan_models(Store([shared_file("weights")]), "openface-pfld"), RunSettings()) as runner:
        known = settings_metadata(OutputPlan(tmp_path / "p.csv"), runner)
    assert known["schema"] == SCHEMA
