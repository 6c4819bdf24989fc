"""The tables that this program writes: which columns, how many decimals, from where frames count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from face_mirror_au.errors import TableError
from face_mirror_au.tables import columns
from face_mirror_au.tables.columns import GROUPS, FileColumns
from face_mirror_au.tables.csv_tables import au_columns, face_mirror_columns, minimal_columns, openface_columns, sides_columns
from face_mirror_au.tables.raw_log import RAW_COLUMNS

WHOLE = frozenset({"frame", "face_id"})
TEXT = frozenset({"view", "reason"})
SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class TableFormat:
    """One kind of table.

    Attributes
    ----------
    name : str
    columns : tuple of str
        In their order.
    decimals : mapping of str to int or None
        Of each column of numbers; None: as many as it takes to read the same float64 back.
    short : bool
        Frames count from 0, and success is False or True; else from 1, and 0 or 1.
    """

    name: str
    columns: tuple[str, ...]
    decimals: Mapping[str, int | None]
    short: bool = False

    def described(self) -> FileColumns:
        """Its columns, with what they mean in it."""
        return FileColumns("", self.columns, self.short)


def _decimals(*groups: tuple[Iterable[str], int | None]) -> dict[str, int | None]:
    return {name: decimals for names, decimals in groups for name in names}


# As `csv_tables` and `raw_log` write them; a test converts what those wrote, and expects the same bytes.
_OPENFACE = _decimals(
    (("timestamp",), 3),
    (("confidence",), 2),
    (columns.HEAD_POSE[:3], 1),
    (columns.HEAD_POSE[3:], 3),
    (columns.points("x", "y", "X", "Y", "Z"), 1),
    ((*columns.FIT, *columns.SHAPE), 3),
    ((*columns.INTENSITY, *columns.PRESENCE), 2),
)
_TIME = ("timestamp",)
_FIXED = (
    TableFormat("minimal", minimal_columns(), _decimals((columns.INTENSITY, 4)), short=True),
    TableFormat("face-mirror", face_mirror_columns(), _decimals((_TIME, 6), (columns.INTENSITY, 4)), short=True),
    TableFormat("raw", RAW_COLUMNS, _decimals((_TIME, 6), (columns.RAW, 6))),
    TableFormat("sides", sides_columns(), _decimals((_TIME, 6), (columns.SIDES, 4), (columns.RAW_SIDES, 4))),
    TableFormat("aus", au_columns(), _decimals((columns.INTENSITY, None), (columns.PRESENCE, 0))),
)
# What `--to` may name: the others are not made from other tables.
TARGETS = ("openface", "minimal", "face-mirror")


def recognise(header: Sequence[str], name: str) -> TableFormat:
    """The format of a table with these columns.

    Parameters
    ----------
    header : sequence of str
    name : str
        Of the file, for the message.

    Raises
    ------
    TableError
        When no table of this program has these columns.
    """
    found = tuple(header)
    for each in _FIXED:
        if each.columns == found:
            return each
    if found[: len(columns.KEYS)] == columns.KEYS:
        for number in range(len(GROUPS) + 1):
            for groups in combinations(GROUPS, number):
                if openface_columns(groups) == found:
                    return TableFormat("openface", found, {column: _OPENFACE[column] for column in found if column in _OPENFACE})
    raise TableError(f"'{name}' is no table of face-mirror-au: its columns are not those of any; give a CSV or Parquet file that it wrote")


def target(name: str, source: TableFormat) -> TableFormat:
    """The format that `--to` names, for a table of the format `source`.

    Raises
    ------
    TableError
        When the table does not hold what that format needs, or there is no such format.
    """
    if name == source.name:
        return source
    if name not in TARGETS:
        raise TableError(f"there is no format {name!r} to convert to; choose one of {', '.join(TARGETS)}, or leave --to out")
    wanted = next((each for each in _FIXED if each.name == name), None)
    needed = columns.KEYS if wanted is None else wanted.columns
    missing = [column for column in needed if column not in source.columns]
    if missing or wanted is None:
        what = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise TableError(f"a table of the format {source.name} cannot become {name}: it has no {what}; run the video with --format {name}")
    return wanted


def losses(source: TableFormat, wanted: TableFormat) -> list[str]:
    """What a table loses when it goes from one format to the other: columns, and decimals of columns."""
    gone = [column for column in source.columns if column not in wanted.columns]
    coarser = [
        f"decimals of {column}"
        for column, decimals in wanted.decimals.items()
        if decimals is not None and (source.decimals[column] is None or decimals < (source.decimals[column] or 0))
    ]
    return [*gone, *coarser]
