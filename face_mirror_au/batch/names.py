"""Where each recording's result goes: a folder of its own for each, and the same one at every call."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path, PurePosixPath

from face_mirror_au.batch.inputs import Input
from face_mirror_au.batch.state import LOCK_FILE, STATE_FILE, BatchState, Remembered
from face_mirror_au.batch.table import TABLE_FILE
from face_mirror_au.files import result_stem


def give_names(inputs: Iterable[Input], state: BatchState) -> None:
    """Give every recording that has none yet the name of its result's folder, in `state`.

    The name is the way from the given folder, and the file's without its ending: ``p1/rest`` for ``p1/rest.mp4``. Where another recording
    has it, the given folder's name or the ending tells them apart. A label is the name instead. A recording keeps its name, whatever others
    come; the name of one that is gone may be given anew.
    """
    wanted = [each for each in inputs if not each.problem]
    here = {str(each.path) for each in wanted}
    for gone in [path for path in state.inputs if path not in here and not Path(path).exists()]:
        del state.inputs[gone]
    owners = {_folded(known.name): Path(path) for path, known in state.inputs.items()}
    for each in wanted:
        known = state.inputs.get(str(each.path))
        if known is not None and not each.label:
            continue
        taken = {name: path for name, path in owners.items() if path != each.path} if known is not None else owners
        name = next(name for name in _candidates(each, taken) if _folded(name) not in taken and _folded(name) not in _RESERVED)
        owners[_folded(name)] = each.path
        if known is None or known.name != name:
            state.inputs[str(each.path)] = Remembered(name)


def _candidates(each: Input, owners: dict[str, Path]) -> Iterator[str]:
    stem = result_stem(each.path)
    plain = each.label or _joined(each.folder, stem)
    yield plain
    owner = owners.get(_folded(plain))
    if owner is not None and owner.parent == each.path.parent and not each.label:  # rest.mp4 and rest.mov
        yield _joined(each.folder, f"{stem}_{each.path.suffix.removeprefix('.')}")
    if each.root and not each.label:
        yield _joined(each.root, each.folder, stem)
    yield from (f"{plain}_{number}" for number in count(2))


def _joined(*parts: str) -> str:
    return PurePosixPath(*parts).as_posix()


def _folded(name: str) -> str:
    """One form for names that a file system may take for the same."""
    return unicodedata.normalize("NFC", name).casefold()


_RESERVED = frozenset(_folded(name) for name in (STATE_FILE, LOCK_FILE, TABLE_FILE))
