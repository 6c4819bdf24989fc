"""Targets: what the networks give, decoded. Instead of a network there is the input: any shape, any number."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import cache
from math import prod
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from face_mirror_au.errors import FaceMirrorAUError
from face_mirror_au.models.attention_mesh import INPUT_SIDE, REFINED_POINTS, AttentionMesh
from face_mirror_au.models.blazeface import BlazeFace
from face_mirror_au.models.mesh_points import IBUG_FROM_MESH, N_MESH, N_SURFACE
from face_mirror_au.models.pfld import PFLD
from face_mirror_au.models.retinaface import RetinaFace, priors
from face_mirror_au.pipeline.finder import ModelFinder
from face_mirror_au.pipeline.own_descriptor import AU_PLUGIN, descriptor_of
from face_mirror_au.pipeline.process import FrameProcessor
from face_mirror_au.pipeline.track import FaceTracker, TrackState
from face_mirror_au.records import Detection, Face, Float32Array, Frame, Image, Located, Region, View
from fuzz.model_files import good_describer, good_fitter, good_landmarks

HEIGHT, WIDTH = 48, 64
# Numbers that one byte stands for; any other comes as it is.
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, 20.0, -20.0, 100.0, np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 1e19, 1e4)
_RUN = 16  # elements that one record of an array sets


@cache
def picture() -> Image:
    """A picture (48, 64, 3) without a face."""
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


class Feed:
    """Reads numbers and arrays from the input; zeros where it has ended."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def _take(self, size: int) -> bytes:
        taken = self._data[self._position : self._position + size]
        self._position += size
        return taken.ljust(size, b"\0")

    def byte(self) -> int:
        """0 to 255."""
        return self._take(1)[0]

    def number(self) -> float:
        """One of `SPECIAL`, or any float32."""
        kind = self.byte()
        return SPECIAL[kind] if kind < len(SPECIAL) else float(struct.unpack("<f", self._take(4))[0])

    def array(self, usual: Float32Array) -> Float32Array:
        """The usual array, or one filled with a number; often with a few numbers set, sometimes of a wrong shape."""
        kind, count = divmod(self.byte(), 16)
        shape = usual.shape
        if kind == 1:
            shape = ((), (0,), shape[1:], (*shape, 1), (*shape[:-1], shape[-1] + 1), (*shape[:-1], 0), (0, *shape[1:]))[count % 7]
        values = np.full(prod(shape), np.float32(self.number())) if kind % 2 else usual.ravel().copy()
        for _ in range(count):
            place = int.from_bytes(self._take(2), "little") % max(values.size, 1)
            values[place : place + _RUN] = [self.number() for _ in values[place : place + _RUN]]
        return values.reshape(shape)


class _StandIn:
    """In place of `ModelSession`: gives what the input says."""

    def __init__(self) -> None:
        self.feed = Feed(b"")

    def run(self, **inputs: Float32Array) -> list[Float32Array]:
        (values,) = inputs.values()
        return [self.feed.array(usual) for usual in self.usual(values)]

    def usual(self, given: Float32Array) -> list[Float32Array]:
        """What the network gives where it sees a face."""
        raise NotImplementedError


