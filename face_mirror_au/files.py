"""Writing files so that nobody finds half of one, and saying in one line why it did not work."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import RawIOBase
from pathlib import Path
from typing import IO, BinaryIO, TextIO

from face_mirror_au.errors import OutputError, UsageError
from face_mirror_au.wording import printable

# Faces are identifiers: what we write is for the person who ran us only. Windows ignores these and keeps the folder's own rights.
FILE_MODE = 0o600
FOLDER_MODE = 0o700
# The part of a mode that says who may read and write.
READ_AND_WRITE = 0o666

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space, or choose another folder",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.EACCES: "no permission to write there; choose another folder",
    errno.EPERM: "no permission to write there; choose another folder",
    errno.ENOENT: "its folder does not exist; create it first",
    errno.ENOTDIR: "a part of its path is a file, not a folder; choose another folder",
    errno.EEXIST: "a file of that name is in the way; choose another name",
    errno.EISDIR: "a folder of that name is in the way; choose another name",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}
# What spreadsheets take for the beginning of a formula; some pass over blanks before it.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_SHOWN_OF_A_LONG_NAME = 40
# Longest name of a file on the usual file systems, bytes.
_NAME_BYTES = 255
# A file name of a foreign encoding holds lone surrogates, which UTF-8 cannot store: they are written as \\udcXX.
_UNSTORABLE = "backslashreplace"
# Windows has no disk quotas in errno.
_REASONS[getattr(errno, "EDQUOT", errno.ENOSPC)] = _REASONS[errno.ENOSPC]
_SHARING_VIOLATION = 32  # Windows' own number, beside EACCES: a spreadsheet program keeps others from the table that it shows


_NOT_IN_WINDOWS_NAMES = frozenset('<>:"|?*')
_WINDOWS_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))})


def is_lost_on_windows(name: str, *, windows: bool = os.name == "nt") -> bool:
    """Whether this is Windows, and it makes no file of this name: ``a:b`` would be hidden inside of ``a``, ``nul`` be thrown away."""
    if not windows:
        return False
    device = name.partition(".")[0].strip().casefold() in _WINDOWS_DEVICES
    return device or name.endswith((".", " ")) or bool(_NOT_IN_WINDOWS_NAMES & set(name))


def display_name(path: Path) -> str:
    """Return the file's name for a message: one line, and no folder, which may name a patient."""
    return printable(path.name or str(path))


def result_stem(source: Path) -> str:
    """What the result of an input is named after: the name of a folder, that of a file without its ending.

    Never `.` or `..`: the result of a file called ``...mp4`` would be written beside the output folder.
    """
    if source.is_dir():
        return (source.resolve() if source.name in {"", ".."} else source).name
    return source.stem if source.stem.strip(".") else source.name


def check_plain_name(name: str) -> None:
    """Raise UsageError when a name that a person gave to a result cannot be that of files."""
    if Path(name).name != name or name in {"", ".", ".."}:
        raise UsageError("must be a plain name, without slashes", "label", "--subject")
    if is_lost_on_windows(name):
        raise UsageError(f"cannot be {name!r}: Windows makes no file of that name; choose another", "label", "--subject")


def name_cell(name: str) -> str:
    """A file's name or way for a cell of a table. Where a spreadsheet would take it for a formula, ``./`` is put before it."""
    # Still the same file, unlike with the apostrophe that is the usual remedy.
    return f"./{name}" if name.startswith(_FORMULA_STARTS) else name


def output_error(error: OSError, path: Path) -> OutputError:
    """Turn a system error into one line that says which file, why, and what to do."""
    if getattr(error, "winerror", None) == _SHARING_VIOLATION:
        reason = "another program has it open; close it there, and try again"
    else:
        reason = _REASONS.get(error.errno or 0) or error.strerror or type(error).__name__
    return OutputError(f"'{display_name(path)}' cannot be written: {reason}")


@contextmanager
def atomic_text(path: Path) -> Iterator[TextIO]:
    """Give a UTF-8 text handle (lines end in LF everywhere) whose content appears under `path` only when the block ends without an error.

    Only writing belongs inside: every OSError raised in the block is taken for a failure to write.

    Raises
    ------
    OutputError
        When the file cannot be written; nothing is left behind, an older file of that name is untouched.
    """
    with _replacing(path) as descriptor, _text_handle(descriptor) as handle:
        yield handle


def _text_handle(descriptor: int) -> TextIO:
    return os.fdopen(descriptor, "w", encoding="utf-8", errors=_UNSTORABLE, newline="\n", closefd=False)


@contextmanager
def atomic_binary(path: Path) -> Iterator[BinaryIO]:
    """As `atomic_text`, with a binary handle."""
    with _replacing(path) as descriptor, os.fdopen(descriptor, "wb", closefd=False) as handle:
        yield handle


