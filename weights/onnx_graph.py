"""A small builder of ONNX graphs: numbered names in a fixed order, so that the same input always gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, DTypeLike, NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 16  # the first with GridSample, which the attention mesh needs
IR_VERSION = 8  # the one that belongs to opset 16; any newer would shut out older onnxruntime versions
PRODUCER = "face_mirror_weights"


class OnnxGraph:
    """Nodes and constants of a graph under construction.

    Half-precision constants are stored as they are, with a Cast behind them: lossless, half the file, and ONNX Runtime folds the
    casts away when it loads the model.
    """

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._constant_names: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def add(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Append a node with one output and return that output's name."""
        output = f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, values: ArrayLike, dtype: DTypeLike | None = None) -> str:
        """Name of a constant with these values, float32 to the nodes that use it. Equal constants are stored once."""
        array: NDArray[Any] = np.ascontiguousarray(values, dtype=dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constant_names:
            name = f"constant_{len(self._constants)}"
            self._constants.append(numpy_helper.from_array(array, name))
            self._constant_names[key] = self.add("Cast", [name], to=TensorProto.FLOAT) if array.dtype == np.float16 else name
        return self._constant_names[key]

    def rename_output(self, old: str, new: str) -> None:
        """Give a finished result the public name `new`, without a copying node where a node makes it."""
        for node in self._nodes:
            for names in (node.input, node.output):
                for position, name in enumerate(names):
                    if name == old:
                        names[position] = new

    def serialise(
        self,
        name: str,
        inputs: Sequence[tuple[str, Sequence[int | str]]],
        outputs: Sequence[tuple[str, Sequence[int | str]]],
    ) -> bytes:
        """The finished, checked model as bytes; inputs and outputs are float32, given as name and shape; a side of any size has a name."""
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info(each, TensorProto.FLOAT, list(shape)) for each, shape in inputs],
            [helper.make_tensor_value_info(each, TensorProto.FLOAT, list(shape)) for each, shape in outputs],
            initializer=self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name=PRODUCER)
        onnx.checker.check_model(model, full_check=True)
        data: bytes = model.SerializeToString(deterministic=True)
        return data
