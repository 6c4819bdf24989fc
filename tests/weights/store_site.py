"""What the model store's tests share: the server's state, the small manifest, folders as dictionaries."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from face_mirror_weights.manifest import Manifest


@dataclass
class Site:
    """What the local server gives: files by path, and how it misbehaves."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)  # of the next answers, each ends after so many bytes
    failures: list[int] = field(default_factory=list)  # status codes of the next answers
    ignores_range: bool = False
    requests: list[tuple[str, str | None]] = field(default_factory=list)  # target of the request line, Range header


@dataclass
class SmallWorld:
    """A manifest of a few small files that the local server has: two with a licence question, one free, one optional."""

    manifest: Manifest
    contents: dict[str, bytes]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path inside."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
