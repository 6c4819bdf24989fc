"""Collects one view of one video: online values as they come, small per-frame numbers on disk, the whole table at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.face_regions import of_kept_half, unseen_presences, unseen_units
from face_mirror_au.numerics.rest import Rest, RestRows, find_rest
from face_mirror_au.pipeline.baseline import NEUTRAL, Baseline
from face_mirror_au.pipeline.own_descriptor import descriptor_of, failure_reason
from face_mirror_au.pipeline.sequence import AUSequence, FinalValues
from face_mirror_au.pipeline.signals import EYE_CLOSURE, EYE_OPENING, REGION_CONFIDENCE, SIGNALS
from face_mirror_au.pipeline.static_values import StaticSequence
from face_mirror_au.records import INTENSITY_AUS, PRESENCE_AUS, Column, FloatArray, OnlineValues, View, ViewTable
from face_mirror_au.tables.spool import Spool
from face_mirror_hooks.records import ViewResult


class ViewLog:
    """One view of one video, from its first frame to its final values. All that grows with the video lies on disk.

    Parameters
    ----------
    view : View
    bank : AUBank
    folder : Path or None
        Where the per-frame numbers are spooled; they are deleted at the end.
    strict, baseline, original
        See `AUSequence`.
    static_bank : AUBank, optional
        Static models that measure beside those of `bank`.
    by_face : bool
        The rows are faces of one image: nothing is smoothed over them.
    given : sequence of str
        Signals that the table has even where no frame has a value.
    """

    def __init__(
        self,
        view: View,
        bank: AUBank,
        folder: Path | None,
        *,
        strict: bool = False,
        baseline: Baseline | None = None,
        original: AUSequence | None = None,
        static_bank: AUBank | None = None,
        by_face: bool = False,
        given: Sequence[str] = (),
    ) -> None:
        self.view = view
        self.failures: Counter[str] = Counter()
        self._reasons: dict[str, int] = {"": 0}
        self._folder = folder
        self._has_sides = bank.has_sides
        self._aus = bank.aus
        self._strict = strict
        self._by_face = by_face
        # Of OpenFace's reading, its columns alone.
        self._signals = [
            signal for signal in SIGNALS if signal.kept and view in signal.views and not (strict and signal.optional and not signal.given)
        ]
        self._given = {signal.name for signal in self._signals if not signal.optional or signal.name in given}
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
        self._baseline = baseline or Baseline()
        other = self._baseline.others.get(view.value)
        self.sequence = AUSequence(
            bank, strict=strict, baseline=baseline, original=original, other=other, rows=self._open, smooth=not by_face
        )
        self._static = None if static_bank is None else StaticSequence(static_bank, self._open, strict=strict, smooth=not by_face)

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
        if self._static is not None:
            self._static.append(*((None, None) if descriptor is None else (descriptor.hog, descriptor.geometry)))
        if descriptor is None:
            return self.sequence.append(None, None, time_s)
        return self.sequence.append(descriptor.hog, descriptor.geometry, time_s, descriptor.signals.get(EYE_OPENING.name))

    def find_rest(self, reference: FloatArray | None, changed_s: float | None) -> Rest | None:
        """Which frames show the face at rest; None where no frame was measured. Call it after the last frame.

        Parameters
        ----------
        reference : ndarray, (68, 2)
            See `find_rest` of `numerics.rest`.
        changed_s : float or None
            When another person came: only the longer part, before or from then on, is looked at.
        """
        total = len(self.sequence)
        if self._baseline.kind == NEUTRAL:
            times = np.asarray(self._spool.column("time_s"))
            return Rest.named(self._baseline.start_s, self._baseline.end_s, times, self.sequence.in_segment)

        begun, ended = -np.inf, np.inf
        if changed_s is not None:
            first, last = (float(self._spool.read(row, row + 1)["time_s"][0]) for row in (0, total - 1))
            if changed_s - first < last - changed_s:
                begun = changed_s
            else:
                ended = changed_s

        def read(start: int, stop: int) -> RestRows:
            kept = self._spool.read(start, stop)
            measured = self.sequence.measured(start, stop)
            of_one = (kept["time_s"] >= begun) & (kept["time_s"] < ended)
            return RestRows(measured.success & of_one, kept["time_s"], measured.raw, kept["landmarks"])

        return find_rest(read, total, reference)

    @property
    def region_confidences(self) -> Column[np.float64] | None:
        """How well each region was seen, (N, 10); None where nobody knows."""
        name = REGION_CONFIDENCE.name
        return self._spool.column(name) if name in self._given else None

    def finish(self, rest: Rest | None = None, seen: Column[np.float64] | None = None) -> ViewTable:
        """All rows, with final values. The columns read from disk: use the table before this log is closed.

        Parameters
        ----------
        rest : Rest, optional
            Of all views.
        seen : ndarray, (N, 10) float64, optional
            `region_confidences` of the original view.
        """
        values = self._final_values(None if rest is None else rest.weights, seen)
        rows = self._spool
        signals = {name: rows.column(name) for name in (signal.name for signal in self._signals) if name in self._given}
        if not self._strict and np.isfinite(self.sequence.open_at_rest).any():
            signals[EYE_CLOSURE.name] = values.column("closures")
        return ViewTable(
            view=self.view,
            frame=rows.column("frame"),
            time_s=rows.column("time_s"),
            success=rows.column("success"),
            confidence=rows.column("confidence"),
            intensity=values.column("intensity"),
            presence=values.column("presence"),
            raw=values.column("raw"),
            signals=signals,
            sides=values.column("sides") if self._has_sides else None,
            raw_sides=values.column("raw_sides") if self._has_sides else None,
            reason=rows.column("reason"),
            reasons=tuple(self._reasons),
            aus=self._aus,
            by_face=self._by_face,
            static=None if self._static is None else self._static_values(self._static, seen).column("static"),
        )

    def _static_values(self, static: StaticSequence, seen: Column[np.float64] | None) -> Spool:
        values = self._open(np.dtype([("static", np.float64, (len(INTENSITY_AUS),))]))
        for piece in static.final_pieces():
            if seen is not None and not self._strict:
                unseen = unseen_units(self._seen_here(seen[len(values) : len(values) + len(piece)]))
                piece[unseen[..., : piece.shape[1]].any(axis=1)] = np.nan
            records = np.empty(len(piece), values.dtype)
            records["static"] = piece
            values.extend(records)
        return values

    def _final_values(self, rest: NDArray[np.float32] | None, seen: Column[np.float64] | None) -> Spool:
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("intensity", "raw"), (len(self._aus),))
        shapes |= {"presence": (len(PRESENCE_AUS),), "closures": (2,)}
        if self._has_sides:
            shapes |= dict.fromkeys(("sides", "raw_sides"), (2, len(self._aus)))
        values = self._open(np.dtype([(name, np.float64, shape) for name, shape in shapes.items()]))
        for piece in self.sequence.final_pieces(rest):
            records = _records(piece, values.dtype)
            if seen is not None and not self._strict:
                _leave_out_unseen(records, self._seen_here(seen[len(values) : len(values) + len(records)]))
            values.extend(records)
        return values

    def _seen_here(self, confidences: FloatArray) -> FloatArray:
        return confidences if self.view is View.ORIGINAL else of_kept_half(confidences, left=self.view is View.LEFT_MIRRORED)

    def _open(self, dtype: np.dtype[Any]) -> Spool:
        return self._closing.enter_context(Spool(dtype, self._folder))


def _records(piece: FinalValues, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    records = np.empty(len(piece.raw), dtype)
    for name in dtype.names or ():
        value = getattr(piece, name)
        records[name] = np.nan if value is None else value
    return records


def _leave_out_unseen(records: np.ndarray[Any, Any], confidences: FloatArray) -> None:
    """Empty the values of what was not seen, in place; of the whole face where one side was not."""
    sides = unseen_units(confidences)[..., : records["intensity"].shape[1]]
    records["intensity"][sides.any(axis=1)] = np.nan
    records["presence"][unseen_presences(confidences)] = np.nan
    records["closures"][sides[:, :, INTENSITY_AUS.index("AU45")]] = np.nan
    if "sides" in (records.dtype.names or ()):
        records["sides"][sides] = np.nan
