"""The kernels of the landmark models and their NumPy twins give the same results on the same inputs."""

from __future__ import annotations

import os

import cv2
import numpy as np
import pytest

from face_mirror_au.models.openface_files import read_pdm
from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics._kernels import responses_numpy, stage_numpy
from face_mirror_au.numerics.clnf.shape import ShapeModel, similarity
from face_mirror_weights import open_models

compiled_only = pytest.mark.skipif(
    "numpy" in _kernels.loaded.values() and os.environ.get("FACE_MIRROR_AU_REQUIRE_KERNELS") != "1",
    reason="the package was installed without compiled kernels",
)
both_forms = pytest.mark.parametrize("form", [pytest.param("compiled", marks=compiled_only), "numpy"])


def _kernel(name, form):
    return getattr(_kernels, name) if form == "compiled" else {"responses": responses_numpy, "stage": stage_numpy}[name]


@pytest.fixture
def picture():
    random = np.random.default_rng(1)
    return cv2.GaussianBlur(random.integers(0, 256, (50, 60), dtype=np.uint8), (0, 0), 1.5)


@pytest.fixture
def points():
    random = np.random.default_rng(2)
    inside = random.uniform(-10.0, 60.0, (2, 12)).astype(np.float32)
    return np.concatenate([inside, np.array([[-1e5, 9e5, 59.0], [3.0, 9e5, 49.0]], np.float32)], axis=1)


TURN = np.array([[0.9, -0.35], [0.35, 0.9]], np.float32)