class _RetinaFaceNetwork(_StandIn):
    def usual(self, given: Float32Array) -> list[Float32Array]:
        n = len(priors(given.shape[2], given.shape[3]))
        conf = np.tile(np.float32([1.0, 0.0]), (1, n, 1))
        conf[0, n // 2] = 0.01, 0.99
        landms = np.tile(np.float32([-2, -2, 2, -2, 0, 0, -2, 2, 2, 2]), (1, n, 1))
        return [np.zeros((1, n, 4), np.float32), conf, landms]


class _BlazeFaceNetwork(_StandIn):
    def usual(self, given: Float32Array) -> list[Float32Array]:  # noqa: ARG002 - it always sees the same square
        row = np.float32([0, 0, 64, 64, -12, -12, 12, -12, 0, 0, 0, 16, -24, 0, 24, 0])
        logits = np.full((1, 896, 1), -20.0, np.float32)
        logits[0, 270] = 5.0
        return [np.tile(row, (1, 896, 1)), logits]


class _PFLDNetwork(_StandIn):
    def usual(self, given: Float32Array) -> list[Float32Array]:  # noqa: ARG002
        return [_face().reshape(1, -1)]


class _MeshNetwork(_StandIn):
    def usual(self, given: Float32Array) -> list[Float32Array]:  # noqa: ARG002
        mesh = np.zeros((N_MESH, 3), np.float32)
        mesh[:, :2] = _face().mean(axis=0)
        for (point, following, _), place in zip(IBUG_FROM_MESH, _face(), strict=True):
            mesh[[point, following], :2] = place
        mesh *= INPUT_SIDE
        refined = [mesh[list(points), :2].reshape(1, -1) for points in REFINED_POINTS]
        return [mesh[:N_SURFACE].reshape(1, -1), *refined, np.float32([[8.0]])]


@cache
def _face() -> Float32Array:
    """Landmarks (68, 2) from 0 to 1 across the square."""
    points = good_landmarks()
    low, high = points.min(axis=0), points.max(axis=0)
    return ((points - (low + high) / 2) / (high - low).max() * 0.7 + 0.5).astype(np.float32)


_NETWORKS: Mapping[type[Any], type[_StandIn]] = {
    RetinaFace: _RetinaFaceNetwork,
    BlazeFace: _BlazeFaceNetwork,
    PFLD: _PFLDNetwork,
    AttentionMesh: _MeshNetwork,
}


@cache
def _model(kind: type[Any]) -> tuple[Any, _StandIn]:
    network = _NETWORKS[kind]()
    with patch("face_mirror_au.models.session.open_session", return_value=network):
        return kind(Path("network.onnx")), network


def _fed(kind: type[Any], feed: Feed) -> Any:
    model, network = _model(kind)
    network.feed = feed
    return model


def _detect(kind: type[Any], data: bytes) -> None:
    for found in _fed(kind, Feed(data)).detect(picture()):
        _check_detection(found)


def _check_detection(found: Detection) -> None:
    assert found.box.shape == (4,)
    assert np.isfinite(found.box).all()
    assert np.isfinite(found.keypoints).all()
    assert 0.0 <= found.score <= 1.0
    assert (found.box[2:] > found.box[:2]).all(), "a box without a size is no face"


def retinaface(data: bytes) -> None:
    """What RetinaFace's network gives."""
    _detect(RetinaFace, data)


def blazeface(data: bytes) -> None:
    """What BlazeFace's network gives."""
    _detect(BlazeFace, data)


def _locate(kind: type[Any], data: bytes) -> None:
    feed = Feed(data)
    model = _fed(kind, feed)
    region = Region(feed.number(), feed.number(), feed.number(), feed.number()) if feed.byte() else Region(32.0, 24.0, 40.0, 0.1)
    for _ in range(2):
        located = model.locate(picture(), region)
        _check_located(located)
        region = model.region_from_landmarks(located)


def _check_located(located: Located) -> None:
    assert located.landmarks.shape == (68, 2)
    assert np.isfinite(located.landmarks).all()
    assert 0.0 <= located.score <= 1.0
    assert located.mesh is None or (located.mesh.shape == (478, 3) and np.isfinite(located.mesh).all())


def pfld(data: bytes) -> None:
    """What PFLD's network gives, twice: the second time where the first landmarks were."""
    _locate(PFLD, data)


def attention_mesh(data: bytes) -> None:
    """What the attention mesh's network gives, twice."""
    _locate(AttentionMesh, data)


def describing(data: bytes) -> None:
    """Landmarks that come from a plugin or a person, described: any finite numbers."""
    feed = Feed(data)
    landmarks = feed.array(good_landmarks().astype(np.float32))
    if landmarks.shape == (68, 2) and np.isfinite(landmarks).all():
        wide = landmarks.astype(np.float64) * 10.0 ** (feed.byte() % 64 - 16) if feed.byte() else landmarks
        found = good_describer().describe(picture(), wide)
        for values in (found.hog, found.geometry, found.pose, found.head_pose):
            assert np.isfinite(values).all()


def _described(frame: Frame, face: Face, view: View) -> dict[str, object]:  # noqa: ARG001  (as the hook)
    return {AU_PLUGIN: good_describer().describe(frame.image, face.landmarks)}


def tracking(data: bytes) -> None:
    """Three frames of a video in three views, whatever detector and landmark model see there."""
    feed = Feed(data)
    kinds = feed.byte()
    detector, landmark_model = _fed((RetinaFace, BlazeFace)[kinds & 1], feed), _fed((PFLD, AttentionMesh)[kinds >> 1 & 1], feed)
    tracker = FaceTracker(ModelFinder(detector, landmark_model, good_fitter()), good_fitter())
    processor = FrameProcessor(tracker, _described, tuple(View))
    state = TrackState()
    for index in range(3):
        try:
            record, state, _ = processor.process(Frame(index, index / 25, picture()), state, detect=False)
        except FaceMirrorAUError:  # as in the loop: this frame fails, the next one is tried
            continue
        for found in (descriptor_of(view) for view in record.views):
            assert found is None or (np.isfinite(found.hog).all() and np.isfinite(found.geometry).all())
