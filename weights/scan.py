"""Walks a folder of any layout for files that could be models: fast, a few levels deep, never without end."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

# An OpenFace checkout has its models six levels down: lib/local/LandmarkDetector/model/model_eye/patch_experts.
MAX_LEVELS = 6
# A bound on the directory entries looked at in one folder tree, so that `--weights /` ends within a second or so. An OpenFace checkout
# has about 5,000, a pyfaceau folder about 200.
MAX_ENTRIES = 50_000
_SKIPPED_FOLDERS = frozenset({"__pycache__", "env", "node_modules", "site-packages", "venv"})


@dataclass
class ScanResult:
    """What a scan found, nearest first: the path and size of every file of a wanted size or name."""

    files: list[tuple[Path, int]] = field(default_factory=list)
    bound_reached: bool = False


def scan_folder(folder: Path, sizes: Collection[int], names: Collection[str], suffixes: tuple[str, ...] = ()) -> ScanResult:
    """Look through a folder, level by level.

    Parameters
    ----------
    folder
        Where to start. An absent or unreadable folder gives an empty result.
    sizes, names, suffixes
        A file is taken when it has one of these sizes (bytes), or one of these names, or ends so.

    Returns
    -------
    ScanResult
        Files at most `MAX_LEVELS` folders below `folder`; hidden folders, virtual environments and caches are left out.
    """
    result = ScanResult()
    seen: set[tuple[int, int]] = set()  # folders by device and inode: a link may lead back
    waiting = deque([(folder, 0)])
    left = MAX_ENTRIES
    while waiting:
        current, level = waiting.popleft()
        if not _first_visit(current, seen):
            continue
        for entry in _entries(current):
            left -= 1
            if left < 0:
                result.bound_reached = True
                return result
            if _is_folder(entry):
                if level < MAX_LEVELS and not entry.name.startswith(".") and entry.name not in _SKIPPED_FOLDERS:
                    waiting.append((Path(entry.path), level + 1))
            elif (size := _file_size(entry)) is not None and (
                size in sizes or entry.name in names or (suffixes and entry.name.endswith(suffixes))
            ):
                result.files.append((Path(entry.path), size))
    return result


def _first_visit(folder: Path, seen: set[tuple[int, int]]) -> bool:
    try:
        status = folder.stat()
    except OSError:
        return False
    identity = (status.st_dev, status.st_ino)
    if identity in seen:
        return False
    seen.add(identity)
    # Not Path.is_file: it raises where the folder may not be entered.
    return not os.path.isfile(folder / "pyvenv.cfg")  # noqa: PTH113


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            # Lazily: a folder with a million files must not be listed in full. Order within a folder does not matter, content decides.
            yield from entries
    except OSError:
        return


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _file_size(entry: os.DirEntry[str]) -> int | None:
    try:
        return entry.stat().st_size if entry.is_file() else None
    except OSError:
        return None
