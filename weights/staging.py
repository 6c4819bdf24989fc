"""A folder inside the target where new files are completed; only then do they move to their places, each in one step."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path, PurePosixPath

from face_mirror_weights.errors import WeightsError
from face_mirror_weights.receipt import SUFFIX

# Hidden, so that no search takes its content for installed; inside the target, so that a move is a rename on the same disk.
STAGING_PREFIX = ".incoming-"


class Staging:
    """Files on their way into a target folder.

    What a failed fetch leaves here (finished files, ``.part`` files) is resumed by the next one. Nothing of it counts as installed.

    Parameters
    ----------
    target
        The folder to install into; made when the first file is placed.
    purpose
        A short name: every set has a staging folder of its own, so that one fetch does not clear away what another will resume.
    """

    def __init__(self, target: Path, purpose: str) -> None:
        self.target = target
        self.folder = target / f"{STAGING_PREFIX}{purpose}"
        self._finished: list[PurePosixPath] = []

    def place(self, path: PurePosixPath) -> Path:
        """Where to make the file that will be at `path` inside the target; its folder is made."""
        place = self.folder / path
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._cannot_write(error) from error
        return place

    def finished(self, path: PurePosixPath) -> None:
        """Say that a file is complete and checked."""
        self._finished.append(path)

    def install(self) -> None:
        """Move all finished files to their places and remove the staging folder."""
        try:
            # Receipts first: a model must not lie there without its receipt, the other way round does no harm.
            for path in sorted(self._finished, key=lambda each: not each.name.endswith(SUFFIX)):
                destination = self.target / path
                destination.parent.mkdir(parents=True, exist_ok=True)
                (self.folder / path).replace(destination)
        except OSError as error:
            raise self._cannot_write(error) from error
        self.discard()

    def discard(self) -> None:
        """Remove the staging folder and what is left in it; a target that held nothing else goes too."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.target.is_dir() and not any(self.target.iterdir()):
            self.target.rmdir()

    def prune(self) -> None:
        """After a failure: remove empty folders, keep what a later fetch can resume; a target that held nothing else goes too."""
        for folder, _, _ in sorted(os.walk(self.folder), reverse=True):
            with suppress(OSError):
                Path(folder).rmdir()
        with suppress(OSError):
            self.target.rmdir()

    def _cannot_write(self, error: OSError) -> WeightsError:
        return WeightsError(f"cannot write to {self.target}: {error.strerror or error}; choose another folder with --to")
