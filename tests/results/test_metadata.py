"""The record of a run."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_mirror_au.errors import OutputError, VideoError
from face_mirror_au.records import View
from face_mirror_au.results.metadata import hash_input, versions, write_metadata


@dataclass(frozen=True)
class Sample:
    rate: Fraction
    sizes: tuple[int, ...]


def test_values_of_all_kinds(tmp_path):
    path = tmp_path / "run.metadata.json"
    write_metadata(
        path,
        {
            "view": View.ORIGINAL, "sample": Sample(Fraction(30000, 1001), (1, 2)), "nan": float("nan"), "inf": np.float32("inf"),
            "array": np.arange(3), "count": np.int64(7), "flag": np.True_, "set": {"b", "a"}, "name": "Müller", "none": None, "x": 0.1,
        },
    )  # fmt: skip
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "view": "original", "sample": {"rate": "30000/1001", "sizes": [1, 2]}, "nan": None, "inf": None,
        "array": [0, 1, 2], "count": 7, "flag": True, "set": ["a", "b"], "name": "Müller", "none": None, "x": 0.1,
    }  # fmt: skip


def test_the_layout_does_not_depend_on_the_order(tmp_path):
    write_metadata(tmp_path / "a.json", {"b": 1, "a": {"d": 2, "c": 3}})
    write_metadata(tmp_path / "b.json", {"a": {"c": 3, "d": 2}, "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "a.json").read_text().startswith('{\n  "a": {\n    "c": 3,')


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes")
def test_a_name_of_a_foreign_encoding_can_be_stored(tmp_path):
    name = os.fsdecode(b"f\xfcr.mp4")
    write_metadata(tmp_path / "a.json", {"input": name})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["input"].startswith("f")


def test_paths_are_refused(tmp_path):
    with pytest.raises(TypeError, match="Path"):
        write_metadata(tmp_path / "a.json", {"input": Path("/patients/jane.mp4")})
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match="folder does not exist"):
        write_metadata(tmp_path / "missing" / "a.json", {})


def test_hash_of_a_file_and_of_a_folder(tmp_path):
    data = np.random.default_rng(0).bytes(3_000_000)
    (tmp_path / "clip.mp4").write_bytes(data)
    assert hash_input(tmp_path / "clip.mp4") == hashlib.sha256(data).hexdigest()
    folder = tmp_path / "faces"
    folder.mkdir()
    for i in range(2):
        (folder / f"{i}.png").write_bytes(cv2.imencode(".png", np.full((4, 4, 3), i, np.uint8))[1].tobytes())
    first = hash_input(folder)
    (folder / "notes.txt").write_text("no image")
    assert hash_input(folder) == first
    (folder / "1.png").rename(folder / "2.png")
    assert hash_input(folder) != first
    with pytest.raises(VideoError, match=r"'missing\.mp4' cannot be read"):
        hash_input(tmp_path / "missing.mp4")


def test_versions():
    found = versions()
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["numpy"] == np.__version__
    # opencv-python counts its builds in a fourth number.
    assert found["cv2"] is not None
    assert found["cv2"].startswith(cv2.__version__)
    assert set(found) == {"python", "face-mirror-au", "numpy", "cv2", "onnxruntime", "av", "pyfhog", "pandas"}
