"""The TFLite converter: its operators against NumPy, the whole models against an independent conversion."""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from face_mirror_weights import attention_ops
from face_mirror_weights.errors import WeightsError
from face_mirror_weights.fetch import fetch_set
from face_mirror_weights.import_folder import import_files, plan_import
from face_mirror_weights.manifest import PackageMember, load_manifest
from face_mirror_weights.onnx_graph import OnnxGraph
from face_mirror_weights.package_files import read_package_members
from face_mirror_weights.store import Store
from face_mirror_weights.tflite_reader import read_tflite
from face_mirror_weights.tflite_to_onnx import convert_tflite

Array = NDArray[np.float32]


def evaluate(model: bytes | Path, **inputs: Array) -> list[Array]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    source = model if isinstance(model, bytes) else str(model)
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    return [np.asarray(output) for output in session.run(None, inputs)]


OPTIONS: dict[str, Any] = {
    "left_rotation_idx": 1,
    "right_rotation_idx": 2,
    "target_rotation_radians": 0.0,
    "output_height": 8,
    "output_width": 4,
    "scale_x": 1.5,
    "scale_y": 2.0,
    "subset_idxs": [0, 2, 3, 5],
}


def box_matrix(landmarks: Array) -> NDArray[np.float64]:
    """The rotated box by angles, step by step."""
    points = landmarks[0, :, :2].astype(np.float64)
    line = points[2] - points[1]
    angle = math.atan2(line[1], line[0])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    level = (turn.T @ points[OPTIONS["subset_idxs"]].T).T
    centre = turn @ (level.max(axis=0) + level.min(axis=0)) / 2
    step = (level.max(axis=0) - level.min(axis=0)) * (1.5 / 4, 2.0 / 8)
    linear = turn * step
    return np.column_stack([linear, centre + linear @ (-2.0, -4.0)])


def test_the_rotated_box_is_the_one_by_angles() -> None:
    graph = OnnxGraph()
    name = attention_ops.landmarks_to_transform_matrix(graph, "landmarks", OPTIONS)
    model = graph.serialise("test", [("landmarks", (1, 7, 3))], [(name, (1, 4, 4))])
    random = np.random.default_rng(1)
    for _ in range(20):
        landmarks = random.uniform(0, 48, (1, 7, 3)).astype(np.float32)
        (matrix,) = evaluate(model, landmarks=landmarks)
        np.testing.assert_allclose(matrix[0, :2][:, [0, 1, 3]], box_matrix(landmarks), atol=2e-4)
        np.testing.assert_array_equal(matrix[0, 2:], [[0, 0, 1, 0], [0, 0, 0, 1]])
    with pytest.raises(WeightsError, match="target rotation 1"):
        attention_ops.landmarks_to_transform_matrix(OnnxGraph(), "landmarks", OPTIONS | {"target_rotation_radians": 1.0})


def test_the_crop_is_bilinear_at_pixel_centres_with_zeros_outside() -> None:
    height, width = 10, 12
    graph = OnnxGraph()
    name = attention_ops.transform_tensor_bilinear(graph, "map", "matrix", OPTIONS, map_height=height, map_width=width)
    model = graph.serialise("test", [("map", (1, 3, height, width)), ("matrix", (1, 4, 4))], [(name, (1, 3, 8, 4))])
    random = np.random.default_rng(2)
    feature_map = random.normal(size=(1, 3, height, width)).astype(np.float32)
    matrix = np.eye(4, dtype=np.float32)[np.newaxis]
    matrix[0, :2] = [[2.1, -0.7, 0, 3.2], [0.4, 1.3, 0, -1.1]]
    (crop,) = evaluate(model, map=feature_map, matrix=matrix)

    def pixel(y: int, x: int) -> Array:
        inside = 0 <= y < height and 0 <= x < width
        return np.asarray(feature_map[0, :, y, x] if inside else np.zeros(3), dtype=np.float32)

    outside = 0
    for v in range(8):
        for u in range(4):
            x, y = (matrix[0, :2] @ (u + 0.5, v + 0.5, 0, 1)) - 0.5
            column, row = math.floor(x), math.floor(y)
            right, below = x - column, y - row
            expected = (pixel(row, column) * (1 - right) + pixel(row, column + 1) * right) * (1 - below)
            expected = expected + (pixel(row + 1, column) * (1 - right) + pixel(row + 1, column + 1) * right) * below
            outside += not expected.any()
            np.testing.assert_allclose(crop[0, :, v, u], expected, atol=1e-4)
    assert 0 < outside < 32


