"""Every compiled kernel and its NumPy twin give the same results on the same inputs."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from face_mirror_au.models.openface_files import read_pdm, read_triangles
from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics._kernels import mask_numpy, pose_numpy, running_median_numpy
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_weights import open_models

compiled_only = pytest.mark.skipif(
    "numpy" in _kernels.loaded.values() and os.environ.get("FACE_MIRROR_AU_REQUIRE_KERNELS") != "1",
    reason="the package was installed without compiled kernels",
)


@pytest.fixture
def landmarks():
    random = np.random.default_rng(1)
    pdm = read_pdm(open_models.PDM)
    local = random.normal(size=pdm.n_modes) * np.sqrt(pdm.eigenvalues)
    points = pdm.project(np.array([2.5, 0.1, -0.2, 0.15, 320.0, 240.0]), local)
    return points + random.normal(scale=1.5, size=points.shape)


@compiled_only
@pytest.mark.parametrize("hidden", [[], [0, 17, 40]])
def test_pose_kernel_equals_twin(landmarks, monkeypatch, hidden):
    landmarks[hidden, 0] = 0.0
    fitter = PoseFitter(read_pdm(open_models.PDM))
    compiled = fitter.fit(landmarks)
    monkeypatch.setattr(_kernels, "pose", pose_numpy)
    twin = fitter.fit(landmarks)
    assert compiled.iterations == twin.iterations
    np.testing.assert_allclose(compiled.pose, twin.pose, rtol=0, atol=1e-9)
    np.testing.assert_allclose(compiled.local, twin.local, rtol=0, atol=1e-8)


@compiled_only
@pytest.mark.parametrize("counts", [np.uint16, np.uint32])
@pytest.mark.parametrize("numbers", [np.float32, np.float64])
def test_running_median_kernel_equals_twin(counts, numbers):
    random = np.random.default_rng(2)
    size, bins = 50, 40
    levels = np.linspace(-2.0, 3.0, bins)
    states = [
        [np.zeros((size, bins), counts), np.zeros(size, np.int32), np.zeros(size, np.int32), np.full(size, levels[0])] for _ in range(2)
    ]
    for count in range(1, 120):
        values = random.normal(np.linspace(-1.5, 2.0, size), 0.5).astype(numbers)
        values[:3] = 1e30, -1e30, 0.0
        rank = int(0.1 * count) + 1 if count % 2 else (count + 1) // 2  # up and down by many bins
        for update, state in ((_kernels.running_median.update, states[0]), (running_median_numpy.update, states[1])):
            update(values, *state[:3], rank, -2.0, 5.0, levels, state[3])
        for compiled, twin in zip(*states, strict=True):
            assert np.array_equal(compiled, twin)
    assert len(set(states[0][3])) > 10


@compiled_only
def test_mask_kernel_equals_twin():
    random = np.random.default_rng(3)
    triangles = read_triangles(open_models.TRIANGLES)
    for _ in range(20):
        points = random.uniform(-30.0, 140.0, (68, 2))
        points[::5] = np.round(points[::5])  # corners and edges exactly on pixels
        masks = [np.zeros((112, 100), np.uint8) for _ in range(2)]
        _kernels.mask.fill_triangles(points, triangles, masks[0])
        mask_numpy.fill_triangles(points, triangles, masks[1])
        assert masks[0].any()
        assert np.array_equal(*masks)


def test_mask_holds_every_pixel_of_a_triangle_edges_included():
    mask = np.zeros((6, 6), np.uint8)
    mask_numpy.fill_triangles(np.array([[1.0, 1.0], [4.0, 1.0], [1.0, 4.0]]), np.array([[0, 1, 2]], np.int32), mask)
    expected = [[0] * 6, [0, 1, 1, 1, 1, 0], [0, 1, 1, 1, 0, 0], [0, 1, 1, 0, 0, 0], [0, 1, 0, 0, 0, 0], [0] * 6]
    assert mask.tolist() == expected


@compiled_only
def test_mask_kernel_refuses_an_index_beyond_the_points():
    with pytest.raises(IndexError, match="names point 3 of 3"):
        _kernels.mask.fill_triangles(np.zeros((3, 2)), np.array([[0, 1, 3]], np.int32), np.zeros((4, 4), np.uint8))


def _import_kernels(**environment):
    return subprocess.run(
        [sys.executable, "-c", "from face_mirror_au.numerics import _kernels; print(_kernels.loaded['pose'])"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_twins_on_request():
    assert _import_kernels(FACE_MIRROR_AU_KERNELS="off").stdout.strip() == "numpy"


def test_a_required_kernel_that_is_missing_is_an_error(tmp_path):
    blocker = tmp_path / "sitecustomize.py"
    blocker.write_text("import sys\nsys.modules['face_mirror_au.numerics._kernels.pose'] = None\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    required = _import_kernels(PYTHONPATH=path, FACE_MIRROR_AU_REQUIRE_KERNELS="1")
    assert required.returncode != 0
    assert "the compiled kernel 'pose' could not be loaded" in required.stderr
    assert _import_kernels(PYTHONPATH=path, FACE_MIRROR_AU_REQUIRE_KERNELS="0").stdout.strip() == "numpy"
