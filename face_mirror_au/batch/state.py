"""What a batch remembers in its output folder: names given, inputs hashed, sizes of results. Only to save time, and to keep names."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from face_mirror_au.errors import OutputError
from face_mirror_au.files import FILE_MODE, atomic_text, display_name, output_error
from face_mirror_au.results.locks import try_lock
from face_mirror_au.results.metadata import hash_input

STATE_FILE, LOCK_FILE = "batch.state.json", "batch.lock"
_VERSION = 1
# A file that is written twice within the tick of its file system's clock (2 s on FAT) has the same time twice.
_SETTLED_NS = 2_000_000_000

Stamp = tuple[int, int, int, int]
"""Size in bytes, times of last change of content and of entry in ns, number of the entry."""


@dataclass
class Remembered:
    """What is known of an input.

    Attributes
    ----------
    name : str
        Its result's folder in the output folder, with slashes.
    stamp : tuple of int, or None
        Its `Stamp` when it had the hash.
    sizes : dict of str to int
        Bytes of each file of its result, by ending, when that was finished.
    """

    name: str
    stamp: Stamp | None = None
    sha256: str = ""
    sizes: dict[str, int] = field(default_factory=dict)


class BatchState:
    """The state file of an output folder. A damaged one is as good as none: inputs are hashed anew."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / STATE_FILE
        self.inputs: dict[str, Remembered] = _read(self._path)
        self._saved = self._text()

    def save(self) -> None:
        """Write it, if anything changed. Raises OutputError."""
        text = self._text()
        if text != self._saved:
            with atomic_text(self._path) as handle:
                handle.write(text)
            self._saved = text

    def hash(self, path: Path) -> str:
        """SHA-256 of an input: as remembered when the file's size, times and entry are what they were, else of its content.

        Raises
        ------
        VideoError
            When it cannot be read.
        """
        known = self.inputs[str(path)]
        stamp = stamp_of(path)
        if stamp is None or stamp != known.stamp:
            found = hash_input(path)
            self.remember(path, stamp, found)
            return found
        return known.sha256

    def remember(self, path: Path, before: Stamp | None, sha256: str) -> None:
        """Keep a hash, unless the file may have changed since its stamp `before`."""
        known = self.inputs[str(path)]
        settled = before is not None and before == stamp_of(path) and max(before[1:3]) < time.time_ns() - _SETTLED_NS
        known.stamp, known.sha256 = (before, sha256) if settled else (None, "")

    def _text(self) -> str:
        # Pure ASCII: a name of a foreign encoding holds lone surrogates, which come back as they were.
        return json.dumps({"version": _VERSION, "inputs": {name: vars(each) for name, each in self.inputs.items()}}) + "\n"


def stamp_of(path: Path) -> Stamp | None:
    """The file's stamp; None for a folder, whose times do not tell what its files hold, and for what is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return None if path.is_dir() else (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _read(path: Path) -> dict[str, Remembered]:
    try:
        content = json.loads(path.read_text(encoding="ascii"))
        return {str(name): _remembered(entry) for name, entry in content["inputs"].items()} if content["version"] == _VERSION else {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        return {}


def _remembered(entry: Mapping[str, object]) -> Remembered:
    name, stamp, sha256, sizes = entry["name"], entry["stamp"], entry["sha256"], entry["sizes"]
    if not (isinstance(name, str) and isinstance(sha256, str) and isinstance(sizes, dict) and (stamp is None or isinstance(stamp, list))):
        raise TypeError
    known = None if stamp is None else (int(stamp[0]), int(stamp[1]), int(stamp[2]), int(stamp[3]))
    return Remembered(name, known, sha256, {str(ending): int(size) for ending, size in sizes.items()})


@contextmanager
def only_batch(folder: Path) -> Iterator[None]:
    """Hold the output folder for this batch; the system lets go of it when the process ends, by whatever cause.

    Raises
    ------
    OutputError
        When another batch has it.
    """
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, FILE_MODE)
    except OSError as error:
        raise output_error(error, folder / LOCK_FILE) from error
    try:
        if not try_lock(descriptor):
            raise OutputError(f"another batch writes to '{display_name(folder)}'; wait for it, or choose another folder")
        yield
    finally:
        with suppress(OSError):
            os.close(descriptor)
