"""Files in the form of OpenFace's detector and validator, made here and with nothing of them: small, and right."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

U8, I32, F32, F64 = 0, 4, 5, 6
_FORMS = {U8: "u1", I32: "<i4", F32: "<f4", F64: "<f8"}
SIDE = 60  # px of what a validator looks at

LIST = b"PNet PNet.dat\r\nRNet RNet.dat\r\nONet ONet.dat\r\n"


def matrix(values: ArrayLike, kind: int = F32) -> bytes:
    """Rows, columns, type, numbers."""
    array = np.atleast_2d(np.asarray(values, _FORMS[kind]))
    return struct.pack("<iii", *array.shape, kind) + array.tobytes()


def convolution(kernels: ArrayLike, bias: ArrayLike) -> bytes:
    """Kernels (inputs, outputs, rows, columns)."""
    array = np.asarray(kernels, np.float32)
    head = struct.pack("<iii", 0, array.shape[0], array.shape[1]) + np.asarray(bias, "<f4").tobytes()
    return head + b"".join(matrix(kernel) for maps in array for kernel in maps)


def pool(wide: int, tall: int, right: int, down: int) -> bytes:
    """As MTCNN's files have it."""
    return struct.pack("<iiiii", 1, wide, tall, right, down)


def fully_connected(weights: ArrayLike, bias: ArrayLike) -> bytes:
    """Weights (inputs, outputs)."""
    return struct.pack("<i", 2) + matrix(np.reshape(bias, (-1, 1))) + matrix(weights)


def prelu(slopes: ArrayLike) -> bytes:
    """As MTCNN's files have it."""
    return struct.pack("<i", 3) + matrix(np.reshape(slopes, (-1, 1)))


def layers(*each: bytes) -> bytes:
    """A layer list."""
    return struct.pack("<i", len(each)) + b"".join(each)


def mtcnn_network(name: str, face: float = 2.0, corrections: Sequence[float] = (0.0, 0.0, 0.0, 0.0)) -> bytes:
    """A network that says the same of every picture: `face` more for a face than against it, and these corrections."""
    values = [0.0, face, *corrections]
    if name == "PNet":
        return layers(pool(2, 2, 2, 2), convolution(np.zeros((3, 6, 6, 6)), values))
    outputs = values if name == "RNet" else values + [0.0] * 10
    halvings, side = (2, 6) if name == "RNet" else (4, 3)
    last = fully_connected(np.zeros((3 * side * side, len(outputs))), outputs)
    return layers(*[pool(2, 2, 2, 2)] * halvings, prelu([0.25] * 3), last)


def validator(steps: int = 4, says: int = 3) -> bytes:
    """A validator of two views whose networks give the same step of certainty for every picture."""
    owner, mask = np.full((SIDE, SIDE), -1), np.zeros((SIDE, SIDE))
    owner[10:50, 20:40], mask[10:50, 20:40] = 0, 1
    pixels = int(mask.sum())
    network = layers(
        struct.pack("<i", 1), struct.pack("<i", 3), convolution(np.zeros((1, steps, 30, 30)), np.arange(steps) == says)
    )  # fmt: skip
    view = (
        matrix(np.zeros((1, pixels)), F64) + matrix(np.ones((1, pixels)), F64) + network + struct.pack("<idd", pixels, -10.0, -5.0)
        + matrix(np.zeros((136, 1)), F64) + matrix([[0, 16, 8], [36, 45, 57]], I32) + matrix(owner, I32) + matrix(mask, I32)
        + matrix([[0.0, 0.02, 0.0], [0.0, 0.02, 0.0]], F64) + matrix([[0.0, 0.0, 0.02], [0.0, 0.0, 0.02]], F64)
    )  # fmt: skip
    return struct.pack("<ii", 3, 2) + matrix([[0.0, 0.0, 0.0]], F64) + matrix([[0.0], [45.0], [0.0]], F64) + view + view
