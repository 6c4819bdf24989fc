"""MediaPipe's three custom operators in plain ONNX (opset 16).

What they compute is stated by MediaPipe's own sources (mediapipe/util/tflite/operations, version 2 of each operator); this is a
formulation of its own in whole-array ONNX operators.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from face_mirror_weights.errors import WeightsError
from face_mirror_weights.onnx_graph import OnnxGraph


def landmarks_to_transform_matrix(graph: OnnxGraph, landmarks: str, options: dict[str, Any]) -> str:
    """`Landmarks2TransformMatrix`: the rotated box around some landmarks, as a matrix from pixels of the crop to pixels of the map.

    With R the rotation that lays the line from landmark `left_rotation_idx` to `right_rotation_idx` level: the subset is rotated by R,
    its bounding box is taken there and scaled by (scale_x, scale_y) about its centre. The matrix takes the crop's pixel (u, v) to
    ``centre + R^-1 * (box size / output size) * ((u, v) - output size / 2)``.

    Parameters
    ----------
    landmarks
        (1, N, 3) landmarks in pixels of the feature map.
    options
        The operator's options in the file.

    Returns
    -------
    str
        (1, 4, 4), a 2-D affine matrix in homogeneous form: rows 0 and 1, columns 0, 1 and 3 matter.
    """
    if options["target_rotation_radians"] != 0.0:
        raise WeightsError(f"Landmarks2TransformMatrix with target rotation {options['target_rotation_radians']} is not known")
    xy = graph.add("Slice", [landmarks, *_ints(graph, [0], [2], [2])])
    ends = graph.add("Gather", [xy, _int_list(graph, [options["left_rotation_idx"], options["right_rotation_idx"]])], axis=1)
    left = graph.add("Slice", [ends, *_ints(graph, [0], [1], [1])])
    right = graph.add("Slice", [ends, *_ints(graph, [1], [2], [1])])
    line = graph.add("Sub", [right, left])
    # Cosine and sine by division, not through an angle: opset 16 has no atan2.
    direction = graph.add("Div", [line, graph.add("ReduceL2", [line], axes=[2], keepdims=1)])
    cosine = graph.add("Slice", [direction, *_ints(graph, [0], [1], [2])])
    sine = graph.add("Slice", [direction, *_ints(graph, [1], [2], [2])])
    upper = graph.add("Concat", [cosine, graph.add("Neg", [sine])], axis=2)
    unrotate = graph.add("Concat", [upper, graph.add("Concat", [sine, cosine], axis=2)], axis=1)  # R^-1, (1, 2, 2)

    subset = graph.add("Gather", [xy, _int_list(graph, options["subset_idxs"])], axis=1)
    level = graph.add("MatMul", [subset, unrotate])  # row vectors: p * R^-1 is (R * p) transposed
    highest = graph.add("ReduceMax", [level], axes=[1], keepdims=1)
    lowest = graph.add("ReduceMin", [level], axes=[1], keepdims=1)
    size = graph.add("Sub", [highest, lowest])  # (1, 1, 2)
    middle = graph.add("Mul", [graph.add("Add", [highest, lowest]), graph.constant([0.5], np.float32)])

    width, height = options["output_width"], options["output_height"]
    step = graph.add("Mul", [size, graph.constant([[[options["scale_x"] / width, options["scale_y"] / height]]], np.float32)])
    linear = graph.add("Mul", [unrotate, step])  # columns scaled: R^-1 * diag(step)
    centre = graph.add("MatMul", [unrotate, graph.add("Transpose", [middle], perm=[0, 2, 1])])
    corner = graph.add("MatMul", [linear, graph.constant([[[-width / 2], [-height / 2]]], np.float32)])
    shift = graph.add("Add", [centre, corner])
    top = graph.add("Concat", [linear, graph.constant(np.zeros((1, 2, 1)), np.float32), shift], axis=2)
    bottom = graph.constant([[[0, 0, 1, 0], [0, 0, 0, 1]]], np.float32)
    return graph.add("Concat", [top, bottom], axis=1)


def transform_tensor_bilinear(
    graph: OnnxGraph, feature_map: str, matrix: str, options: dict[str, Any], *, map_height: int, map_width: int
) -> str:
    """`TransformTensorBilinear`: crop a feature map through the matrix, bilinear, zeros outside, samples at pixel centres (+ 0.5).

    Parameters
    ----------
    feature_map
        (1, C, map_height, map_width).
    matrix
        (1, 4, 4) from `landmarks_to_transform_matrix`.
    options
        The operator's options in the file (size of the crop).
    map_height, map_width
        Size of the feature map.

    Returns
    -------
    str
        (1, C, output_height, output_width).
    """
    height, width = options["output_height"], options["output_width"]
    v, u = np.mgrid[0:height, 0:width] + 0.5
    centres = np.stack([u.ravel(), v.ravel(), np.zeros(u.size), np.ones(u.size)])[np.newaxis]  # (1, 4, height * width)
    rows = graph.add("Slice", [matrix, *_ints(graph, [0], [2], [1])])
    points = graph.add("MatMul", [rows, graph.constant(centres, np.float32)])
    # GridSample counts from -1 to 1 between the outer edges of the outer pixels (align_corners = 0).
    scaled = graph.add("Mul", [points, graph.constant([[[2 / map_width], [2 / map_height]]], np.float32)])
    normalised = graph.add("Sub", [scaled, graph.constant([1.0], np.float32)])
    grid = graph.add("Transpose", [normalised], perm=[0, 2, 1])
    grid = graph.add("Reshape", [grid, _int_list(graph, [1, height, width, 2])])
    return graph.add("GridSample", [feature_map, grid], mode="bilinear", padding_mode="zeros", align_corners=0)


def transform_landmarks(graph: OnnxGraph, landmarks: str, matrix: str) -> str:
    """`TransformLandmarks`: apply the 2-D affine part of the matrix to (1, N, 2) points."""
    linear = graph.add("Slice", [matrix, *_ints(graph, [0, 0], [2, 2], [1, 2])])
    shift = graph.add("Slice", [matrix, *_ints(graph, [0, 3], [2, 4], [1, 2])])
    turned = graph.add("MatMul", [landmarks, graph.add("Transpose", [linear], perm=[0, 2, 1])])
    return graph.add("Add", [turned, graph.add("Transpose", [shift], perm=[0, 2, 1])])


def _ints(graph: OnnxGraph, *lists: list[int]) -> list[str]:
    return [_int_list(graph, values) for values in lists]


def _int_list(graph: OnnxGraph, values: list[int]) -> str:
    return graph.constant(values, np.int64)