@both_forms
def test_the_experts_see_what_opencv_samples(form, picture, points):
    side, visible = 19, np.ones(points.shape[1], np.uint8)
    visible[3] = 0
    out = np.full((points.shape[1], side, side), 7.0, np.float32)
    _kernel("responses", form).areas(picture, points, visible, TURN, out)
    a, b, c = TURN[0, 0], -TURN[0, 1], np.float32(9.0)
    for index, (x, y) in enumerate(points.T):
        if visible[index]:
            matrix = np.array([[a, -b, x - a * c + b * c], [b, a, y - a * c - b * c]], np.float32)
            wanted = cv2.warpAffine(picture.astype(np.float32), matrix, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
            assert np.array_equal(out[index], wanted)
    assert not out[3].any()
    assert out.any()


def _experts(count, neurons=5):
    random = np.random.default_rng(3)
    weights = random.normal(0.0, 2.0, (count, neurons, 121)).astype(np.float32)
    weights -= weights.mean(axis=2, keepdims=True)
    amounts = random.uniform(0.1, 1.0, (count, neurons))
    amounts[0, 2] = 0.0
    return weights, random.normal(size=(count, neurons)), amounts


@compiled_only
@pytest.mark.parametrize("window", [1, 3, 5, 9, 15])
@pytest.mark.parametrize("smoothed", [True, False])
def test_responses_kernel_equals_twin(picture, points, window, smoothed):
    count, cells = points.shape[1], window**2
    visible = np.ones(count, np.uint8)
    visible[5] = 0
    areas = np.empty((count, window + 10, window + 10), np.float32)
    _kernels.responses.areas(picture, points, visible, TURN, areas)
    roots = np.random.default_rng(4).normal(0.0, 0.3, (count, cells, cells)).astype(np.float32)
    smoothing = (
        (np.eye(cells, dtype=np.float32) + roots + roots.transpose(0, 2, 1)) if smoothed else np.full((count, 1, 1), 0.5, np.float32)
    )
    outs = [np.full((count, window, window), 7.0, np.float32) for _ in range(2)]
    for kernel, out in zip((_kernels.responses, responses_numpy), outs, strict=True):
        kernel.ccnf(areas, visible, *_experts(count), smoothing, out)
    np.testing.assert_allclose(*outs, rtol=0, atol=2e-5 * outs[1].max())
    assert not outs[0][5].any()
    assert (outs[0] >= 0.0).all()


@compiled_only
@pytest.mark.parametrize("size", [1, 9, 81])
def test_inversion_kernel_equals_twin(size):
    random = np.random.default_rng(6)
    matrices = random.normal(0.0, 0.3 / size, (4, size, size)).astype(np.float32)
    matrices += matrices.transpose(0, 2, 1) + 2.0 * np.eye(size, dtype=np.float32)
    twin = matrices.copy()
    _kernels.responses.invert(matrices)
    responses_numpy.invert(twin)
    np.testing.assert_allclose(matrices, twin, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="not square"):
        _kernels.responses.invert(np.zeros((1, 3, 2), np.float32))


@both_forms
def test_a_patch_without_contrast_excites_nobody(form):
    weights, biases, amounts = _experts(1)
    out = np.empty((1, 3, 3), np.float32)
    areas = np.full((1, 13, 13), 200.25, np.float32)
    _kernel("responses", form).ccnf(areas, np.ones(1, np.uint8), weights, biases, amounts, np.ones((1, 1, 1), np.float32), out)
    np.testing.assert_allclose(out, (amounts / (1.0 + np.exp(-biases))).sum(), rtol=1e-5)


@pytest.fixture
def stage():
    """Arguments of a stage: a face a little beside its place, every answer a hill around the true one."""
    model = ShapeModel.of(read_pdm(open_models.PDM))
    random = np.random.default_rng(5)
    true = model.project(np.array([1.8, 0.1, -0.2, 0.05, 200.0, 150.0], np.float32), (0.5 * np.sqrt(model.eigenvalues)).astype(np.float32))
    pose = np.array([1.75, 0.05, -0.15, 0.0, 202.0, 149.0], np.float32)
    local = np.zeros(model.n_modes, np.float32)
    base = model.project(pose, local)
    to_reference = similarity(base, model.upright(0.5, local))
    places = to_reference @ (true - base) + 4.0
    x, y = np.meshgrid(np.arange(9), np.arange(9))
    hills = np.exp(-0.3 * ((x - places[0, :, None, None]) ** 2 + (y - places[1, :, None, None]) ** 2))
    responses = (hills + random.uniform(0.0, 0.01, hills.shape)).astype(np.float32)
    weights = random.uniform(0.5, 1.5, 68).astype(np.float32)
    weights[:3] = 0.0
    to_image = np.linalg.inv(to_reference)

    def run(kernel, rigid, iterations):
        moved = pose.copy(), local.copy()
        offsets = np.zeros((2, 68), np.float32)
        done = kernel.run(
            model.mean, model.components, model.modes, model.limits, np.float32(5.0) / model.eigenvalues, base, responses, weights,
            to_reference, to_image, 1.6, rigid, iterations, *moved, offsets,
        )  # fmt: skip
        return done, model.project(*moved), offsets, moved[1]

    run.true, run.base = true, base
    return run


@compiled_only
@pytest.mark.parametrize("rigid", [True, False])
@pytest.mark.parametrize("iterations", [1, 5])
def test_stage_kernel_equals_twin(stage, rigid, iterations):
    compiled, twin = (stage(kernel, rigid, iterations) for kernel in (_kernels.stage, stage_numpy))
    assert compiled[0] == twin[0]
    np.testing.assert_allclose(compiled[1], twin[1], rtol=0, atol=5e-4)
    np.testing.assert_allclose(compiled[2], twin[2], rtol=0, atol=5e-4)


@both_forms
def test_a_stage_goes_where_the_answers_are_and_stops(form, stage):
    done, found, _, _ = stage(_kernel("stage", form), False, 200)
    before, after = (np.hypot(*(points - stage.true)).mean() for points in (stage.base, found))
    assert after < 0.5 * before
    assert done < 200
    assert not stage(_kernel("stage", form), True, 5)[3].any(), "a rigid stage leaves the shape alone"


@both_forms
@pytest.mark.parametrize("broken", ["nan", "zero"])
def test_a_mean_shift_of_no_numbers_is_none(form, broken):
    responses = np.zeros((2, 5, 5), np.float32)
    responses[0] = 1.0
    offsets = np.full((2, 2), np.nan if broken == "nan" else 2.0, np.float32)
    shifts = np.full((2, 2), 9.0, np.float32)
    _kernel("stage", form).mean_shift(responses, offsets, np.ones(2, np.uint8), 1.5, shifts)
    assert np.isfinite(shifts).all()
    assert shifts[:, 1].tolist() == [0.0, 0.0]


@compiled_only
def test_kernels_refuse_what_does_not_belong_together(picture, points, stage):
    visible = np.ones(points.shape[1], np.uint8)
    with pytest.raises(ValueError, match="do not belong together"):
        _kernels.responses.areas(picture, points, visible[1:], TURN, np.empty((points.shape[1], 9, 9), np.float32))
    with pytest.raises(ValueError, match="do not belong together"):
        _kernels.responses.ccnf(
            np.zeros((15, 30, 30), np.float32), visible, *_experts(15), np.ones((15, 1, 1), np.float32), np.empty((15, 20, 20), np.float32)
        )
    model = ShapeModel.of(read_pdm(open_models.PDM))
    none = np.zeros((2, 68), np.float32)
    with pytest.raises(ValueError, match="do not belong together"):
        _kernels.stage.run(
            model.mean, model.components, model.modes, model.limits, model.eigenvalues[1:], none, np.zeros((68, 5, 5), np.float32),
            np.ones(68, np.float32), TURN, TURN, 1.0, False, 1, np.ones(6, np.float32), np.zeros(model.n_modes, np.float32), none,
        )  # fmt: skip