@contextmanager
def _replacing(path: Path) -> Iterator[int]:
    target = Path(os.path.realpath(path))  # a link stays a link
    if target.exists() and not target.is_file():
        # Renaming over /dev/null or a pipe would replace the device for the whole machine.
        raise OutputError(f"'{display_name(path)}' cannot be written: {_in_the_way(target)}; choose another name")
    temporary: str | None = None
    descriptor: int | None = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".writing-", suffix=".tmp")  # mode 0600
        yield descriptor
        os.fsync(descriptor)
        # Closed, whatever it says: a network drive may tell of its quota only now.
        closing, descriptor = descriptor, None
        os.close(closing)
        Path(temporary).replace(target)
        temporary = None
        _sync_folder(target.parent)
    except OSError as error:
        raise output_error(error, path) from error
    finally:
        with suppress(OSError):
            if descriptor is not None:
                os.close(descriptor)
        with suppress(OSError):
            if temporary is not None:
                Path(temporary).unlink()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system can (not on Windows, not on every network drive)."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_whole(file: RawIOBase, data: bytes | memoryview) -> None:
    """Write all bytes to an unbuffered file. Raises OSError."""
    rest = memoryview(data)
    while rest:
        # An unbuffered write may take only a part, e.g. the last bytes before the disk is full.
        rest = rest[file.write(rest) :]


def open_log(path: Path) -> TextIO:
    """Open a text file (mode 0600) that grows in place, for rows that must survive a killed run.

    Raises
    ------
    OutputError
    """

    def private(name: str, flags: int) -> int:
        return os.open(name, flags, FILE_MODE)

    try:
        handle: IO[str] = open(path, "w", encoding="utf-8", errors=_UNSTORABLE, newline="\n", opener=private)  # noqa: SIM115 - closed by the log
    except OSError as error:
        raise output_error(error, path) from error
    return handle  # type: ignore[return-value]  # typeshed: text-mode open() gives a TextIOWrapper, which is a TextIO


def check_output_name(stem: str, longest_ending: str) -> None:
    """Raise an OutputError when a file's stem leaves no room for the endings that we write behind it: better now than after the run."""
    room = _NAME_BYTES - len(longest_ending)
    length = len(os.fsencode(stem))
    if length > room:
        raise OutputError(
            f"the name '{printable(stem[:_SHOWN_OF_A_LONG_NAME])}...' is too long: it has {length} bytes, and {room} are left beside "
            f"endings like {longest_ending}; give the result a shorter name (--subject; in a batch, a list with names)"
        )


def check_output_folder(path: Path, typed: Path | None = None) -> None:
    """Try whether files can be made in `path`, or, while it does not exist, in the nearest folder above it. Leaves nothing behind.

    Parameters
    ----------
    path : Path
    typed : Path, optional
        What the user gave, for the message; `path` when not given.

    Raises
    ------
    OutputError
        When they cannot: better now than after an hour of computing.
    """
    try:
        existing = next(folder for folder in (path, *path.absolute().parents) if os.path.lexists(folder))
        if not existing.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise _folder_error(error, path, typed or path) from error


def make_output_folder(path: Path, typed: Path | None = None) -> Path:
    """Create `path` with its missing parents, each for the owner only (0700), and try at once whether a file can be made in it.

    A folder that exists keeps its permissions. Parameters and errors as for `check_output_folder`.
    """
    try:
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    except OSError as error:
        raise _folder_error(error, path, typed or path) from error
    check_output_folder(path, typed)
    return path


def check_output_file(path: Path) -> None:
    """Raise an OutputError when something that is no ordinary file is in the way of a file to be written."""
    if path.exists() and not path.is_file():
        raise OutputError(f"'{path}' cannot be written: {_in_the_way(path)}; choose another name")


def _folder_error(error: OSError, path: Path, typed: Path) -> OutputError:
    """Name the folder as the user gave it: they must find it again, and know the part of its path that is at fault."""
    wrong = next((folder for folder in (path, *path.parents) if os.path.lexists(folder) and not folder.is_dir()), None)
    if wrong is not None:
        what = "it" if wrong == typed else f"'{wrong}'"
        reason = f"{what} is a file, not a folder; choose another folder"
    elif error.errno == errno.ENOENT:
        reason = "no file can be made there; choose another folder"
    else:
        reason = _REASONS.get(error.errno or 0) or error.strerror or type(error).__name__
    return OutputError(f"the output folder '{typed}' cannot be written to: {reason}")


def _in_the_way(path: Path) -> str:
    return "it is a folder" if path.is_dir() else "it is not an ordinary file"
