"""Frames by hand for tests of the overlay: a face of 68 points, its result, and values of our choice."""

from __future__ import annotations

import numpy as np

from face_mirror_au.pipeline.own_descriptor import AU_PLUGIN
from face_mirror_au.records import INTENSITY_AUS, Face, FaceDescriptor, OnlineValues, View
from face_mirror_hooks.records import FrameResult, ViewResult


def landmarks(centre=(240.0, 190.0), size=120.0):
    """A symmetric face by hand, (68, 2) float32; iBUG order, the subject's right on the left of the picture."""
    points = np.zeros((68, 2))
    angles = np.linspace(np.pi, 0, 17)
    points[:17] = np.column_stack([0.5 * np.cos(angles), 0.6 * np.sin(angles)])
    points[17:22] = [(-0.42 + 0.08 * i, -0.28) for i in range(5)]
    points[22:27] = [(0.1 + 0.08 * i, -0.28) for i in range(5)]
    points[27:31] = [(0.0, -0.2 + 0.08 * i) for i in range(4)]
    points[31:36] = [(-0.1 + 0.05 * i, 0.1) for i in range(5)]
    points[36:42] = [(-0.34, -0.15), (-0.28, -0.18), (-0.2, -0.18), (-0.14, -0.15), (-0.2, -0.12), (-0.28, -0.12)]
    points[42:48] = [(0.14, -0.15), (0.2, -0.18), (0.28, -0.18), (0.34, -0.15), (0.28, -0.12), (0.2, -0.12)]
    points[48:55] = [(-0.2 + 0.4 / 6 * i, 0.25) for i in range(7)]
    points[55:60] = [(0.14 - 0.07 * i, 0.35) for i in range(5)]
    points[60:65] = [(-0.16 + 0.08 * i, 0.29) for i in range(5)]
    points[65:68] = [(0.08 - 0.08 * i, 0.31) for i in range(3)]
    return (points * size + centre).astype(np.float32)


def face(points=None):
    points = landmarks() if points is None else points
    box = np.array([*points.min(axis=0), *points.max(axis=0)], dtype=np.float32)
    return Face(box, 1.0, points, "by hand")


def measured(view=View.ORIGINAL, *, points=None, angles_deg=(0.0, 0.0, 0.0)):
    descriptor = FaceDescriptor(np.zeros(4464, np.float32), np.zeros(238), np.ones(6), np.array([0.0, 0.0, 500.0, *np.radians(angles_deg)]))
    return ViewResult(view, face(points), success=True, confidence=0.9, descriptions={AU_PLUGIN: descriptor})


def failed(view=View.ORIGINAL, reason="no face found"):
    return ViewResult(view, None, success=False, confidence=0.0, reason=reason)


def frame(*views, index=23, time_s=0.8):
    return FrameResult(index, time_s, views)


def values(sides=None, **intensities):
    """Online values: those named, e.g. AU12=2.5, and 0 for all others."""
    corrected = np.zeros(17)
    for name, value in intensities.items():
        corrected[INTENSITY_AUS.index(name)] = value
    columns = corrected if sides is None else np.concatenate([corrected, np.ravel(sides)])
    return OnlineValues(columns, np.zeros(18), columns)


def nothing():
    return OnlineValues(np.full(17, np.nan), np.full(18, np.nan), np.full(17, np.nan))
