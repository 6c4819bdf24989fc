"""The folder in which a result is made, `<stem>.unfinished` beside its place: what a stopped run leaves, and what the next one finds."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from face_mirror_au.errors import OutputError
from face_mirror_au.files import FILE_MODE, FOLDER_MODE, display_name, make_output_folder, output_error
from face_mirror_au.results.locks import try_lock
from face_mirror_au.results.names import DESCRIPTORS, METADATA, ONLINE
from face_mirror_au.results.publish import ENDING, LOCK, Place, clear, is_complete, publish

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing from Python 3.11 on

# A folder without its lock is one that is being made, or published, just now; or a run died within that moment.
_MOMENT_S = 0.5
UNIQUE = ".batch-part-"
"""What the names of folders begin with that no other process can have."""
_SEARCH = range(1, 1000)


class WorkFolder:
    """Where one result is made: nothing of it is in its place before all of it is.

    A context manager: the result is published at the end of the block, and abandoned when the block, or that, raises. `begin` it inside.

    Parameters
    ----------
    place : Place
        Where the result goes.
    typed : Path, optional
        The output folder as the user gave it, for messages.
    unique_in : Path, optional
        Take a folder of a unique name in this one: for machines that may measure the same recording at once. A run that fails leaves none.

    Attributes
    ----------
    path : Path
        Not there before `begin`.
    found : list of str
        What an earlier run that was stopped had left, and what became of it.
    kept : str
        After `abandon`: where what was measured is, and how to go on; empty when nothing was.
    """

    def __init__(self, place: Place, typed: Path | None = None, *, unique_in: Path | None = None) -> None:
        self.place = place
        self.path = place.unfinished if unique_in is None else unique_in / f"{UNIQUE}{uuid.uuid4().hex}"
        self.found: list[str] = []
        self.kept = ""
        self._typed = typed
        self._unique = unique_in is not None
        self._made: list[Path] = []
        self._lock: int | None = None
        self._begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if kind is not None:
            self.abandon()
            return
        try:
            self.publish()
        except BaseException:
            self.abandon()
            raise

    def begin(self) -> None:
        """Make the folder (0700), and hold it.

        Raises
        ------
        OutputError
            When it cannot be made, or another run works there.
        """
        parent = self.path.parent
        self._made = [folder for folder in (parent, *parent.parents) if not folder.exists()]
        make_output_folder(parent, self._typed)
        try:
            while not self._make():
                self._make_way()
            self._begun = True
            self._lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, FILE_MODE)
            try_lock(self._lock)
            os.lseek(self._lock, 0, os.SEEK_SET)
            os.write(self._lock, json.dumps({"table": self.place.csv.name, "own_folder": self.place.own_folder}).encode())
        except OSError as error:
            raise output_error(error, self.path) from error

    def publish(self) -> None:
        """Move the result to its place. Raises OutputError."""
        online = self.place.beside(ONLINE)
        self._release_on_windows()
        publish(self.path, self.place)
        self._begun = False
        self._release()
        for aside in _set_aside(self.path):
            with suppress(OutputError):  # somebody recovers it just now
                with held(aside):
                    superseded = place_of(aside) == self.place and _holds_rows_of(online, aside / online.name)
                if superseded:
                    shutil.rmtree(aside, ignore_errors=True)

    def abandon(self) -> None:
        """The run failed or was stopped: keep what it measured, and nothing else."""
        if not self._begun:
            self._remove_made()
            return
        try:
            if self._unique or not _worth_keeping(self.path, self.place):
                self._release_on_windows()
                shutil.rmtree(self.path, ignore_errors=True)
                self._remove_made()
                return
            # Before anything is removed: a second Ctrl-C may come at any time.
            self.kept = how_to_go_on(self.path, self.place)
            if not is_complete(self.path, self.place):
                with suppress(OSError):
                    clear(self.path, self._kept_files)
        finally:
            self._begun = False
            self._release()

    def _remove_made(self) -> None:
        for folder in self._made:
            with suppress(OSError):  # others have put something there by now
                folder.rmdir()

    def _make(self) -> bool:
        try:
            self.path.mkdir(mode=FOLDER_MODE)
        except FileExistsError:
            return False
        return True

    def _make_way(self) -> None:
        """Finish, set aside or remove what a stopped run has left here. Raises OutputError when it is at work, or is no run's."""
        lock = _hold(self.path)
        try:
            place = place_of(self.path)
            if place is None and (not self.path.is_dir() or any(path.name != LOCK for path in self.path.iterdir())):
                what = f"'{display_name(self.path)}' is in the way, and no folder of an unfinished run"
                raise OutputError(f"{what}; move it, or choose another output folder")
            lock = _closed_on_windows(lock)
            self._clear_away(place)
        except FileNotFoundError:  # another run was quicker
            pass
        finally:
            if lock is not None:
                os.close(lock)

    def _clear_away(self, place: Place | None) -> None:
        name = display_name(self.path)
        if place is not None and is_complete(self.path, place):
            publish(self.path, place)
            self.found.append(f"an earlier run was stopped when its result was whole; that was put in its place first, from '{name}'")
        elif place is not None and _worth_keeping(self.path, place):
            clear(self.path, self._kept_files)  # half a video may be large
            aside = _free(self.path)
            self.path.rename(aside)
            self.found.append(
                f"what a stopped run had measured is in '{display_name(aside)}' now; it is removed when a result has as many frames"
            )
        else:
            shutil.rmtree(self.path)

    @property
    def _kept_files(self) -> set[str]:
        """What is of use of a run that did not come to its end."""
        return {LOCK, self.place.name(ONLINE), self.place.name(DESCRIPTORS)}

    def _release(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            with suppress(OSError):  # a network drive may tell of its quota now; nobody reads the file any more
                os.close(lock)

    def _release_on_windows(self) -> None:
        """Windows renames and removes no folder with an open file in it."""
        if os.name == "nt":
            self._release()


def place_of(work: Path) -> Place | None:
    """Where the result of a work folder goes, as its lock says; None where this is no work folder."""
    try:
        table, own_folder = _read_lock(work / LOCK)
    except (OSError, ValueError, KeyError, TypeError):
        # As its files say, after a power cut, or where a run died in the moment in which `publish` has taken the lock away.
        stem = work.name.rpartition(ENDING)[0]
        if not stem or not any((work / (stem + ending)).is_file() for ending in (METADATA, ONLINE)):
            return None
        table, own_folder = f"{stem}{'.parquet' if (work / f'{stem}.parquet').is_file() else '.csv'}", True
    return Place(work.parent / Path(table).stem / table if own_folder else work.parent / table, own_folder)


def _read_lock(path: Path) -> tuple[str, bool]:
    said = json.loads(path.read_bytes())
    table = said["table"]
    if table in {"", ".", ".."} or Path(table).name != table:
        raise ValueError(table)
    return table, said["own_folder"] is True


def how_to_go_on(work: Path, place: Place) -> str:
    """Where the rows, or the complete result, of a work folder are, and what to do."""
    command = f"face-mirror-au recover {shlex.quote(str(work))}"
    if is_complete(work, place):
        return f"the whole result is in {work}; '{command}' puts it in its place"
    online = work / place.name(ONLINE)
    if (work / place.name(DESCRIPTORS)).exists():
        return f"the rows measured so far are in {online}; '{command}' makes a result of them"
    return f"the rows measured so far are in {online}; they are provisional: for final values, run the recording again"


@contextmanager
def held(work: Path) -> Iterator[None]:
    """Hold the work folder of a stopped run. Raises OutputError when the run has not stopped."""
    lock = _hold(work)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _hold(work: Path) -> int | None:
    """Hold the lock of a work folder that is there already; None when there is none. Raises OutputError when a run holds it."""
    deadline = time.monotonic() + _MOMENT_S
    while work.is_dir():
        try:
            descriptor = os.open(work / LOCK, os.O_RDWR)
        except FileNotFoundError:
            if time.monotonic() > deadline:
                return None
            time.sleep(_MOMENT_S / 10)
            continue
        if not try_lock(descriptor):
            os.close(descriptor)
            raise OutputError(f"another run is writing to '{display_name(work)}'; wait for it, or choose another output folder")
        with suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), (work / LOCK).stat()):
                return descriptor
        os.close(descriptor)  # its run has published it meanwhile
    return None


