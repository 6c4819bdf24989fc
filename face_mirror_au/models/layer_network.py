"""Small convolutional networks that come as a list of layers: made into a graph in memory and run by ONNX Runtime, on one thread.

Plain matrix products of NumPy are about as fast on an idle machine. But BLAS has threads of its own: where other processes want the
processors, too, they wait for each other, and it takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from face_mirror_au.models.session import ModelSession, cpu_options
from face_mirror_au.records import Float32Array

Shape = tuple[int, int, int]
"""Channels, height, width."""


@dataclass(frozen=True)
class Convolution:
    """Correlation with K kernels over the places where they fit, stride 1.

    Attributes
    ----------
    kernels : ndarray, (K, C, kh, kw) float32
    bias : ndarray, (K,) float32
    """

    kernels: Float32Array
    bias: Float32Array

    def output_shape(self, shape: Shape) -> Shape | None:
        """What comes of an input of this shape; None where there can be none."""
        outputs, maps, tall, wide = self.kernels.shape
        height, width = shape[1] - tall + 1, shape[2] - wide + 1
        return (outputs, height, width) if maps == shape[0] and min(height, width) > 0 else None


@dataclass(frozen=True)
class MaxPool:
    """Maximum over windows, `size` and `stride` as (rows, columns), strides of 1 or 2; the last window may hang over the border."""

    size: tuple[int, int]
    stride: tuple[int, int]

    def output_shape(self, shape: Shape) -> Shape | None:
        """As for `Convolution`."""
        height, width = (-(-(length - self.size[axis]) // self.stride[axis]) + 1 for axis, length in enumerate(shape[1:]))
        fits = shape[1] >= self.size[0] and shape[2] >= self.size[1]
        return (shape[0], height, width) if fits else None


@dataclass(frozen=True)
class Rectifier:
    """Negative values times the slope of their channel, (C,) float32: PReLU; ReLU where all slopes are 0, told by (1,)."""

    slopes: Float32Array

    def output_shape(self, shape: Shape) -> Shape | None:
        """As for `Convolution`."""
        return shape if self.slopes.size in {1, shape[0]} else None


Layer = Convolution | MaxPool | Rectifier


class LayerNetwork:
    """A network for pictures of at least one size.

    Parameters
    ----------
    layers : sequence of Layer
        They fit each other.
    path : Path
        The file that they came from, for messages.
    """

    def __init__(self, layers: Sequence[Layer], path: Path) -> None:
        self.layers = tuple(layers)
        self._path = path

    def __call__(self, pictures: Float32Array) -> Float32Array:
        """Run the network.

        Parameters
        ----------
        pictures : ndarray, (N, C, H, W) float32

        Returns
        -------
        ndarray, (N, K, h, w) float32

        Raises
        ------
        ModelRunError
        """
        return self._session.run(pictures=pictures)[0]

    @cached_property
    def _session(self) -> ModelSession:
        """Made at the first picture: a session belongs to the process that runs it."""
        import onnxruntime as ort

        graph = self._graph()
        return ModelSession(self._path, ort.InferenceSession(graph, cpu_options(threads=1), providers=["CPUExecutionProvider"]), ["values"])

    def _graph(self) -> bytes:
        from face_mirror_weights.onnx_graph import OnnxGraph

        graph, last = OnnxGraph(), "pictures"
        for layer in self.layers:
            if isinstance(layer, Convolution):
                last = graph.add("Conv", [last, graph.constant(layer.kernels), graph.constant(layer.bias)])
            elif isinstance(layer, MaxPool):
                last = graph.add("MaxPool", [last], kernel_shape=list(layer.size), strides=list(layer.stride), ceil_mode=1)
            elif layer.slopes.any():
                last = graph.add("PRelu", [last, graph.constant(layer.slopes[:, None, None])])
            else:
                last = graph.add("Relu", [last])
        graph.rename_output(last, "values")
        inputs, outputs = ("N", self._channels(0), "H", "W"), ("N", self._channels(-1), "h", "w")
        return graph.serialise(self._path.stem, [("pictures", inputs)], [("values", outputs)])

    def _channels(self, end: int) -> int:
        """Of what goes into the first convolution (0), or comes out of the last one (-1)."""
        kernels = [layer.kernels for layer in self.layers if isinstance(layer, Convolution)][end]
        return int(kernels.shape[1] if end == 0 else kernels.shape[0])
