"""What every parser must hold: bad input gives one of our errors with one line, and nothing else."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from face_mirror_au.errors import FaceMirrorAUError

Target = Callable[[bytes], object]

# A person reads it in a terminal: a message that repeats a cell must not repeat a megabyte of it.
MAX_MESSAGE = 2000

CORPUS, FINDINGS = (Path(__file__).parent / name for name in ("corpus", "findings"))


class ContractError(AssertionError):
    """A parser refused an input in a way that a person cannot read."""


def run(target: Target, data: bytes) -> FaceMirrorAUError | None:
    """Give a target one input.

    Returns
    -------
    FaceMirrorAUError or None
        How it was refused; None when it was taken.

    Raises
    ------
    ContractError
        When the message is not one line of text.
    Exception
        Any other: a finding.
    """
    try:
        target(data)
    except FaceMirrorAUError as error:
        text = str(error)
        if not text.strip() or not text.isprintable() or len(text) > MAX_MESSAGE:
            raise ContractError(f"no line for a person: {text[:MAX_MESSAGE]!r}") from error
        return error
    return None


@cache
def folder() -> Path:
    """A folder for the files of this process: in memory where the system has that, gone at its end."""
    memory = Path("/dev/shm")  # noqa: S108 - only as the parent of a folder of our own
    made = Path(tempfile.mkdtemp(prefix="face-mirror-au-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def written(data: bytes, name: str) -> Path:
    """The input as a file of this name."""
    path = folder() / name
    path.write_bytes(data)
    return path
