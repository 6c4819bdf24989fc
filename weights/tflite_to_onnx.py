"""Converts MediaPipe's two TFLite models (BlazeFace short range, attention mesh) to ONNX.

Only the operators that these two models use. Pictures and feature maps are NCHW inside (ONNX's order, no transposes between layers);
the input and the outputs keep the shapes of the TFLite file. Half-precision weights stay half-precision in the file, which is lossless.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_mirror_weights import attention_ops
from face_mirror_weights.errors import WeightsError
from face_mirror_weights.onnx_graph import OnnxGraph
from face_mirror_weights.tflite_reader import ACTIVATION_NONE, PADDING_SAME, Operator, TFLiteGraph, read_tflite

CONVERTER_VERSION = 1  # goes into the receipt; raise it when the output changes
INPUT_NAME = "input"


def convert_tflite(path: Path, name: str) -> bytes:
    """Convert a TFLite file.

    Parameters
    ----------
    name
        Name of the ONNX graph.

    Returns
    -------
    bytes
        The ONNX model: one input named ``input`` of the TFLite input's shape (NHWC, float32), outputs with the TFLite outputs' names,
        shaped (1, ...) without inner axes of length 1: a (1, 1, 1, 1404) output becomes (1, 1404). The same file and the same version of
        the onnx package give the same bytes.

    Raises
    ------
    WeightsError
        The file holds something that these two models do not.
    """
    return _Converter(read_tflite(path)).convert(name)


class _Converter:
    """Walks the operators in order. `_names` maps a tensor's number to the name of its ONNX result; 4-D results are NCHW."""

    def __init__(self, source: TFLiteGraph) -> None:
        self._source = source
        self._graph = OnnxGraph()
        self._names: dict[int, str] = {}
        self._constants: dict[int, NDArray[Any]] = {i: t.values for i, t in enumerate(source.tensors) if t.values is not None}
        self._handlers: dict[str, Callable[[Operator], str]] = {
            "CONV_2D": self._convolution,
            "DEPTHWISE_CONV_2D": self._convolution,
            "MAX_POOL_2D": self._max_pool,
            "RELU": lambda op: self._graph.add("Relu", [self._value(op.inputs[0])]),
            "PRELU": self._prelu,
            "ADD": lambda op: self._elementwise("Add", op),
            "MUL": lambda op: self._elementwise("Mul", op),
            "PAD": self._pad,
            "RESHAPE": self._reshape,
            "CONCATENATION": self._concatenation,
            "STRIDED_SLICE": self._whole_slice,
            "Landmarks2TransformMatrix": self._transform_matrix,
            "TransformTensorBilinear": self._bilinear_crop,
            "TransformLandmarks": lambda op: attention_ops.transform_landmarks(self._graph, *(self._value(i) for i in op.inputs)),
        }

    def convert(self, name: str) -> bytes:
        if len(self._source.inputs) != 1:
            raise WeightsError(f"the TFLite model has {len(self._source.inputs)} inputs; the converter knows models with one")
        first = self._source.inputs[0]
        self._names[first] = self._graph.add("Transpose", [INPUT_NAME], perm=[0, 3, 1, 2])
        for operator in self._source.operators:
            self._step(operator)
        outputs = [self._output(i) for i in self._source.outputs]
        return self._graph.serialise(name, [(INPUT_NAME, self._shape(first))], outputs)

    def _step(self, operator: Operator) -> None:
        if operator.kind == "DEQUANTIZE":
            # Half-precision constants; ONNX stores them as they are (see OnnxGraph).
            self._constants[operator.outputs[0]] = self._constants[operator.inputs[0]]
            return
        if operator.kind not in self._handlers:
            raise WeightsError(f"TFLite operator {operator.kind} is not one that the converter knows")
        if operator.options.get("FusedActivationFunction", ACTIVATION_NONE) != ACTIVATION_NONE:
            raise WeightsError(f"TFLite operator {operator.kind} with a fused activation is not one that the converter knows")
        self._names[operator.outputs[0]] = self._handlers[operator.kind](operator)

    def _output(self, tensor: int) -> tuple[str, tuple[int, ...]]:
        shape = self._shape(tensor)
        result = self._flat(tensor)
        if len(shape) == 4:
            shape = (shape[0], *(n for n in shape[1:3] if n != 1), shape[3])
            result = self._graph.add("Reshape", [result, self._graph.constant(shape, np.int64)])
        name = self._source.tensors[tensor].name
        self._graph.rename_output(result, name)
        return name, shape

    def _shape(self, tensor: int) -> tuple[int, ...]:
        return self._source.tensors[tensor].shape

    def _value(self, tensor: int) -> str:
        """Name of a tensor's ONNX result; a constant is stored at its first use, in NCHW when it is 4-D."""
        if tensor in self._constants and tensor not in self._names:
            values = self._constants[tensor]
            self._names[tensor] = self._graph.constant(values.transpose(0, 3, 1, 2) if values.ndim == 4 else values)
        return self._names[tensor]

    def _flat(self, tensor: int) -> str:
        """The result in TFLite's own order of elements. Where height and width are 1 the two orders are the same."""
        shape = self._shape(tensor)
        if len(shape) == 4 and shape[1:3] != (1, 1):
            return self._graph.add("Transpose", [self._value(tensor)], perm=[0, 2, 3, 1])
        return self._value(tensor)

    def _convolution(self, operator: Operator) -> str:
        source, kernel, bias = operator.inputs
        weights = self._constants[kernel]
        channels = self._shape(source)[3]
        options = operator.options
        if operator.kind == "DEPTHWISE_CONV_2D":
            if options["DepthMultiplier"] != 1:
                raise WeightsError("TFLite DEPTHWISE_CONV_2D with a depth multiplier is not one that the converter knows")
            weights, groups = weights.transpose(3, 0, 1, 2), channels  # (1, H, W, C) -> (C, 1, H, W)
        else:
            weights, groups = weights.transpose(0, 3, 1, 2), 1  # (O, H, W, I) -> (O, I, H, W)
        if (options["DilationHFactor"], options["DilationWFactor"]) != (1, 1):
            raise WeightsError(f"TFLite {operator.kind} with dilation is not one that the converter knows")
        kernel_size = (int(weights.shape[2]), int(weights.shape[3]))
        return self._graph.add(
            "Conv",
            [self._value(source), self._graph.constant(weights), self._value(bias)],
            kernel_shape=list(kernel_size),
            strides=[options["StrideH"], options["StrideW"]],
            pads=self._pads(operator, kernel_size),
            group=groups,
        )

    def _max_pool(self, operator: Operator) -> str:
        options = operator.options
        kernel_size = (options["FilterHeight"], options["FilterWidth"])
        return self._graph.add(
            "MaxPool",
            [self._value(operator.inputs[0])],
            kernel_shape=list(kernel_size),
            strides=[options["StrideH"], options["StrideW"]],
            pads=self._pads(operator, kernel_size),
        )

    def _pads(self, operator: Operator, kernel_size: tuple[int, int]) -> list[int]:
        """ONNX pads (top, left, bottom, right). TensorFlow's SAME puts the odd pixel at the bottom and the right."""
        if operator.options["Padding"] != PADDING_SAME:
            return [0, 0, 0, 0]
        strides = (operator.options["StrideH"], operator.options["StrideW"])
        before, after = [], []
        for size, kernel, stride in zip(self._shape(operator.inputs[0])[1:3], kernel_size, strides, strict=True):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            before.append(total // 2)
            after.append(total - total // 2)
        return before + after

    def _prelu(self, operator: Operator) -> str:
        slopes = self._constants[operator.inputs[1]].reshape(-1, 1, 1)  # (1, 1, C), one slope a channel
        return self._graph.add("PRelu", [self._value(operator.inputs[0]), self._graph.constant(slopes)])

    def _elementwise(self, kind: str, operator: Operator) -> str:
        first, second = operator.inputs
        if self._shape(first) != self._shape(second) and self._shape(second) not in ((), (1,)):
            raise WeightsError(f"TFLite {operator.kind} of shapes {self._shape(first)} and {self._shape(second)} is not known")
        return self._graph.add(kind, [self._value(first), self._value(second)])

    def _pad(self, operator: Operator) -> str:
        amounts = self._constants[operator.inputs[1]]
        if amounts.shape != (4, 2):
            raise WeightsError(f"TFLite PAD of {amounts.shape[0]} axes is not one that the converter knows")
        channels_first = amounts[[0, 3, 1, 2]]
        pads = self._graph.constant(channels_first.T.ravel(), np.int64)
        return self._graph.add("Pad", [self._value(operator.inputs[0]), pads])

    def _reshape(self, operator: Operator) -> str:
        shape = self._shape(operator.outputs[0])
        if len(shape) == 4:
            if shape[1:3] != (1, 1):
                raise WeightsError("TFLite RESHAPE to a feature map is not one that the converter knows")
            shape = (shape[0], shape[3], 1, 1)
        return self._graph.add("Reshape", [self._flat(operator.inputs[0]), self._graph.constant(shape, np.int64)])

    def _concatenation(self, operator: Operator) -> str:
        if len(self._shape(operator.outputs[0])) == 4:
            raise WeightsError("TFLite CONCATENATION of four axes is not one that the converter knows")
        return self._graph.add("Concat", [self._value(i) for i in operator.inputs], axis=operator.options["Axis"])

    def _whole_slice(self, operator: Operator) -> str:
        """STRIDED_SLICE that takes everything (the attention mesh has one, to give an output a second name)."""
        source, begin, _, strides = operator.inputs
        whole = self._shape(operator.outputs[0]) == self._shape(source)
        if not whole or self._constants[begin].any() or (self._constants[strides] != 1).any():
            raise WeightsError("TFLite STRIDED_SLICE that takes a part is not one that the converter knows")
        return self._value(source)

    def _transform_matrix(self, operator: Operator) -> str:
        return attention_ops.landmarks_to_transform_matrix(self._graph, self._value(operator.inputs[0]), operator.options)

    def _bilinear_crop(self, operator: Operator) -> str:
        source, matrix = operator.inputs
        _, height, width, _ = self._shape(source)
        return attention_ops.transform_tensor_bilinear(
            self._graph, self._value(source), self._value(matrix), operator.options, map_height=height, map_width=width
        )
