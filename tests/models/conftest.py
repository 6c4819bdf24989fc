"""Networks and frames, loaded once for the folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from face_mirror_au.models.attention_mesh import AttentionMesh
from face_mirror_au.models.blazeface import BlazeFace
from face_mirror_au.models.pfld import PFLD
from face_mirror_au.models.retinaface import RetinaFace
from face_mirror_au.records import FloatArray, Image

SharedFile = Callable[[str], Path]
Frames = Callable[[str, int], list[Image]]


@pytest.fixture(scope="session")
def retinaface(shared_file: SharedFile) -> RetinaFace:
    return RetinaFace(shared_file("weights/retinaface-pfld/retinaface_mobilenet025.onnx"))


@pytest.fixture(scope="session")
def blazeface(shared_file: SharedFile) -> BlazeFace:
    return BlazeFace(shared_file("weights/mediapipe-open/blazeface_short_fp16w.onnx"))


@pytest.fixture(scope="session")
def pfld(shared_file: SharedFile) -> PFLD:
    return PFLD(shared_file("weights/retinaface-pfld/pfld_cunjian.onnx"))


@pytest.fixture(scope="session")
def attention_mesh(shared_file: SharedFile) -> AttentionMesh:
    return AttentionMesh(shared_file("weights/mediapipe-open/face_landmark_attention_fp16w.onnx"))


@pytest.fixture(scope="session")
def first_frames(shared_file: SharedFile) -> Frames:
    """Call it with a clip's file name and a count: returns the first frames."""

    @lru_cache(maxsize=4)
    def decode(name: str, count: int) -> list[Image]:
        with av.open(str(shared_file(f"media/{name}"))) as clip:
            return [frame.to_ndarray(format="bgr24") for frame, _ in zip(clip.decode(video=0), range(count), strict=False)]

    return decode


@pytest.fixture(scope="session")
def portrait(first_frames: Frames) -> Image:
    """One face, 640 x 480, upright and in the middle."""
    return first_frames("default.wmv", 120)[0]


@pytest.fixture(scope="session")
def openface_landmarks(shared_file: SharedFile) -> FloatArray:
    """OpenFace's own (CLNF) landmarks of default.wmv, (288, 68, 2)."""
    table = pd.read_csv(shared_file("truth/default/landmarks.csv.gz"))
    return np.stack([table[[f"{axis}{point}" for point in range(68)]].to_numpy() for axis in "xy"], axis=-1)
