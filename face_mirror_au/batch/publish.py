"""Results appear whole: each is made in a hidden folder of its own, and moved to its place when its last file is written.

A killed run then leaves nothing that looks like a result, and two machines that do the same recording never write to the same file.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from face_mirror_au.io.earlier import ONLINE, TABLES, EarlierResult
from face_mirror_au.io.files import make_output_folder, output_error
from face_mirror_au.outputs import OutputPlan

_STAGING = ".batch-part-"
_LEFTOVERS = (_STAGING + "*", ".writing-*.tmp")


@contextmanager
def staging(output: Path) -> Iterator[Path]:
    """Give a folder (0700) for one result in the making, in the output folder; it is gone when the block ends.

    Raises
    ------
    OutputError
    """
    make_output_folder(output)
    try:
        folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=output))
    except OSError as error:
        raise output_error(error, output) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def bring_tables_of_persons(plan: OutputPlan, staged: OutputPlan) -> list[Path]:
    """Copy tables that lie beside an earlier result and are none of ours: the report page may be made with them, as in a run.

    Parameters
    ----------
    plan, staged : OutputPlan
        Where the result will be, and where it is made.

    Returns
    -------
    list of Path
        The copies.

    Raises
    ------
    OutputError
    """
    ours = {plan.csv, *(plan.beside(ending) for ending in (*TABLES, ONLINE)), *EarlierResult.find(plan.csv).files}
    # Not by a pattern: the stem may hold what is one.
    beside = plan.csv.parent.iterdir() if plan.csv.parent.is_dir() else ()
    theirs = [path for path in beside if path.name.startswith(f"{plan.csv.stem}.") and path.suffix == ".csv" and path not in ours]
    folder = staged.prepare()
    try:
        return [Path(shutil.copyfile(path, folder / path.name)) for path in theirs if path.is_file()]
    except OSError as error:
        raise output_error(error, plan.csv) from error


def publish(staged: Path, plan: OutputPlan, source: Path, copies: Iterable[Path] = ()) -> None:
    """Move the files of `staged`, a folder, to where `plan` has them. An earlier result there is removed; other files stay.

    Parameters
    ----------
    staged : Path
    plan : OutputPlan
    source : Path
        The input, which is never overwritten.
    copies : iterable of Path
        Files in `staged` that are not to be moved.

    Raises
    ------
    OutputError
    """
    target = plan.csv.parent
    for path in copies:
        path.unlink()
    files = sorted(staged.iterdir())
    metadata = plan.beside(".metadata.json").name
    files.sort(key=lambda path: path.name == metadata)  # last: it says that the others are there
    make_output_folder(target.parent, plan.typed_folder)
    plan.replace_earlier(source, [target / path.name for path in files])
    with suppress(OSError):  # other files, or none
        target.rmdir()
    try:
        if not target.exists():
            staged.rename(target)
            return
        for path in files:
            path.replace(target / path.name)
    except OSError as error:
        raise output_error(error, plan.csv) from error


def remove_leftovers(output: Path) -> None:
    """Remove what batches that were killed have left half made. Nobody else may be writing there."""
    for pattern in _LEFTOVERS:
        for path in output.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()
