"""Loading of networks: what is refused, and how it is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from face_mirror_au.errors import ModelFileError, ModelRunError
from face_mirror_au.models.session import DEAD_WEIGHTS, open_session
from face_mirror_au.records import Float32Array

SUBNORMAL = np.float32(1e-40)


def write_product(path: Path, weights: Float32Array) -> Path:
    """Write a network y = x * w."""
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [len(weights)])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [len(weights)])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    onnx.save(model, str(path))
    return path


@pytest.fixture
def product(tmp_path: Path) -> Path:
    return write_product(tmp_path / "product.onnx", np.array([2, SUBNORMAL, -3], dtype=np.float32))


def test_runs_in_the_order_of_the_names(product: Path) -> None:
    (result,) = open_session(product, inputs=["x"], outputs=["y"]).run(x=np.ones(3, dtype=np.float32))
    assert result[0] == 2
    assert result[2] == -3


@pytest.mark.parametrize(("flush", "expected"), [(False, SUBNORMAL * np.float32(2**20)), (True, np.float32(0))])
def test_subnormal_weights_become_zero_only_when_asked(product: Path, flush: bool, expected: np.float32) -> None:
    session = open_session(product, inputs=["x"], outputs=["y"], rewrites=[DEAD_WEIGHTS] if flush else [])
    (result,) = session.run(x=np.full(3, 2**20, dtype=np.float32))
    assert result.tolist() == [2.0**21, expected, -3 * 2.0**20]


@pytest.mark.parametrize("flush", [False, True])
@pytest.mark.parametrize("kept", [0, 1, 40])
def test_a_file_cut_short_is_named_in_one_line(product: Path, kept: int, flush: bool) -> None:
    product.write_bytes(product.read_bytes()[:kept])
    with pytest.raises(ModelFileError, match="fetch or import it again") as caught:
        open_session(product, inputs=["x"], outputs=["y"], rewrites=[DEAD_WEIGHTS] if flush else [])
    assert str(product) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no such model file"):
        open_session(tmp_path / "none.onnx", inputs=["x"], outputs=["y"])


@pytest.mark.parametrize(("inputs", "outputs", "missing"), [(["image"], ["y"], "input image"), (["x"], ["y", "loc"], "output loc")])
def test_another_network_is_refused(product: Path, inputs: list[str], outputs: list[str], missing: str) -> None:
    with pytest.raises(ModelFileError, match=f"has no {missing}"):
        open_session(product, inputs=inputs, outputs=outputs)


def test_an_unknown_device(product: Path) -> None:
    with pytest.raises(ModelRunError, match="unknown device 'abacus'"):
        open_session(product, inputs=["x"], outputs=["y"], device="abacus")


def test_a_wrong_input_is_one_line(product: Path) -> None:
    session = open_session(product, inputs=["x"], outputs=["y"])
    with pytest.raises(ModelRunError, match=r"product\.onnx: the network failed") as caught:
        session.run(x=np.ones((2, 2), dtype=np.float32))
    assert "\n" not in str(caught.value)


def test_importing_the_models_loads_neither_onnxruntime_nor_opencv() -> None:
    modules = ", ".join(f"face_mirror_au.models.{name}" for name in ("retinaface", "blazeface", "pfld", "attention_mesh", "protocols"))
    code = f"import sys, {modules}; print({{'onnxruntime', 'cv2', 'av'}} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
