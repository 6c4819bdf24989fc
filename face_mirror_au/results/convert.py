"""Tables from one form into another, without loss where that is possible, and never with a loss that was not asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from face_mirror_au.errors import OutputError, TableError
from face_mirror_au.files import display_name, make_output_folder
from face_mirror_au.results.earlier import listed_files
from face_mirror_au.results.names import METADATA, ONLINE, TABLES
from face_mirror_au.results.workbook import is_workbook
from face_mirror_au.tables.formats import FACE_MIRROR, MINIMAL, open_table, openface, recognise
from face_mirror_au.tables.table_files import Piece, is_parquet
from face_mirror_au.tables.table_format import TableFormat

# What `--to` may name: the others are not made from other tables.
TARGETS = {"openface": openface(()), "minimal": MINIMAL, "face-mirror": FACE_MIRROR}


def convert_table(source: Path, path: Path, to: str | None = None, *, drop: bool = False) -> Path:
    """Write a table in another form: CSV or Parquet by the name of `path`, the columns of another format by `to`.

    Parameters
    ----------
    source : Path
        A CSV or Parquet file of this program.
    path : Path
        Where to; a file of that name is replaced.
    to : str, optional
        "openface", "minimal" or "face-mirror"; when not given, the table's own format.
    drop : bool
        Whether columns and decimals that the other format does not have may be lost.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    TableError
        When the source is no table of this program or is damaged, or cannot become what was asked for without a loss.
    OutputError
        When the file cannot be written, or is the source.
    ParquetMissingError
    """
    check_target(source, path)
    table = open_table(source)
    wanted = target(to, table.format, exact=is_parquet(path))
    lost = losses(table.format, wanted)
    if lost and not drop:
        what = ", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
        raise TableError(f"as {wanted.name} this table would lose {what}; say --drop if that is what you want")
    make_output_folder(path.parent)
    wanted.write(path, _in_format(table.pieces(), table.format, wanted), table.metadata or metadata_beside(source))
    return path


def target(name: str | None, source: TableFormat, *, exact: bool) -> TableFormat:
    """The format that `--to` names, for a table of the format `source`.

    Parameters
    ----------
    name : str or None
        None: its own.
    source : TableFormat
    exact : bool
        Whether the table may keep its full precision, as in a Parquet file.

    Raises
    ------
    TableError
        When the table does not hold what that format needs, or there is no such format.
    """
    in_csv = recognise(source.names, source.name)
    if name is None or name == source.name:
        return source if exact else in_csv
    if name not in TARGETS:
        raise TableError(f"there is no format {name!r} to convert to; choose one of {', '.join(TARGETS)}, or leave --to out")
    wanted = in_csv if name == in_csv.name else TARGETS[name]
    missing = [column for column in wanted.names if column not in source.names]
    if missing:
        what = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise TableError(f"a table of the format {source.name} cannot become {name}: it has no {what}; run the video with --format {name}")
    return wanted


def losses(source: TableFormat, wanted: TableFormat) -> list[str]:
    """What a table loses when it goes from one format to the other: columns, and decimals of columns."""
    held = {column.name: column.decimals for column in source.columns}
    gone = [column for column in source.names if column not in wanted.names]
    coarser = [
        f"decimals of {column.name}"
        for column in wanted.columns
        if column.decimals is not None and ((had := held[column.name]) is None or column.decimals < had)
    ]
    return [*gone, *coarser]


def check_target(source: Path, path: Path) -> None:
    """Raise a TableError for an output that is neither CSV nor Parquet, and an OutputError for one that is the source itself."""
    if is_workbook(path):
        raise TableError(f"a workbook is made of a whole run: give its folder in place of '{display_name(source)}'")
    if not is_parquet(path) and path.suffix.lower() != ".csv":
        raise TableError(f"the output '{path.name}' must end in .csv or .parquet")
    if path.exists() and source.exists() and path.samefile(source):
        raise OutputError(f"'{path.name}' is the input; choose another name")


def _in_format(pieces: Iterable[Piece], source: TableFormat, wanted: TableFormat) -> Iterator[Piece]:
    if source.names == wanted.names:
        yield from pieces
        return
    shift = int(source.short) - int(wanted.short)  # frames count from 0 in the short formats
    for piece in pieces:
        found = {}
        for column in wanted.columns:
            values = piece[column.name]
            if column.name == "frame":
                values = values + shift
            elif column.kind == "number" and column.name != "timestamp":
                # --openface-strict writes zeros there; in the short formats a cell without a measurement is empty.
                values = np.where(piece["success"], values, np.nan)
            found[column.name] = values
        yield found


def metadata_beside(table: Path) -> str:
    """The metadata file of the run that wrote a table, as text; empty where there is none that lists this table."""
    endings = (*TABLES, ONLINE, table.suffix)
    for ending in endings:
        if not table.name.endswith(ending):
            continue
        try:
            text = table.with_name(table.name.removesuffix(ending) + METADATA).read_text(encoding="utf-8")
            listed = listed_files(json.loads(text))
        except (OSError, ValueError, RecursionError):
            continue
        if ending in listed:
            return text
    return ""
