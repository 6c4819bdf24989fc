"""SHA-256 of files, remembered while the file does not change."""

from __future__ import annotations

import hashlib
from pathlib import Path

_CHUNK = 1 << 20

_known: dict[tuple[Path, int, int], str] = {}  # by path, size and modification time


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hex. Computed once per process for the same path, size and modification time."""
    status = path.stat()
    key = (path, status.st_size, status.st_mtime_ns)
    if key not in _known:
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
        _known[key] = digest.hexdigest()
    return _known[key]


def forget_hashes() -> None:
    """Read every file anew from now on: a damaged disk does not change a file's modification time."""
    _known.clear()
