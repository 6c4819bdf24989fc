"""The record of a run: what went in, with what it was measured, what came out."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from face_mirror_au.errors import VideoError
from face_mirror_au.files import atomic_text, display_name
from face_mirror_au.media.images import list_images

_HASH_BLOCK = 1 << 20
# Distribution names; the first that is installed counts.
PACKAGES = {
    "face-mirror-au": ("face-mirror-au",),
    "numpy": ("numpy",),
    "cv2": ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu", "onnxruntime-silicon"),
    "av": ("av",),
    "pyfhog": ("pyfhog",),
    "pandas": ("pandas",),
}

CHANGED = "the input was changed, replaced or removed while it was read: these may not be the frames of one recording"

SCHEMA = 2
"""Of metadata, as `schema`. 1, without saying so: version 0.1.0, whose profile openface is today's openface-pfld."""

InputStamp = tuple[tuple[str, int, int, int], ...] | None
"""Of each file its name, entry, size in bytes and time of change, ns; None when there is none."""


def write_metadata(path: Path, content: Mapping[str, object]) -> None:
    """Write `content` as JSON: keys sorted, two blanks of indent, UTF-8, NaN and infinity as null (JSON has neither).

    NumPy scalars and arrays, dataclasses, enums (their value) and fractions ("30000/1001") are taken.

    Raises
    ------
    OutputError
        When the file cannot be written.
    TypeError
        For a value of any other type. Paths are refused on purpose: they may name a patient.
    """
    text = metadata_text(content)
    with atomic_text(path) as handle:
        handle.write(text)


def metadata_text(content: Mapping[str, object]) -> str:
    """What `write_metadata` writes. Raises TypeError as that."""
    return json.dumps(as_read(content), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def as_read(content: object) -> Any:
    """What will be read back of `content` when `write_metadata` wrote it: text, numbers, lists and dicts only. Raises TypeError as that."""
    return _plain(content)


def in_todays_words(metadata: dict[str, Any]) -> dict[str, Any]:
    """What earlier versions wrote, in the words of today's. Every reader of metadata asks this."""
    models = metadata.get("models")
    if "schema" in metadata or not isinstance(models, dict) or models.get("profile") != "openface":
        return metadata
    return {**metadata, "models": {**models, "profile": "openface-pfld"}}


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [_plain(item) for item in items]
    raise TypeError(f"metadata cannot hold a {type(value).__name__}")


def hash_input(path: Path) -> str:
    """Return the SHA-256 of a file, or of an image folder (over the names and hashes of its images, in frame order), as 64 hex digits.

    Raises
    ------
    VideoError
        When it cannot be read.
    """
    try:
        if not path.is_dir():
            return _hash_file(path)
        digest = hashlib.sha256()
        for image in list_images(path):
            digest.update(f"{image.name}\0{_hash_file(image)}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()
    except OSError as error:
        raise VideoError(f"'{display_name(path)}' cannot be read: {error.strerror or type(error).__name__}; check the name") from error


def stamp_input(path: Path) -> InputStamp:
    """What would be another one if the file, or an image in the folder, were written to, replaced or removed."""
    try:
        return tuple(_stamp(each) for each in (list_images(path) if path.is_dir() else [path]))
    except (OSError, VideoError):
        return None


def _stamp(path: Path) -> tuple[str, int, int, int]:
    found = path.stat()
    return path.name, found.st_ino, found.st_size, found.st_mtime_ns


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def versions() -> dict[str, str | None]:
    """Return the versions of Python and of what the numbers depend on, None where not installed; without importing them (slow)."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for label, names in PACKAGES.items():
        found[label] = next((version for version in map(_version, names) if version), None)
    return found


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
