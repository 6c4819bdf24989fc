"""Which nodes of our networks CoreML's provider does not take, by its own list: what can be said without a Mac."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from face_mirror_au.models.session import FIXED_DIMENSIONS, cpu_options

# Operators of ONNX that CoreML's provider takes in the format MLProgram. From ONNX Runtime's own list,
# tools/ci_build/github/apple/coreml_supported_mlprogram_ops.md of github.com/microsoft/onnxruntime, commit 04f568d8, read in November 2026.
MLPROGRAM = set(
    """
    Add ArgMax AveragePool Cast Ceil Clip Concat Conv ConvTranspose Cos DepthToSpace Div Elu Erf Exp GatherND Gelu Gemm GlobalAveragePool
    GlobalMaxPool GridSample GroupNormalization HardSigmoid Identity InstanceNormalization LayerNormalization LeakyRelu MatMul Max MaxPool
    Mul PRelu Pow Range Reciprocal ReduceMax ReduceMean ReduceSum Relu Reshape Resize Round Shape Sigmoid Sin Slice Softmax Softplus Split
    Sqrt Squeeze Sub Tanh Tile Transpose Unsqueeze
    """.split()  # noqa: SIM905  (a list of sixty quoted words is harder to compare with its source)
)
DOCS = Path(__file__).resolve().parents[2] / "docs" / "devices.md"
# File, nodes, and those that stay on the CPU: after ONNX Runtime's basic fusions, which come before it asks its providers.
NETWORKS = [
    ("PFLD", "retinaface-pfld/pfld_cunjian.onnx", 90, {}),
    ("BlazeFace", "mediapipe-open/blazeface_short_fp16w.onnx", 95, {"Pad": 11}),
    (
        "attention mesh",
        "mediapipe-open/face_landmark_attention_fp16w.onnx",
        461,
        {"Pad": 9, "Gather": 6, "Neg": 3, "ReduceL2": 3, "ReduceMin": 3},
    ),
]


@pytest.mark.parametrize(("name", "file", "nodes", "on_cpu"), NETWORKS, ids=[network[0] for network in NETWORKS])
def test_nodes_that_stay_on_the_cpu(shared_file, tmp_path, name, file, nodes, on_cpu):
    onnx, ort = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    options = cpu_options(1)
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "as_providers_see_it.onnx")
    for dimension, size in FIXED_DIMENSIONS.items():
        options.add_free_dimension_override_by_name(dimension, size)
    ort.InferenceSession(str(shared_file(f"weights/{file}")), options, providers=["CPUExecutionProvider"])
    graph = onnx.load(options.optimized_model_filepath).graph
    found = Counter(node.op_type for node in graph.node)
    assert {kind: count for kind, count in found.items() if kind not in MLPROGRAM} == on_cpu
    # ONNX Runtime's own fusions move with its version; the docs say "about".
    assert found.total() == pytest.approx(nodes, rel=0.1)
    # RequireStaticInputShapes: a node with an open dimension would not be taken.
    inferred = onnx.shape_inference.infer_shapes(onnx.load(options.optimized_model_filepath)).graph
    dimensions = [dimension for value in (*inferred.input, *inferred.value_info) for dimension in value.type.tensor_type.shape.dim]
    assert dimensions
    assert all(dimension.HasField("dim_value") for dimension in dimensions)


def test_the_docs_have_the_same_table():
    rows = {
        cells[0]: cells
        for line in DOCS.read_text().splitlines()
        if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 4
    }
    for name, _, nodes, on_cpu in NETWORKS:
        assert rows[name][1] == str(nodes)
        assert rows[name][2] == str(sum(on_cpu.values()))
        assert dict(re.findall(r"(\w+) (\d+)", rows[name][3])) == {kind: str(count) for kind, count in on_cpu.items()}
