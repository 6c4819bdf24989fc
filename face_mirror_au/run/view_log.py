"""Collects one view of one video: online values as they come, small per-frame numbers on disk, the whole table at the end."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.pipeline.baseline import Baseline
from face_mirror_au.pipeline.online import OnlineValues
from face_mirror_au.pipeline.own_descriptor import descriptor_of, failure_reason
from face_mirror_au.pipeline.sequence import AUSequence, FinalValues
from face_mirror_au.pipeline.signals import SIGNALS
from face_mirror_au.records import INTENSITY_AUS, PRESENCE_AUS, View, ViewTable
from face_mirror_au.tables.spool import Spool
from face_mirror_hooks.records import ViewResult


class ViewLog:
    """One view of one video, from its first frame to its final values. All that grows with the video lies on disk.

    Parameters
    ----------
    view : View
    bank : AUBank
    folder : Path
        Where the per-frame numbers are spooled; they are deleted at the end.
    strict, baseline, original
        See `AUSequence`.
    """

    def __init__(
        self,
        view: View,
        bank: AUBank,
        folder: Path,
        *,
        strict: bool = False,
        baseline: Baseline | None = None,
        original: AUSequence | None = None,
    ) -> None:
        self.view = view
        self.failures: Counter[str] = Counter()
        self._reasons: dict[str, int] = {"": 0}
        self._folder = folder
        self._has_sides = bank.has_sides
        self._signals = [signal for signal in SIGNALS if signal.kept and view in signal.views]
        self._given = {signal.name for signal in self._signals if not signal.optional}
        self._dtype = np.dtype(
            [
                ("frame", np.int64),
                ("time_s", np.float64),
                ("success", np.bool_),
                ("confidence", np.float64),
                *(signal.field for signal in self._signals),
                ("reason", np.int64),
            ]
        )
        self._closing = ExitStack()
        self._spool = self._open(self._dtype)
        self.sequence = AUSequence(bank, strict=strict, baseline=baseline, original=original, rows=self._open)

    def __enter__(self) -> ViewLog:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._closing.close()

    def append(self, index: int, time_s: float, result: ViewResult) -> OnlineValues:
        """Take the next frame's result for this view, in order."""
        row = np.zeros((), self._dtype)
        row["frame"], row["time_s"], row["confidence"] = index, time_s, result.confidence
        for signal in self._signals:
            value = signal.value(result)
            row[signal.name] = signal.failed if value is None else value
            if value is not None:
                self._given.add(signal.name)
        descriptor = descriptor_of(result)
        row["success"] = descriptor is not None
        if descriptor is None:
            reason = failure_reason(result)
            self.failures[reason] += 1
            row["reason"] = self._reasons.setdefault(reason, len(self._reasons))
        self._spool.append(row)
        if descriptor is None:
            return self.sequence.append(None, None, time_s)
        return self.sequence.append(descriptor.hog, descriptor.geometry, time_s)

    def finish(self) -> ViewTable:
        """All rows, with final values. The columns read from disk: use the table before this log is closed."""
        values = self._final_values()
        rows = self._spool
        return ViewTable(
            view=self.view,
            frame=rows.column("frame"),
            time_s=rows.column("time_s"),
            success=rows.column("success"),
            confidence=rows.column("confidence"),
            intensity=values.column("intensity"),
            presence=values.column("presence"),
            raw=values.column("raw"),
            signals={name: rows.column(name) for name in (signal.name for signal in self._signals) if name in self._given},
            sides=values.column("sides") if self._has_sides else None,
            raw_sides=values.column("raw_sides") if self._has_sides else None,
            reason=rows.column("reason"),
            reasons=tuple(self._reasons),
        )

    def _final_values(self) -> Spool:
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("intensity", "raw"), (len(INTENSITY_AUS),))
        shapes["presence"] = (len(PRESENCE_AUS),)
        if self._has_sides:
            shapes |= dict.fromkeys(("sides", "raw_sides"), (2, len(INTENSITY_AUS)))
        values = self._open(np.dtype([(name, np.float64, shape) for name, shape in shapes.items()]))
        for piece in self.sequence.final_pieces():
            values.extend(_records(piece, values.dtype))
        return values

    def _open(self, dtype: np.dtype[Any]) -> Spool:
        return self._closing.enter_context(Spool(dtype, self._folder))


def _records(piece: FinalValues, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    records = np.empty(len(piece.raw), dtype)
    for name in dtype.names or ():
        records[name] = getattr(piece, name)
    return records