def _closed_on_windows(descriptor: int | None) -> int | None:
    if descriptor is not None and os.name == "nt":
        os.close(descriptor)
        return None
    return descriptor


def _names_aside(work: Path) -> list[Path]:
    return [work.with_name(f"{work.name}-{number}") for number in _SEARCH]


def _set_aside(work: Path) -> list[Path]:
    """Work folders of stopped runs that were set aside."""
    there = set(os.listdir(work.parent))  # noqa: PTH208 - names are compared
    return [path for path in _names_aside(work) if path.name in there]


def _free(path: Path) -> Path:
    """A name with a number behind it that nobody has."""
    found = next((name for name in _names_aside(path) if not os.path.lexists(name)), None)
    if found is None:
        raise OutputError(f"there are {len(_SEARCH)} folders '{display_name(path)}-N'; remove those that are not needed")
    return found


def _worth_keeping(work: Path, place: Place) -> bool:
    """Whether there is a whole result, a descriptor or a row."""
    if is_complete(work, place) or (work / place.name(DESCRIPTORS)).exists():
        return True
    return len(_whole_lines(work / place.name(ONLINE), 2)) > 1


def _whole_lines(path: Path, at_most: int) -> list[bytes]:
    try:
        with path.open("rb") as handle:
            lines = [handle.readline() for _ in range(at_most)]
    except OSError:
        return []
    return [line for line in lines if line.endswith(b"\n")]


def _holds_rows_of(new: Path, old: Path) -> bool:
    """Whether every whole row of an online table is in another one: then nothing is lost with it."""
    try:
        with new.open("rb") as longer, old.open("rb") as shorter:
            return all(line == longer.readline() or not line.endswith(b"\n") for line in shorter)
    except OSError:
        return False


def remove_leftovers(output: Path) -> None:
    """Remove what killed processes have left half made in folders that no other process can have. Nobody else may be writing there."""
    for pattern in (UNIQUE + "*", ".writing-*.tmp"):
        for path in output.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()
