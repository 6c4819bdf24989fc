"""A plugin that does something to a file or a folder at the sixth frame, in the parent process: `FACE_MIRROR_SPOIL=ACTION:PATH`."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import fault_runs

from face_mirror_hooks import hookimpl

VARIABLE = "FACE_MIRROR_SPOIL"


class AtFrame:
    """Spoils once."""

    @hookimpl
    def after_frame(self, result):
        if result.index == 5:
            action, path = os.environ[VARIABLE].split(":", 1)
            globals()[action](Path(path))


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def garble(path):
    """The second half is noise."""
    with path.open("r+b") as handle:
        handle.seek(path.stat().st_size // 2)
        handle.write(random.Random(1).randbytes(path.stat().st_size // 2))  # noqa: S311  (no secret)


def overwrite(path):
    """Another video, in the same file."""
    path.write_bytes(fault_runs.CLIP.read_bytes())


def replace(path):
    """Another video under the same name."""
    other = path.with_suffix(".new")
    shutil.copyfile(fault_runs.CLIP, other)
    other.replace(path)


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def lock(path):
    """Nobody may write in a folder and in those inside it any more."""
    for folder in (*(each for each in path.rglob("*") if each.is_dir()), path):
        folder.chmod(0o500)
