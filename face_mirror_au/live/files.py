"""What a live session leaves: a table that grows, its dictionary, and a record. Numbers and words only; no picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from face_mirror_au.pipeline.online import OnlineValues
from face_mirror_au.pipeline.own_descriptor import descriptor_of, failure_reason
from face_mirror_au.records import FloatArray, View
from face_mirror_au.tables import columns
from face_mirror_au.tables.raw_log import RAW_COLUMNS, GrowingCsv
from face_mirror_hooks.records import FrameResult

TABLE, DICTIONARY, RECORD = ".live.csv", ".live.columns.csv", ".live.json"
_DECIMALS = 6


def live_columns(*, sides: bool) -> tuple[str, ...]:
    """Header of the table: that of `<stem>.online.csv`, with the corrected values before the reason; by side where there are any."""
    return (*RAW_COLUMNS[:-1], *columns.ONLINE, *(columns.ONLINE_SIDES if sides else ()), RAW_COLUMNS[-1])


def free_stem(folder: Path, stem: str) -> str:
    """The stem, with a number behind it where an earlier session has it: a session cannot be repeated, so none is replaced."""
    taken, number = stem, 1
    while any((folder / f"{taken}{ending}").exists() for ending in (TABLE, DICTIONARY, RECORD)):
        number += 1
        taken = f"{stem}-{number}"
    return taken


class LiveLog(GrowingCsv):
    """`<stem>.live.csv`: a row for each measured frame and view, handed to the system at once.

    Frames that were dropped have no row: their numbers are missing in `frame`.

    Parameters
    ----------
    path : Path
    sides : bool
        Whether the AU models tell the sides of one picture apart.

    Raises
    ------
    OutputError
        From every method, when the file cannot be written.
    """

    def __init__(self, path: Path, *, sides: bool) -> None:
        super().__init__(path, live_columns(sides=sides))
        self._sides = sides

    def append(self, result: FrameResult, values: Mapping[View, OnlineValues]) -> None:
        """Write the rows of a frame: one for each view."""
        rows = []
        for view in result.views:
            success, found = descriptor_of(view) is not None, values.get(view.view)
            numbers: list[FloatArray] = [np.full(self._width, np.nan)]
            if success and found is not None:
                numbers = [found.raw, found.corrected]
                if self._sides:
                    # Of a mirrored picture, sides would say nothing. Side by side: left and right of each action unit.
                    numbers.append(_nothing(found) if found.sides is None or view.view is not View.ORIGINAL else found.sides.T.ravel())
            cells = [f"{number:.{_DECIMALS}f}" if np.isfinite(number) else "" for number in np.concatenate(numbers).tolist()]
            moment = (str(result.index + 1), f"{result.time_s:.{_DECIMALS}f}", view.view.value, str(int(success)))
            rows.append((*moment, *cells, " ".join(failure_reason(view).split())))
        self._write(*rows)

    @property
    def _width(self) -> int:
        return len(live_columns(sides=self._sides)) - 5  # but frame, timestamp, view, success and reason


def _nothing(values: OnlineValues) -> FloatArray:
    return np.full(2 * values.corrected.size, np.nan)
