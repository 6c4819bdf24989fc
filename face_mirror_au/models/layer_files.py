"""Reader of the layer lists that OpenFace 2.2 keeps its convolutional networks in: MTCNN's three and the validator's."""

from __future__ import annotations

import numpy as np

from face_mirror_au.models.binary_file import F32, BinaryFile
from face_mirror_au.models.layer_network import Convolution, Layer, LayerNetwork, MaxPool, Rectifier, Shape
from face_mirror_au.records import Float32Array

# OpenFace's numbers for the kinds of layer.
_CONVOLUTION, _MAX_POOL, _FULLY_CONNECTED, _RECTIFIER = range(4)
# OpenFace's largest: 14 layers, 128 maps, kernels of 9 x 9.
_MAX_LAYERS, _MAX_MAPS, _MAX_KERNEL = 64, 1024, 31
# Products over the layers must stay numbers; OpenFace's weights and slopes are below 100.
_MAX_WEIGHT = 1e4


def read_network(file: BinaryFile, shape: Shape, outputs: int, *, mtcnn: bool) -> LayerNetwork:
    """Read the next layer list of a file.

    Parameters
    ----------
    file : BinaryFile
    shape : tuple of int
        Channels, height, width of what the network looks at, or of the least that it looks at.
    outputs : int
        How many values it gives for that; 0 for any number.
    mtcnn : bool
        In MTCNN's files a pooling layer tells its size and a rectifier its slopes; in a validator's all pool 2 x 2 and all slopes are 0.

    Raises
    ------
    ModelFileError
        Also when the layers do not fit the input, each other, or the number of outputs.
    """
    layers: list[Layer] = []
    for number in range(1, file.integer("number of layers", 1, _MAX_LAYERS) + 1):
        layer = _read_layer(file, shape, mtcnn=mtcnn)
        following = layer.output_shape(shape)
        if following is None:
            raise file.damaged(f"its layer {number} does not take {shape[0]} maps of {shape[1]} x {shape[2]}")
        layers.append(layer)
        shape = following
    if shape[1:] != (1, 1) or (outputs and shape[0] != outputs) or not any(isinstance(layer, Convolution) for layer in layers):
        raise file.damaged(f"its layers end in {shape[0]} maps of {shape[1]} x {shape[2]}, not in {outputs or 'some'} values")
    return LayerNetwork(layers, file.path)


def _read_layer(file: BinaryFile, shape: Shape, *, mtcnn: bool) -> Layer:
    kind = file.integer("kind of layer", _CONVOLUTION, _RECTIFIER)
    if kind == _CONVOLUTION:
        return _read_convolution(file)
    if kind == _FULLY_CONNECTED:
        return _read_fully_connected(file, shape)
    if kind == _RECTIFIER:
        return Rectifier(_sane(file, file.matrix("slopes", (None, 1), F32)).ravel() if mtcnn else np.zeros(1, np.float32))
    wide, tall = (file.integer("pooling", 1, _MAX_KERNEL) for _ in range(2)) if mtcnn else (2, 2)
    right, down = (file.integer("stride", 1, 2) for _ in range(2)) if mtcnn else (2, 2)
    return MaxPool((tall, wide), (down, right))


def _read_convolution(file: BinaryFile) -> Convolution:
    maps = file.integer("number of maps", 1, _MAX_MAPS)
    outputs = file.integer("number of kernels", 1, _MAX_MAPS)
    bias = _sane(file, np.frombuffer(file.take(4 * outputs, "bias"), "<f4"))
    first = file.matrix("kernel", (None, None), F32)
    if max(first.shape) > _MAX_KERNEL:
        raise file.damaged(f"its kernels claim {first.shape[0]} x {first.shape[1]} values")
    record = np.dtype([("head", "<i4", 3), ("values", "<f4", first.shape)])
    rest = np.frombuffer(file.take((maps * outputs - 1) * record.itemsize, "kernels"), record)
    if (rest["head"] != (*first.shape, F32)).any():
        raise file.damaged(f"its kernels are not all of {first.shape[0]} x {first.shape[1]} float32 values")
    kernels = _sane(file, np.concatenate([first[None], rest["values"]])).reshape(maps, outputs, *first.shape)
    return Convolution(np.ascontiguousarray(kernels.swapaxes(0, 1)), bias)


def _read_fully_connected(file: BinaryFile, shape: Shape) -> Convolution:
    """Weights of all values of the input, map by map, each column by column: a kernel as large as the input."""
    bias = _sane(file, file.matrix("bias", (None, 1), F32)).ravel()
    channels, height, width = shape
    weights = _sane(file, file.matrix("weights", (channels * height * width, bias.size), F32))
    return Convolution(np.ascontiguousarray(weights.reshape(channels, width, height, bias.size).transpose(3, 0, 2, 1)), bias)


def _sane(file: BinaryFile, values: np.ndarray) -> Float32Array:
    if not (np.abs(values) <= _MAX_WEIGHT).all():
        raise file.damaged(f"a layer of it holds values that are not finite, or beyond {_MAX_WEIGHT:g}")
    return values.astype(np.float32)
