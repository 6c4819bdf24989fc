"""Results appear whole: each is made in a work folder, and moved to its place by renames when its last file is written.

The metadata are written when all tables are. So a work folder that holds metadata holds all tables of its result that are not in their
place already, and moving the rest completes it, however often that was cut off: `publish` can be called again at any time, by `recover` or
by the next run, and gives the same. It takes the earlier result's metadata away before the first new file comes, and moves the new metadata
last: at no time do metadata lie beside files of another run. A mark in the work folder says that the earlier result's are away: what is in
its place is of the new one from then on, and must not be removed as an earlier one.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from face_mirror_au.files import FILE_MODE, atomic_binary, make_output_folder, output_error
from face_mirror_au.results.earlier import earlier_files
from face_mirror_au.results.names import DESCRIPTORS, METADATA, OF_HOST, ONLINE, OVERLAY, PARQUET, TABLES, VIDEOS

ENDING = ".unfinished"
LOCK = ".lock"
"""Says that a folder is a work folder, and is held by the run that works there."""
_EARLIER_IS_AWAY = ".moving"


@dataclass(frozen=True)
class Place:
    """Where a result goes.

    Attributes
    ----------
    csv : Path
        Its table; all other files lie beside it and begin with its stem.
    own_folder : bool
        Whether the folder, of the stem's name, is there for this result alone.
    """

    csv: Path
    own_folder: bool

    @property
    def unfinished(self) -> Path:
        """The work folder: beside the result's own folder, or beside its files."""
        beside = self.csv.parent if self.own_folder else self.csv
        return beside.with_name(self.csv.stem + ENDING)

    def name(self, ending: str) -> str:
        """A file's name."""
        return self.csv.stem + ending

    def beside(self, ending: str) -> Path:
        """A file of the result."""
        return self.csv.with_name(self.name(ending))

    @property
    def names(self) -> frozenset[str]:
        """Names of all files that a result may have."""
        endings = (self.csv.suffix, ".csv", *PARQUET, *TABLES, METADATA, ONLINE, *VIDEOS, OVERLAY, DESCRIPTORS, *OF_HOST)
        return frozenset(map(self.name, endings))


def is_complete(work: Path, place: Place) -> bool:
    """Whether a work folder holds a result that only has to be published."""
    return (work / place.name(METADATA)).is_file()


def publish(work: Path, place: Place) -> None:
    """Move a result to its place. An earlier result there is removed; other files stay.

    Parameters
    ----------
    work : Path
        The work folder; gone afterwards. What is in it and no file of a result is dropped.
    place : Place

    Raises
    ------
    OutputError
    """
    target = place.csv.parent
    make_output_folder(target.parent if place.own_folder else target)
    try:
        clear(work, {*place.names, LOCK, _EARLIER_IS_AWAY})
        if place.own_folder:
            with suppress(OSError):  # other files, or none
                target.rmdir()
            if not os.path.lexists(target):
                for name in (LOCK, _EARLIER_IS_AWAY):
                    (work / name).unlink(missing_ok=True)
                work.rename(target)
                return
        _move_files(work, place)
        shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise output_error(error, Path(error.filename) if isinstance(error.filename, str) else place.csv) from error


def _move_files(work: Path, place: Place) -> None:
    metadata, away = place.beside(METADATA), work / _EARLIER_IS_AWAY
    files = sorted((path for path in work.iterdir() if path.name in place.names), key=lambda path: path.name == metadata.name)
    if not away.exists():
        # Made while nothing is lost: a full disk may not have the room for it afterwards.
        mark = away.with_name(away.name + ".ready")
        mark.touch(FILE_MODE)
        # Files that will be replaced stay until then. The metadata last: they tell which files are ours, should this be cut off.
        staying = {path.name for path in files}
        gone = [path for path in earlier_files(place.csv) if path.name not in staying and path != metadata]
        for path in (*gone, metadata):
            path.unlink(missing_ok=True)
        mark.replace(away)
    for path in files:
        _move(path, place.csv.with_name(path.name))


def _move(path: Path, target: Path) -> None:
    target = Path(os.path.realpath(target))  # a link stays a link
    try:
        path.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:  # a folder may be a link to another disk
            raise
        with path.open("rb") as source, atomic_binary(target) as handle:
            shutil.copyfileobj(source, handle)
        path.unlink()


def clear(folder: Path, but: Collection[str]) -> None:
    """Remove everything from a folder but the files of these names."""
    for path in folder.iterdir():
        if path.name in but:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def bring_tables_of_persons(place: Place, work: Path) -> None:
    """Copy tables that lie beside an earlier result and are none of ours: the report page is made with them. `publish` drops the copies.

    Parameters
    ----------
    place : Place
        Where the result will be.
    work : Path
        Where it is made.

    Raises
    ------
    OutputError
    """
    try:
        for path in _tables_of_persons(place):
            shutil.copyfile(path, work / path.name)
    except OSError as error:
        raise output_error(error, place.csv) from error


def _tables_of_persons(place: Place) -> Iterator[Path]:
    # Not by a pattern: the stem may hold what is one.
    beside = place.csv.parent.iterdir() if place.csv.parent.is_dir() else ()
    for path in beside:
        if path.name.startswith(f"{place.csv.stem}.") and path.suffix == ".csv" and path.name not in place.names and path.is_file():
            yield path
