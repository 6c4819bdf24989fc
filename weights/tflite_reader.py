"""Reads a TFLite file into plain records: tensors, constants, operators with their options. Only what the two MediaPipe models hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_mirror_weights.errors import WeightsError

# TFLite schema (schema.fbs, enum Padding and enum ActivationFunctionType).
PADDING_SAME = 0
ACTIVATION_NONE = 0


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph: its name, its shape (TFLite's order, NHWC for pictures), and its values when it is a constant."""

    name: str
    shape: tuple[int, ...]
    values: NDArray[Any] | None


@dataclass(frozen=True)
class Operator:
    """One step of the graph: kind ("CONV_2D", or the name of a custom operator), tensor numbers, and the options that the file stores."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TFLiteGraph:
    """The first subgraph of a TFLite file, in execution order."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


# Option table and fields of each built-in operator that occurs.
_OPTION_FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "CONV_2D": (
        "Conv2DOptions",
        ("Padding", "StrideW", "StrideH", "DilationWFactor", "DilationHFactor", "FusedActivationFunction"),
    ),
    "DEPTHWISE_CONV_2D": (
        "DepthwiseConv2DOptions",
        ("Padding", "StrideW", "StrideH", "DilationWFactor", "DilationHFactor", "DepthMultiplier", "FusedActivationFunction"),
    ),
    "MAX_POOL_2D": ("Pool2DOptions", ("Padding", "StrideW", "StrideH", "FilterWidth", "FilterHeight", "FusedActivationFunction")),
    "ADD": ("AddOptions", ("FusedActivationFunction",)),
    "MUL": ("MulOptions", ("FusedActivationFunction",)),
    "CONCATENATION": ("ConcatenationOptions", ("Axis", "FusedActivationFunction")),
    "STRIDED_SLICE": ("StridedSliceOptions", ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask")),
}


def read_tflite(path: Path) -> TFLiteGraph:
    """Read a TFLite file.

    Parameters
    ----------
    path
        The ``.tflite`` file. Its content is trusted: the store has checked its SHA-256 before.

    Raises
    ------
    WeightsError
        It is not a TFLite file, or holds more than one graph.
    """
    import tflite  # here, not above: finding and fetching models must not need the converter's packages

    data = path.read_bytes()
    if data[4:8] != b"TFL3":
        raise WeightsError(f"{path}: not a TFLite file")
    model = tflite.Model.GetRootAs(data, 0)
    if model.SubgraphsLength() != 1:
        raise WeightsError(f"{path}: holds {model.SubgraphsLength()} graphs; the converter knows files with one")
    graph = model.Subgraphs(0)
    tensors = tuple(_read_tensor(tflite, model, graph.Tensors(i)) for i in range(graph.TensorsLength()))
    operators = tuple(_read_operator(tflite, model, graph.Operators(i)) for i in range(graph.OperatorsLength()))
    return TFLiteGraph(
        tensors,
        operators,
        inputs=tuple(int(i) for i in graph.InputsAsNumpy()),
        outputs=tuple(int(i) for i in graph.OutputsAsNumpy()),
    )


def _read_tensor(tflite: Any, model: Any, tensor: Any) -> Tensor:
    dtypes: dict[int, np.dtype[Any]] = {
        tflite.TensorType.FLOAT32: np.dtype("<f4"),
        tflite.TensorType.FLOAT16: np.dtype("<f2"),
        tflite.TensorType.INT32: np.dtype("<i4"),
    }
    name = tensor.Name().decode()
    if tensor.Type() not in dtypes:
        raise WeightsError(f"TFLite tensor {name} has type {tensor.Type()}, which the converter does not know")
    shape = tuple(int(n) for n in tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
    buffer = model.Buffers(tensor.Buffer())
    values = None
    if buffer.DataLength():
        values = np.frombuffer(buffer.DataAsNumpy().tobytes(), dtypes[tensor.Type()]).reshape(shape)
    return Tensor(name, shape, values)


def _read_operator(tflite: Any, model: Any, operator: Any) -> Operator:
    inputs = tuple(int(i) for i in operator.InputsAsNumpy())
    outputs = tuple(int(i) for i in operator.OutputsAsNumpy())
    code = model.OperatorCodes(operator.OpcodeIndex())
    # Files of schema version 3 and older keep the code in the deprecated 8-bit field only.
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    kind = next((name for name, value in vars(tflite.BuiltinOperator).items() if value == number), str(number))
    if kind == "CUSTOM":
        return Operator(code.CustomCode().decode(), inputs, outputs, _custom_options(operator))
    options: dict[str, Any] = {}
    if kind in _OPTION_FIELDS:
        table_name, fields = _OPTION_FIELDS[kind]
        table = getattr(tflite, table_name)()
        raw = operator.BuiltinOptions()
        table.Init(raw.Bytes, raw.Pos)
        options = {name: getattr(table, name)() for name in fields}
    return Operator(kind, inputs, outputs, options)


def _custom_options(operator: Any) -> dict[str, Any]:
    """Options of a custom operator: a FlexBuffers map, as MediaPipe's own operators write it; empty when there are none."""
    if not operator.CustomOptionsLength():
        return {}
    from flatbuffers import flexbuffers

    data = bytes(operator.CustomOptions(i) for i in range(operator.CustomOptionsLength()))
    options: dict[str, Any] = flexbuffers.Loads(data)
    return options
