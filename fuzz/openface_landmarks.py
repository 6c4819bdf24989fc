"""Targets: files of OpenFace's face detector and validator, and what they do with a picture."""

from __future__ import annotations

from functools import cache

import numpy as np

from face_mirror_au.models.mtcnn import MTCNN, NETWORKS, read_list, read_network
from face_mirror_au.models.validator import read_validator
from fuzz.contract import folder, written
from fuzz.model_files import good_landmarks
from fuzz.openface_stand_ins import mtcnn_network, validator

_PICTURE = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
_NAMES = tuple(NETWORKS)


@cache
def good_networks() -> tuple[bytes, ...]:
    """PNet, RNet and ONet that find a face everywhere."""
    return tuple(mtcnn_network(name) for name in _NAMES)


def mtcnn_files(data: bytes) -> None:
    """One of the three networks (the first byte tells which), beside two good ones, and what they find."""
    chosen = data[0] % len(_NAMES) if data else 0
    networks = []
    for place, name in enumerate(_NAMES):
        networks.append(read_network(written(data[1:] if place == chosen else good_networks()[place], f"{name}.dat"), name))
    found = MTCNN(networks).detect(_PICTURE)
    assert all(np.isfinite(each.box).all() and 0.0 <= each.score <= 1.0 for each in found)


def mtcnn_list(data: bytes) -> None:
    """The list of the three files."""
    for relative in read_list(written(data, "MTCNN_detector.txt")).values():
        assert (folder() / relative).resolve().is_relative_to(folder())


@cache
def good_validator() -> bytes:
    """A validator."""
    return validator()


def validator_file(data: bytes) -> bytes:
    """The file that an input stands for: a good one with other bytes at a place; cut there where the place is odd."""
    good = good_validator()
    place = int.from_bytes(data[:3], "little") % len(good)
    return good[:place] + data[3:] + (b"" if place % 2 else good[place + len(data) - 3 :])


def validating(data: bytes) -> None:
    """A validator, and how certain it is of a face."""
    found = read_validator(written(validator_file(data) if len(data) > 2 else data, "validator_cnn.txt"))
    certainty = found.certainty(_PICTURE[..., 0], good_landmarks().astype(np.float32), np.zeros(3))
    assert 0.0 <= certainty <= 1.0
