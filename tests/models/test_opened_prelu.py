"""PRelu written in other operators: the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from face_mirror_au.models.attention_mesh import FORM, INPUT_SIDE
from face_mirror_au.models.opened_prelu import open_prelu
from face_mirror_au.models.pixels import crop_square
from face_mirror_au.models.session import open_session
from face_mirror_au.records import Image, Region

MESH = "weights/mediapipe-open/face_landmark_attention_fp16w.onnx"


def test_each_kind_of_number() -> None:
    graph = helper.make_graph(
        [helper.make_node("PRelu", ["x", "slope"], ["y"])],
        "prelu",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 6])],
        [numpy_helper.from_array(np.array([[[0.25], [-1.7]]], np.float32), "slope")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    x = np.array([[[0, 1e-30, -1e-30, 3.3, -3.3, -1e30]] * 2], np.float32)
    before = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    open_prelu(model)
    assert "PRelu" not in {node.op_type for node in model.graph.node}
    onnx.checker.check_model(model)
    after = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    np.testing.assert_array_equal(after, before)
    assert before[0, 1, 4] == pytest.approx(1.7 * 3.3)


def test_the_mesh_is_the_same_on_real_frames(shared_file: Callable[[str], Path], first_frames: Callable[[str, int], list[Image]]) -> None:
    path = shared_file(MESH)
    plain = open_session(path, inputs=list(FORM.inputs), outputs=list(FORM.limits))
    opened = FORM.open(path)
    for frame in first_frames("default.wmv", 120)[::12]:
        crop = crop_square(frame, Region(320.0, 240.0, 400.0), INPUT_SIDE)
        values = np.ascontiguousarray(crop[np.newaxis, :, :, ::-1]).astype(np.float32) / np.float32(255)
        for ours, theirs in zip(opened.run(input=values), plain.run(input=values), strict=True):
            np.testing.assert_array_equal(ours, theirs)
