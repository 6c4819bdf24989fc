"""Targets: files of OpenFace's landmark models, and what their experts answer."""

from __future__ import annotations

from functools import cache

import numpy as np

from face_mirror_au.models.clnf import CLNF_LIST, read_face_model
from face_mirror_au.models.expert_files import read_ccnf, read_cen
from face_mirror_au.numerics.clnf.experts import Experts
from fuzz.contract import folder, written
from fuzz.expert_stand_ins import detector

_PICTURE = np.random.default_rng(0).integers(0, 256, (60, 80), dtype=np.uint8)
_POINTS = np.array([[30.0, 75.5], [20.25, 58.0]], np.float32)
_TURN = np.array([[0.9, -0.3], [0.3, 0.9]], np.float32)
# Which file an input stands for: its first byte says it.
LISTS = (CLNF_LIST, "list.txt", "eye/main.txt", "eye/list.txt", "early.txt")


def ccnf_experts(data: bytes) -> None:
    """CCNF experts of two landmarks."""
    answers = _answers(read_ccnf(written(data, "ccnf.txt"), 2))
    assert np.isfinite(answers).all()


def cen_experts(data: bytes) -> None:
    """CEN experts of two landmarks."""
    _answers(read_cen(written(data, "cen.dat"), 2))


def _answers(experts: Experts) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Of all views, to one picture."""
    return np.stack([experts.respond(_PICTURE, _POINTS, _TURN, view, 3) for view in range(len(experts.views))])


@cache
def good_detector() -> dict[str, bytes]:
    """The files of a landmark detector by name."""
    found = detector(CLNF_LIST)
    return found | {"list.txt": found["list.txt"] + b"\r\nEarlyTermination early.txt"}


def landmark_lists(data: bytes) -> None:
    """One of a detector's lists beside good files, and the face that it finds in a picture."""
    (folder() / "eye").mkdir(exist_ok=True)
    for name, content in good_detector().items():
        written(content, name)
    written(data[1:], LISTS[data[0] % len(LISTS)] if data else CLNF_LIST)
    model = read_face_model(CLNF_LIST, lambda name: folder() / name, lambda *_: 0.5)
    face, _ = model.find(_PICTURE, np.array([10.0, 10.0, 40.0, 40.0], np.float32), several=True)
    assert np.isfinite(face.landmarks).all()