def test_landmarks_are_moved_by_the_matrix() -> None:
    graph = OnnxGraph()
    name = attention_ops.transform_landmarks(graph, "points", "matrix")
    model = graph.serialise("test", [("points", (1, 6, 2)), ("matrix", (1, 4, 4))], [(name, (1, 6, 2))])
    random = np.random.default_rng(3)
    points = random.normal(size=(1, 6, 2)).astype(np.float32)
    matrix = random.normal(size=(1, 4, 4)).astype(np.float32)
    (moved,) = evaluate(model, points=points, matrix=matrix)
    np.testing.assert_allclose(moved[0], points[0] @ matrix[0, :2, :2].T + matrix[0, :2, 3], atol=1e-6)


def test_half_precision_constants_stay_so_in_the_file() -> None:
    graph = OnnxGraph()
    values = np.linspace(-3, 3, 5000, dtype=np.float16)
    name = graph.add("Add", ["x", graph.constant(values)])
    assert graph.constant(values.copy()) == graph.constant(values)
    model = graph.serialise("test", [("x", (5000,))], [(name, (5000,))])
    assert len(model) < 11_000
    np.testing.assert_array_equal(evaluate(model, x=np.zeros(5000, np.float32))[0], values.astype(np.float32))


def test_what_is_not_a_tflite_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tflite").write_bytes(b"\0" * 100)
    with pytest.raises(WeightsError, match="not a TFLite file"):
        read_tflite(tmp_path / "x.tflite")


# --- with MediaPipe's files, which come from the package index ---


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two TFLite files."""
    folder = tmp_path_factory.mktemp("mediapipe")
    members: dict[str, PackageMember] = {}
    for file in load_manifest().files_of("open"):
        assert file.package is not None
        members[file.key] = file.package
    try:
        contents = read_package_members(list(members.values()))
    except WeightsError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"the package index cannot be reached: {error}")
    for key, member in members.items():
        (folder / f"{key}.tflite").write_bytes(contents[member])
    return folder


CASES = [("blazeface", "blazeface_short_fp16w", 128), ("attention_mesh", "face_landmark_attention_fp16w", 192)]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("key", "other", "size"), CASES)
def test_whole_models_equal_an_independent_conversion(
    key: str, other: str, size: int, sources: Path, shared_file: Callable[[str], Path]
) -> None:
    import cv2

    shared = shared_file(f"weights/mediapipe-open/{other}.onnx")
    ours = convert_tflite(sources / f"{key}.tflite", key)
    assert ours == convert_tflite(sources / f"{key}.tflite", key)

    def interface(model: bytes | str) -> list[tuple[str, list[int], str]]:
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        return [(each.name, each.shape, each.type) for each in (*session.get_inputs(), *session.get_outputs())]

    assert interface(ours) == interface(str(shared))
    images = [np.random.default_rng(4).random((1, size, size, 3), dtype=np.float32)]
    for number in (1, 3):
        photo = cv2.imread(str(shared_file(f"media/sample{number}.jpg")))
        assert photo is not None
        images.append((cv2.resize(photo, (size, size))[np.newaxis, ..., ::-1] / 255).astype(np.float32))
    for image in images:
        for result, expected in zip(evaluate(ours, input=image), evaluate(shared, input=image), strict=True):
            # Equal to the last bit with onnxruntime 1.32; another version may fuse operators in another order.
            np.testing.assert_allclose(result, expected, atol=1e-3)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_fetch_open_and_import_of_the_sources_give_the_same(sources: Path, tmp_path: Path) -> None:
    fetch_set("open", tmp_path / "fetched")
    import_files(plan_import(sources), tmp_path / "imported")
    store = Store([tmp_path / "fetched"])
    assert store.missing("open") == []
    for key in ("blazeface", "attention_mesh"):
        assert store.sha256(key) == Store([tmp_path / "imported"]).sha256(key)
        if importlib.metadata.version("onnx").startswith("1.23."):
            first = load_manifest().file(key).versions[0]
            assert hashlib.sha256(store.require(key).read_bytes()).hexdigest() == first.sha256
    assert sorted(path.name for path in (tmp_path / "fetched").iterdir()) == [
        "attention_mesh.onnx",
        "attention_mesh.onnx.receipt.json",
        "blazeface.onnx",
        "blazeface.onnx.receipt.json",
    ]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_models_with_other_operators_are_refused(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from face_mirror_weights import tflite_to_onnx

    graph = read_tflite(sources / "blazeface.tflite")
    changed = [
        type(step)("SOFTMAX" if step.kind == "RELU" else step.kind, step.inputs, step.outputs, step.options) for step in graph.operators
    ]
    monkeypatch.setattr(tflite_to_onnx, "read_tflite", lambda _: type(graph)(graph.tensors, tuple(changed), graph.inputs, graph.outputs))
    with pytest.raises(WeightsError, match="operator SOFTMAX is not one that the converter knows"):
        convert_tflite(sources / "blazeface.tflite", "blazeface")
