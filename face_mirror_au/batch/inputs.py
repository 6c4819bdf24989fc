"""What is to be measured: files, folders, globs and lists of these, in a fixed order, each once."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from face_mirror_au.errors import UsageError
from face_mirror_au.files import display_name, is_lost_on_windows
from face_mirror_au.media.formats import why_left_out
from face_mirror_au.results.earlier import earlier_files
from face_mirror_au.results.names import METADATA
from face_mirror_au.results.publish import LOCK

_LIST_MARK = "@"
_MAX_SHOWN = 100  # letters of a wrong label that a message repeats


@dataclass(frozen=True)
class Input:
    """One recording, or a name under which there is none.

    Attributes
    ----------
    shown : str
        As the user gave it; of a file in a given folder, that folder and the way to the file.
    path : Path
        Absolute; links are kept.
    folder : str
        The way from the given folder to the file's, with slashes; empty for a file that was given itself.
    root : str
        Name of the given folder, or of the folder that a given file is in.
    label : str
        What the result is to be named, with slashes for folders; empty: like the file.
    problem : str
        Why there is nothing to measure; empty for a recording.
    """

    shown: str
    path: Path
    folder: str = ""
    root: str = ""
    label: str = ""
    problem: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A file in a given folder that is no input, as `Input.shown`, and why."""

    shown: str
    why: str


def find_inputs(given: Collection[str], lists: Iterable[Path], output: Path, left_out: list[LeftOut] | None = None) -> list[Input]:
    """Find all recordings.

    Parameters
    ----------
    given : collection of str
        Files; folders, which are searched with all folders in them; patterns with ``*``, ``?``, ``[]`` and ``**``; ``@FILE`` for a list.
    lists : iterable of Path
        Files with one of these a line (or separated by NUL), relative to where the list is. A tab and a label may follow a name.
    output : Path
        The output folder: what lies in it is not taken for an input, unless the given folder lies in it, too.
    left_out : list of LeftOut, optional
        Gets the files of the folders that are no inputs.

    Returns
    -------
    list of Input
        Folders' files in order of their paths. What is named and not there is an input with a `problem`.

    Raises
    ------
    UsageError
        When a list cannot be read, a label is no name for a folder, or an input is an empty text.
    """
    if "" in given:
        raise UsageError("an input is an empty text; an empty variable of the shell?")
    left: list[LeftOut] = [] if left_out is None else left_out
    names = [*_unfold(given), *(line for path in lists for line in read_list(path))]
    found: dict[Path, Input] = {}
    for name, label in names:
        for each in _labelled(_expand(name, absolute(output), left), name, label):
            found.setdefault(each.path, each)
    return list(found.values())


def _labelled(found: Iterable[Input], name: str, label: str) -> Iterable[Input]:
    if not label:
        return found
    each, *others = found
    if others or each.folder:
        return [Input(name, absolute(name), problem="a label is for one video, and this is a folder or a pattern")]
    return [replace(each, label=label)]


def absolute(path: Path | str) -> Path:
    """The absolute path, without ``..``. Links are kept: another machine may know a file by the same one."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - `resolve` follows links


def _unfold(given: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in given:
        if name.startswith(_LIST_MARK) and not os.path.lexists(name):
            yield from read_list(Path(name.removeprefix(_LIST_MARK)))
        else:
            yield name, ""


def read_list(path: Path) -> list[tuple[str, str]]:
    """Read a list: on each line a name, which a tab and a label may follow; or names separated by NUL, as `find -print0` writes them.

    Returns
    -------
    list of (str, str)
        Names, with the list's folder before them, and labels. Empty lines are left out.

    Raises
    ------
    UsageError
        When it cannot be read, or a label is no name for a folder.
    """
    try:
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise UsageError(f"the list '{display_name(path)}' cannot be read: {error.strerror or type(error).__name__}") from error
    if b"\0" in content:
        return [(str(path.parent / os.fsdecode(name)), "") for name in content.split(b"\0") if name]
    lines = [line.rstrip(b"\r").partition(b"\t") for line in content.split(b"\n") if line.strip()]
    return [(str(path.parent / os.fsdecode(name)), _checked(os.fsdecode(label))) for name, _, label in lines]


def _checked(label: str) -> str:
    """The label, if it can name a folder: plain names, with slashes between them."""
    if label and (any(part.strip() in {"", ".", ".."} for part in label.split("/")) or "\\" in label or not label.isprintable()):
        raise UsageError(f"the label {label[:_MAX_SHOWN]!r} cannot name a result: give plain names, with slashes between them")
    if any(map(is_lost_on_windows, label.split("/"))):
        raise UsageError(f"the label {label[:_MAX_SHOWN]!r} cannot name a result: Windows makes no file of that name")
    return label


def _expand(name: str, output: Path, left_out: list[LeftOut]) -> Iterator[Input]:
    path = absolute(name)
    if path.is_dir():
        yield from _in_folder(name, path, output, left_out)
    elif os.path.lexists(path) or not glob.has_magic(name):
        yield Input(name, path, root=path.parent.name)
    else:
        matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - a pattern may begin anywhere
        if not matches:
            yield Input(name, path, problem="no file matches this pattern")
        for match in matches:  # a folder that matches is searched
            yield from _expand(match, output, left_out)


def _in_folder(name: str, root: Path, output: Path, left_out: list[LeftOut]) -> Iterator[Input]:
    others: dict[Path, str] = {}
    videos = sorted(_videos_below(root, output, others))
    left_out.extend(LeftOut(str(Path(name) / path.relative_to(root)), why) for path, why in sorted(others.items()))
    for path in videos:
        way = path.relative_to(root)
        yield Input(str(Path(name) / way), path, way.parent.as_posix(), root.name)
    if not videos:
        yield Input(name, root, problem="no video in this folder; a folder of images is one recording, which `run` measures")


def _videos_below(root: Path, output: Path, others: dict[Path, str]) -> Iterator[Path]:
    """The videos in a folder and in all folders in it; the other files go into `others`, each with the reason."""
    for folder, subfolders, files in os.walk(root):
        here = Path(folder)
        if LOCK in files:  # a work folder
            continue
        subfolders[:] = [each for each in subfolders if not each.startswith(".") and here / each != output]
        results = _of_results(here, files)
        for path in {here / file for file in files} - results:
            why = why_left_out(path)
            if why:
                others[path] = why
            else:
                yield path


def _of_results(folder: Path, files: Iterable[str]) -> set[Path]:
    """The files in a folder that are an earlier result's, mirrored videos among them."""
    stems = [file.removesuffix(METADATA) for file in files if file.endswith(METADATA)]
    return {path for stem in stems for path in earlier_files(folder / f"{stem}.csv")}
