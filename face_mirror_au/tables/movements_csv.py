"""The table of a recording's movements, which a person writes or corrects: `start_s,end_s,action`."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from face_mirror_au.asymmetry.actions import ACTIONS, action_code
from face_mirror_au.asymmetry.movements import Movement
from face_mirror_au.errors import MovementsError
from face_mirror_au.files import atomic_text, display_name
from face_mirror_au.wording import printable

ENDING = ".movements.csv"
MOVEMENT_COLUMNS = ("start_s", "end_s", "action")

_TIME = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")
_MAX_SHOWN = 40  # characters of a wrong cell that a message repeats


def movements_text(movements: Iterable[Movement]) -> str:
    """The content of the file: times with 3 decimals, lines that end in LF."""
    rows = [f"{movement.start_s:.3f},{movement.end_s:.3f},{movement.code}\n" for movement in movements]
    return ",".join(MOVEMENT_COLUMNS) + "\n" + "".join(rows)


def write_movements(path: Path, movements: Iterable[Movement]) -> None:
    """Write the file.

    Raises
    ------
    OutputError
    """
    with atomic_text(path) as handle:
        handle.write(movements_text(movements))


def read_movements(path: Path) -> list[Movement]:
    """Read a table of movements, in order of their beginning.

    UTF-8, with or without a byte order mark. Columns in any order; others and empty lines are ignored. Cells may be parted by commas,
    or by semicolons with decimal commas, as spreadsheets of many countries write them. `action` is one of the codes of `ACTIONS`,
    or a word for it ("smile", "snarl"), in capital letters or not, or empty.

    Raises
    ------
    MovementsError
        With the file, the line, what is wrong, and what to do.
    """
    name = display_name(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise MovementsError(f"'{name}' is not there; make one with: face-mirror-au movements DIR") from error
    except OSError as error:
        raise MovementsError(f"'{name}' cannot be read: {error.strerror or type(error).__name__}; check its permissions") from error
    except UnicodeDecodeError as error:
        raise MovementsError(f"'{name}' is no text in UTF-8; save it as CSV UTF-8") from error
    return parse_movements(text, name)


def parse_movements(text: str, name: str) -> list[Movement]:
    """As `read_movements`, from the file's text; `name` is for messages."""
    lines = text.splitlines()
    parted = ";" if lines and ";" in lines[0] else ","
    found: list[Movement] = []
    header: dict[str, int] | None = None
    reader = csv.reader(lines, delimiter=parted)
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = _header(cells, name)
            else:
                row = {column: cells[place].strip() if place < len(cells) else "" for column, place in header.items()}
                found.append(_movement(row, name, reader.line_num, parted))
    except csv.Error as error:
        raise MovementsError(f"'{name}', line {reader.line_num}: {error}; write it as plain CSV") from error
    if header is None:
        raise MovementsError(f"'{name}' is empty; its first line must be {','.join(MOVEMENT_COLUMNS)}")
    return sorted(found, key=lambda movement: (movement.start_s, movement.end_s))


def _header(cells: Sequence[str], name: str) -> dict[str, int]:
    names = [cell.strip().lower() for cell in cells]
    missing = next((column for column in MOVEMENT_COLUMNS if column not in names), None)
    if missing is not None:
        raise MovementsError(f"'{name}' has no column '{missing}'; its first line must be {','.join(MOVEMENT_COLUMNS)}")
    return {column: names.index(column) for column in MOVEMENT_COLUMNS}


def _movement(row: Mapping[str, str], name: str, line: int, parted: str) -> Movement:
    where = f"'{name}', line {line}"
    start, end = (_time(row[column], column, where, parted) for column in ("start_s", "end_s"))
    if end <= start:
        raise MovementsError(f"{where}: end_s {end:g} is not after start_s {start:g}; correct one of them")
    code = action_code(row["action"]) if row["action"] else ""
    if code is None:
        known = f"one of {' '.join(ACTIONS)}, or a word like smile, big smile, snarl, pucker"
        raise MovementsError(f"{where}: there is no action '{_shown(row['action'])}'; use {known}, or leave it empty")
    return Movement(start, end, code, line=line)


def _time(cell: str, column: str, where: str, parted: str) -> float:
    plain = cell.replace(",", ".") if parted == ";" else cell
    value = float(plain) if _TIME.fullmatch(plain) else math.nan
    if not math.isfinite(value):
        raise MovementsError(f"{where}: {column} is '{_shown(cell)}', no time in seconds; write a number like 2.5")
    return value


def _shown(cell: str) -> str:
    """A wrong cell for a message: one line, not too long."""
    text = printable(cell)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."
