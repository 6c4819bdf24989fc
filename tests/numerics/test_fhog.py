"""Our own FHOG: the kernel and its twin give the same bits, and those of pyfhog."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics._kernels import fhog_numpy
from face_mirror_au.numerics.fhog import OWN, PYFHOG, fhog_program

CLIP = Path(__file__).resolve().parents[1] / "clips" / "smile_left.mp4"
# What a run says and writes where there is no pyfhog.
WITHOUT_PYFHOG = """
import sys
sys.modules["pyfhog"] = None
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "pyfhog" else found(name, package)
from face_mirror_au.cli.app import app
app(sys.argv[1:])
"""


def described(module, image):
    features = np.full((image.shape[0] // 8 - 2, image.shape[1] // 8 - 2, 31), np.nan, np.float32)
    module.describe(image, features)
    return features


def random_pictures(count):
    """Noise of few and of many grey levels (few give equal gradients in several channels, and none at all), smooth ramps."""
    random = np.random.default_rng(7)
    for index in range(count - 2):
        levels = (256, 3, 2, 40)[index % 4]
        yield random.integers(0, levels, (112, 112, 3)).astype(np.uint8)
    y, x = np.mgrid[:112, :112]
    yield np.stack([x, y, (x + y) // 2], axis=-1).astype(np.uint8)
    yield np.zeros((112, 112, 3), np.uint8)


def test_kernel_and_twin_give_the_bits_of_pyfhog_on_random_pictures():
    pyfhog = pytest.importorskip("pyfhog", reason="pyfhog has no wheel here")
    for index, image in enumerate(random_pictures(1000)):
        expected = np.asarray(pyfhog.extract_fhog_features(image, cell_size=8), np.float32).reshape(12, 12, 31)
        # The twin takes 25 times as long.
        for module in (_kernels.fhog, fhog_numpy) if index % 25 < 4 else (_kernels.fhog,):
            np.testing.assert_array_equal(described(module, image), expected)


@pytest.mark.truth
@pytest.mark.parametrize("clip", ["default/dynamic", "changeLighting/dynamic"])
def test_the_bits_of_the_cpp_program_on_its_aligned_faces(shared_file, clip):
    with np.load(shared_file(f"truth/{clip}/frames.npz")) as truth:
        for aligned, hog in zip(truth["aligned"], truth["hog"], strict=True):
            found = described(_kernels.fhog, np.ascontiguousarray(aligned)).ravel()
            np.testing.assert_allclose(found, hog, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(24, 24), (40, 120), (112, 32)])
def test_other_sizes(shape):
    image = np.random.default_rng(3).integers(0, 256, (*shape, 3)).astype(np.uint8)
    np.testing.assert_array_equal(described(_kernels.fhog, image), described(fhog_numpy, image))


@pytest.mark.skipif(_kernels.loaded["fhog"] != "compiled", reason="the package was installed without compiled kernels")
@pytest.mark.parametrize("shape", [(112, 113, 3), (16, 112, 3), (112, 112, 4)])
def test_the_kernel_refuses_what_it_would_read_beyond(shape):
    with pytest.raises(ValueError, match="picture"):
        _kernels.fhog.describe(np.zeros(shape, np.uint8), np.zeros((12, 12, 31), np.float32))


def test_a_picture_without_gradients_has_no_features():
    assert not described(_kernels.fhog, np.full((112, 112, 3), 77, np.uint8)).any()


def test_pyfhog_serves_beside_restricted_models_alone(monkeypatch):
    pytest.importorskip("pyfhog", reason="pyfhog has no wheel here")
    assert fhog_program(unrestricted=True) == OWN
    assert fhog_program(unrestricted=False) == PYFHOG
    monkeypatch.setattr("face_mirror_au.numerics.fhog.find_spec", lambda name: None)
    assert fhog_program(unrestricted=False) == OWN


@pytest.mark.parametrize(("profile", "program"), [("open", OWN), ("hybrid", PYFHOG)])
def test_without_pyfhog_every_profile_gives_the_same(shared_file, tmp_path, profile, program):
    pytest.importorskip("pyfhog", reason="pyfhog has no wheel here")
    how = [
        "run",
        str(CLIP),
        "--profile",
        profile,
        "--workers",
        "0",
        "--device",
        "cpu",
        "--max-frames",
        "6",
        "--weights",
        str(shared_file("weights")),
    ]
    said, tables = [], []
    for name, start in (("with", ["-m", "face_mirror_au"]), ("without", ["-c", WITHOUT_PYFHOG])):
        subprocess.run([sys.executable, *start, *how, "-o", str(tmp_path / name)], check=True, env=os.environ, capture_output=True)
        folder = tmp_path / name / CLIP.stem
        said.append(json.loads((folder / f"{CLIP.stem}.metadata.json").read_text())["models"]["fhog"])
        tables.append((folder / f"{CLIP.stem}.csv").read_bytes())
    assert said == [program, OWN]
    assert tables[0] == tables[1]
