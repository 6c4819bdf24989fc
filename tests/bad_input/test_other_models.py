"""Files that are damaged, or whole and of another program: told when they are loaded, not in the middle of a run."""

from __future__ import annotations

import pytest

from face_mirror_au.devices.probe_memory import Memory
from face_mirror_au.errors import ModelFileError
from face_mirror_au.models.openface_bank import OpenFaceBank
from face_mirror_au.pipeline.model_set import load_openface_describer
from fuzz.seeds import dat, pdm


def test_predictors_of_other_features(tmp_path):
    (tmp_path / "AU_all_best.txt").write_text("a.dat AU12\n")
    (tmp_path / "a.dat").write_bytes(dat(1))
    with pytest.raises(ModelFileError, match="look at 2 features, OpenFace's at 4702"):
        OpenFaceBank(tmp_path).au_bank("dynamic")


def test_a_pdm_of_other_modes(tmp_path):
    path = tmp_path / "pdm.txt"
    path.write_bytes(pdm(2))

    class Store:
        def require(self, key):
            return path

    with pytest.raises(ModelFileError, match=r"pdm.txt has 2 shape parameters, not 34"):
        load_openface_describer(Store())


def test_a_memory_of_probes_that_is_nested_too_deeply(tmp_path):
    path = tmp_path / "probes.json"
    path.write_text("[" * 5000)
    memory = Memory(path)
    assert memory.recall({"device": "cpu"}) is None
    memory.remember({"device": "cpu"}, {"works": True})
    assert memory.recall({"device": "cpu"})["works"] is True
