"""What a live session leaves: a table that grows, its dictionary, and a record. Numbers and words only; no picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from face_mirror_au.pipeline.own_descriptor import descriptor_of, failure_reason
from face_mirror_au.records import OnlineValues, View
from face_mirror_au.tables.formats import LIVE, LIVE_SIDES
from face_mirror_au.tables.raw_log import GrowingCsv
from face_mirror_hooks.records import FrameResult

TABLE, DICTIONARY, RECORD = ".live.csv", ".live.columns.csv", ".live.json"


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
        super().__init__(path, LIVE_SIDES if sides else LIVE)
        self._sides = sides
        self._numbers = len(self._table.names) - 5  # but frame, timestamp, view, success and reason

    def append(self, result: FrameResult, values: Mapping[View, OnlineValues]) -> None:
        """Write the rows of a frame: one for each view."""
        rows = []
        for view in result.views:
            success, found = descriptor_of(view) is not None, values.get(view.view)
            numbers: list[float | None] = []
            if success and found is not None:
                numbers = [*found.raw.tolist(), *found.corrected.tolist()]
                # Of a mirrored picture, sides would say nothing. Side by side: left and right of each action unit.
                if self._sides and found.sides is not None and view.view is View.ORIGINAL:
                    numbers += found.sides.T.ravel().tolist()
            numbers += [None] * (self._numbers - len(numbers))
            moment = (result.index + 1, result.time_s, view.view.value, success)
            rows.append(self._table.cells((*moment, *numbers, " ".join(failure_reason(view).split()))))
        self._write(*rows)
