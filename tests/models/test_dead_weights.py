"""Channels that cannot change a network's output are taken out, and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from face_mirror_au.models.dead_weights import BLOCK, drop_dead_weights, remove_dead_channels
from face_mirror_au.records import Float32Array

N = 4 * BLOCK  # channels between the two convolutions
RNG = np.random.default_rng(5)


def arrays(zero_made: int, zero_read: int) -> dict[str, Float32Array]:
    """Weights of an inverted residual block: the first `zero_made` channels are made of nothing, the last `zero_read` are not read."""
    found: dict[str, Any] = {
        "expand": RNG.normal(size=(N, 3, 1, 1)),
        "depthwise": RNG.normal(size=(N, 1, 3, 3)),
        "project": RNG.normal(size=(5, N, 1, 1)),
        "scale": RNG.normal(size=N),
        "shift": RNG.normal(size=N) + 1.0,
        "mean": RNG.normal(size=N),
        "variance": RNG.uniform(0.5, 2.0, size=N),
    }
    found["depthwise"][:zero_made] = 0
    found["project"][:, N - zero_read :] = 0
    return {name: values.astype(np.float32) for name, values in found.items()}


def block(weights: dict[str, Float32Array], extra_output: bool = False) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Conv", ["x", "expand"], ["e"], group=1),
        helper.make_node("Relu", ["e"], ["er"]),
        helper.make_node("Conv", ["er", "depthwise"], ["d"], group=N, pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["d", "scale", "shift", "mean", "variance"], ["b"], epsilon=1e-5),
        helper.make_node("Relu", ["b"], ["r"]),
        helper.make_node("Conv", ["r", "project"], ["y"], group=1),
    ]
    outputs = ["y", "r"] if extra_output else ["y"]
    graph = helper.make_graph(
        nodes,
        "block",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)


def run(model: onnx.ModelProto) -> Float32Array:
    x = np.random.default_rng(0).normal(size=(1, 3, 8, 8)).astype(np.float32)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["y"], {"x": x})[0])


def width(model: onnx.ModelProto) -> int:
    return next(tensor.dims[1] for tensor in model.graph.initializer if tensor.name == "project")


@pytest.mark.parametrize(
    ("zero_made", "zero_read", "left"),
    [(0, 2 * BLOCK, 2 * BLOCK), (2 * BLOCK, 0, 2 * BLOCK), (BLOCK, BLOCK + 1, 2 * BLOCK), (0, BLOCK - 1, N), (0, 0, N)],
)
def test_dead_channels_go_by_whole_blocks_and_the_output_stays(zero_made: int, zero_read: int, left: int) -> None:
    model = block(arrays(zero_made, zero_read))
    before = run(model)
    assert remove_dead_channels(model) == N - left
    assert width(model) == left
    np.testing.assert_allclose(run(model), before, rtol=0, atol=2e-5 * np.abs(before).max())


def test_a_channel_of_one_value_is_more_than_rounding_in_the_output() -> None:
    """Else the test above would not see whether that value goes into the bias."""
    model = block(arrays(2 * BLOCK, 0))
    before = run(model)
    remove_dead_channels(model)
    del model.graph.node[-1].input[2]
    assert np.abs(run(model) - before).max() > 0.1


def test_channels_that_somebody_else_reads_stay() -> None:
    model = block(arrays(0, 2 * BLOCK), extra_output=True)
    assert remove_dead_channels(model) == 0
    assert width(model) == N


def test_weights_that_another_operator_shares_stay() -> None:
    model = block(arrays(0, 2 * BLOCK))
    model.graph.node.append(helper.make_node("Identity", ["scale"], ["z"]))
    model.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, None))
    assert remove_dead_channels(model) == 0


@pytest.mark.truth
def test_pfld_loses_a_third_of_its_weights_and_keeps_its_output(shared_file: Callable[[str], Path]) -> None:
    path = shared_file("weights/retinaface-pfld/pfld_cunjian.onnx")
    model = onnx.load(str(path))
    drop_dead_weights(model)
    slim = model.SerializeToString()
    assert len(slim) < 0.65 * path.stat().st_size
    x = np.random.default_rng(1).random((1, 3, 112, 112), dtype=np.float32)
    outputs = [
        ort.InferenceSession(source, providers=["CPUExecutionProvider"]).run(None, {"input": x})[0] for source in (path.read_bytes(), slim)
    ]
    assert np.ptp(outputs[0]) > 0.2
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=0, atol=2e-6)
