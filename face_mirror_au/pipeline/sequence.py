"""The ordered half of the method, for one view of one video: neutral reference, online values, final values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import UsageError
from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.eyelids import eye_closures, lids_allow
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.numerics.final_values import (
    PRESENCE_WINDOW,
    final_intensities,
    final_presences,
    neutral_levels,
    neutral_offsets,
)
from face_mirror_au.numerics.rest import RestRows, find_rest, weighed_rows, weighted_medians
from face_mirror_au.pipeline.baseline import NEUTRAL, SHARED, Baseline, OtherRest
from face_mirror_au.pipeline.online import OnlineSequence
from face_mirror_au.pipeline.row_store import MemoryRows, RowStore
from face_mirror_au.records import INTENSITY_AUS, PRESENCE_AUS, FloatArray, OnlineValues

# OpenFace 2.2: so many successful frames are kept and predicted again with the final medians; later ones keep their online values.
MAX_REPREDICTED = 3000
# Descriptors are predicted again in blocks of this many, so that the float64 copy stays small.
_BLOCK = 256
_NOT_KEPT = -1
# Rows of the final pass at a time, and how many on both sides their means reach out to.
_PIECE = 4096
_MARGIN = PRESENCE_WINDOW // 2
# Raw values of a whole video that are looked at together, at most.
_MAX_VALUES = 500_000
_BLINK = INTENSITY_AUS.index("AU45")


@dataclass(frozen=True, slots=True)
class FinalValues:
    """What is known after the last frame; N rows.

    Attributes
    ----------
    raw : ndarray, (N, a) float64
        Intensities re-predicted with the final neutral reference, unclipped; NaN in failed frames.
    raw_presence : ndarray, (N, 18) float64
        Re-predicted 0 or 1; NaN in failed frames.
    intensity : ndarray, (N, a) float64
        Offset, clipped to [0, 5] and smoothed.
    presence : ndarray, (N, 18) float64
        Majority over 7 frames.
    sides, raw_sides : ndarray, (N, 2, a) float64, or None
        As `intensity` and `raw`, of the subject's left and right; None when the bank has no predictors of one side.
    closures : ndarray, (N, 2) float64, or None
        See `eye_closures`; the subject's left eye first. None when no frame had an opening.
    """

    raw: FloatArray
    raw_presence: FloatArray
    intensity: FloatArray
    presence: FloatArray
    sides: FloatArray | None = None
    raw_sides: FloatArray | None = None
    closures: FloatArray | None = None


class AUSequence:
    """Action units of one view of one video. Made at its start, fed in frame order, thrown away at its end.

    Parameters
    ----------
    bank : AUBank
    strict : bool
        Read failed frames as OpenFace does (see `final_values`), instead of leaving them empty.
    baseline : Baseline
        What the dynamic action units are measured against.
    original : AUSequence, optional
        With a shared baseline: the original view's sequence, whose reference this one uses. It must get each frame, and finish, first.
    other : OtherRest, optional
        The rest of another recording, which takes the place of this one's.
    rows : callable, optional
        Makes the store of the raw values, given the type of a record; in memory when not given.
    smooth : bool
        Whether final values are means over neighbouring rows.
    """

    def __init__(
        self,
        bank: AUBank,
        *,
        strict: bool = False,
        baseline: Baseline | None = None,
        original: AUSequence | None = None,
        other: OtherRest | None = None,
        rows: Callable[[np.dtype[Any]], RowStore] = MemoryRows,
        smooth: bool = True,
    ) -> None:
        self._bank = bank
        self._smooth = smooth
        self._strict = strict
        self._baseline = baseline or Baseline()
        self._original = original if self._baseline.kind == SHARED else None
        self._other = other
        self.online: OnlineSequence = OnlineSequence(bank, self._baseline, None if original is None else original.online)
        # What is subtracted from every intensity in the end, and how far the eyes are open at rest.
        self.levels: FloatArray = np.zeros(bank.n_intensities)
        self.open_at_rest: FloatArray = np.full(2, np.nan)
        # Pages of it are only taken from the system when they are written. Predicted from float32, intensities move by less than 0.00001.
        self._descriptors = np.empty((MAX_REPREDICTED, bank.n_features), np.float32)
        self._kept = 0
        self._again: tuple[FloatArray, FloatArray] | None = None
        self._measured_in_segment = False
        self._rows = rows(
            np.dtype(
                [
                    ("raw", np.float64, (bank.n_intensities,)),
                    ("presence", np.float32, (len(PRESENCE_AUS),)),
                    ("openings", np.float32, (2,)),
                    ("success", np.bool_),
                    ("in_segment", np.bool_),
                    ("kept", np.int32),
                ]
            )
        )

    def append(
        self, hog: NDArray[np.float32] | None, geometry: FloatArray | None, time_s: float = 0.0, openings: FloatArray | None = None
    ) -> OnlineValues:
        """Take the next frame; None, None for one that failed.

        Parameters
        ----------
        hog : ndarray, (4464,) float32, or None
        geometry : ndarray, (238,) float64, or None
        time_s : float
            Only a baseline with a segment looks at it.
        openings : ndarray, (2,) float64, optional
            See `eye_openings`.

        Returns
        -------
        OnlineValues

        Raises
        ------
        UsageError
            When the baseline's segment has passed without a measured frame.
        """
        values = self.online.append(hog, geometry, time_s)
        kept, success = _NOT_KEPT, hog is not None and geometry is not None
        if success and self._kept < MAX_REPREDICTED:
            kept = self._kept
            self._descriptors[kept, :HOG_SIZE], self._descriptors[kept, HOG_SIZE:] = hog, geometry
            self._kept += 1
        in_segment = self._baseline.holds(time_s)
        self._measured_in_segment |= success and in_segment
        if self._baseline.kind == NEUTRAL and time_s > self._baseline.end_s and not self._measured_in_segment:
            raise self._nothing_in_segment()
        opened = np.full(2, np.nan) if openings is None or not success else openings
        self._rows.append((values.columns, values.presence, opened, success, in_segment, kept))
        return values

    def __len__(self) -> int:
        return len(self._rows)

    def finish(self, rest: NDArray[np.float32] | None = None) -> FinalValues:
        """The final values of all frames at once; see `final_pieces`."""
        pieces = list(self.final_pieces(rest))

        def whole(name: str) -> FloatArray:
            return np.concatenate([getattr(piece, name) for piece in pieces])

        sided = self._bank.has_sides
        return FinalValues(
            raw=whole("raw"),
            raw_presence=whole("raw_presence"),
            intensity=whole("intensity"),
            presence=whole("presence"),
            sides=whole("sides") if sided else None,
            raw_sides=whole("raw_sides") if sided else None,
            closures=whole("closures") if pieces[0].closures is not None else None,
        )

    @property
    def rest_for_others(self) -> OtherRest:
        """The recording's rest, for another recording of the same person; after the final values."""
        return OtherRest(self.levels - self.online.offsets[: len(self.levels)], self.open_at_rest)

    def measured(self, start: int, stop: int) -> RestRows:
        """Rows `start` to `stop` (not included) for `find_rest`, as predicted again; without landmarks. Call it after the last frame."""
        rows = self._read(start, stop)
        n = len(INTENSITY_AUS)
        columns = slice(n, 3 * n) if self._bank.has_sides else slice(0, n)
        return RestRows(rows["success"], np.arange(start, stop, dtype=np.float64), rows["raw"][:, columns])

    @property
    def in_segment(self) -> NDArray[np.bool_]:
        """Which rows were measured in the baseline's segment, (N,)."""

        def read(start: int, stop: int) -> NDArray[np.bool_]:
            rows = self._rows.read(start, stop)
            return np.asarray(rows["success"] & rows["in_segment"])

        return self._in_all(read)

    def final_pieces(self, rest: NDArray[np.float32] | None = None) -> Iterator[FinalValues]:
        """Predict the kept frames again with the final neutral reference, then offset, clip and smooth; some rows at a time, in order.

        Parameters
        ----------
        rest : ndarray, (N,) float32, optional
            How much each frame shows the face at rest, see `find_rest`. What it is looked for by when not given: the raw values alone.

        Raises
        ------
        UsageError
            When there was no frame, or none measured in the baseline's segment.
        """
        if not len(self._rows):
            raise UsageError("no frame was given; there are no final values")
        total = len(self._rows)
        if rest is None and self._bank.own_rest and self._bank.dynamic.any():
            found = find_rest(self.measured, total)
            rest = None if found is None else found.weights
        self.levels = self._neutral_levels(rest)
        self.open_at_rest = self._open_at_rest(rest)
        for start in range(0, total, _PIECE):
            # Some rows more on both sides, which the means run over.
            first, last = max(0, start - _MARGIN), min(total, start + _PIECE + _MARGIN)
            inner = slice(start - first, min(start + _PIECE, total) - first)
            yield self._final_piece(self._read(first, last), inner)

    def _final_piece(self, rows: NDArray[Any], inner: slice) -> FinalValues:
        raw, presence, success = rows["raw"], rows["presence"].astype(np.float64), rows["success"]
        closures = eye_closures(rows["openings"].astype(np.float64), self.open_at_rest)
        moved = self._within_lids(raw - self.levels, closures)
        if self._bank.presence_above is not None:
            presence = self._bank.presences(moved)
        intensity = final_intensities(moved, success, np.zeros(len(self.levels)), smooth=self._smooth, strict=self._strict)[inner]
        final_presence = final_presences(presence, success, smooth=self._smooth, strict=self._strict)[inner]
        raw, presence = raw[inner], presence[inner]
        whole, sided = self._bank.whole_columns, self._bank.side_columns if self._bank.has_sides else None
        return FinalValues(
            raw=raw[:, whole],
            raw_presence=presence,
            intensity=intensity[:, whole],
            presence=final_presence,
            sides=None if sided is None else intensity[:, sided],
            raw_sides=None if sided is None else raw[:, sided],
            closures=closures[inner] if np.isfinite(self.open_at_rest).any() else None,
        )

    def _within_lids(self, moved: FloatArray, closures: FloatArray) -> FloatArray:
        """Intensities (n, m) of a bank whose AU45 the lids must agree with: an eye that rolls up behind open lids looks closed to it."""
        if not (self._bank.own_rest and self._bank.has_sides):
            return moved
        sides = moved[:, [len(INTENSITY_AUS) * (side + 1) + _BLINK for side in range(2)]]
        beyond = np.maximum(sides - lids_allow(closures), 0.0)
        for side in range(2):
            moved[:, len(INTENSITY_AUS) * (side + 1) + _BLINK] -= beyond[:, side]
        moved[:, _BLINK] -= beyond.mean(axis=1)
        return moved

    def _predicted_again(self) -> tuple[FloatArray, FloatArray]:
        """Intensities and presences of the kept frames with the final reference: (kept, m) and (kept, 18) float64."""
        offsets = self.online.offsets
        raw, presence = np.empty((self._kept, self._bank.n_intensities)), np.empty((self._kept, len(PRESENCE_AUS)))
        for start in range(0, self._kept, _BLOCK):
            block = slice(start, min(start + _BLOCK, self._kept))
            raw[block], presence[block] = self._bank.predict(self._descriptors[block].astype(np.float64), offsets)
        return raw, presence

    def _read(self, first: int, last: int) -> NDArray[Any]:
        """Records `first` to `last` (not included), those of kept frames as predicted again."""
        again = self._again = self._again or self._predicted_again()
        rows = self._rows.read(first, last)
        kept = rows["kept"] != _NOT_KEPT
        places = rows["kept"][kept]
        rows["raw"][kept], rows["presence"][kept] = again[0][places], again[1][places]
        return rows

    def _neutral_levels(self, rest: NDArray[np.float32] | None) -> FloatArray:
        """What the neutral face's intensities are, for each column: (m,) float64, 0 for static ones."""
        if self._original is not None:
            return self._original.levels
        dynamic = self._bank.dynamic[: self._bank.n_intensities]
        if self._other is not None:
            return np.where(dynamic, self._other.levels + self.online.offsets[: len(dynamic)], 0.0)
        if self._baseline.kind == NEUTRAL:
            chosen = self.in_segment
            if not chosen.any():
                raise self._nothing_in_segment()
            return self._by_columns(chosen, lambda values, part: neutral_levels(values, dynamic[part]))
        success = self._in_all(lambda start, stop: self._rows.read(start, stop)["success"])
        if not self._bank.own_rest:
            return self._by_columns(success, lambda values, part: _low_values(self._bank, values, part))
        rows = self._resting(rest)
        return np.where(dynamic, weighted_medians(rows["raw"], rows["weight"]), 0.0) if len(rows) else np.zeros(len(dynamic))

    def _open_at_rest(self, rest: NDArray[np.float32] | None) -> FloatArray:
        """How far each eye is open at rest, (2,) float64; NaN where that is unknown."""
        if self._other is not None:
            return self._other.open_at_rest
        if rest is None:
            return np.full(2, np.nan)
        rows = self._resting(rest)
        rows = rows[np.isfinite(rows["openings"]).all(axis=1)]
        return weighted_medians(rows["openings"].astype(np.float64), rows["weight"]) if len(rows) else np.full(2, np.nan)

    def _resting(self, rest: NDArray[np.float32] | None) -> NDArray[Any]:
        """Records of measured frames at rest, some thousands at most, with their "weight"; all weigh the same where nobody knows a rest."""
        total = len(self._rows)
        weights = np.ones(total, np.float32) if rest is None else rest
        success = self._in_all(lambda start, stop: self._rows.read(start, stop)["success"])
        wanted = weighed_rows(np.where(success, weights, 0.0).astype(np.float32))
        found = []
        for start in range(0, total, _PIECE):
            here = wanted[(wanted >= start) & (wanted < start + _PIECE)]
            if len(here):
                found.append(self._read(start, min(start + _PIECE, total))[here - start])
        records = np.concatenate(found) if found else self._rows.read(0, 0)
        named = np.zeros(
            len(records),
            [(name, records.dtype[name].base, records.dtype[name].shape) for name in ("raw", "openings")] + [("weight", np.float64)],
        )
        named["raw"], named["openings"], named["weight"] = records["raw"], records["openings"], weights[wanted]
        return named

    def _in_all(self, of: Callable[[int, int], NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """Flags of all rows, read some at a time: (N,) bool."""
        total = len(self._rows)
        return np.concatenate([of(start, min(start + _PIECE, total)) for start in range(0, total, _PIECE)])

    def _nothing_in_segment(self) -> UsageError:
        remedy = "; choose another one" if self._kept else ", nor any other until then: check that the recording shows a face"
        return UsageError(f"no frame was measured in the baseline segment {self._baseline}{remedy}")

    def _by_columns(self, chosen: NDArray[np.bool_], level: Callable[[FloatArray, slice], FloatArray]) -> FloatArray:
        """Make something of each column's raw values in the chosen frames; of a long video a few columns at a time."""
        total, m = len(self._rows), self._bank.n_intensities
        width = max(1, _MAX_VALUES // max(1, int(chosen.sum())))
        levels = []
        for left in range(0, m, width):
            part = slice(left, min(left + width, m))
            pieces = [
                self._read(start, min(start + _PIECE, total))["raw"][chosen[start : start + _PIECE], part]
                for start in range(0, total, _PIECE)
            ]
            levels.append(level(np.concatenate(pieces), part))
        return np.concatenate(levels)


def _low_values(bank: AUBank, values: FloatArray, part: slice) -> FloatArray:
    return neutral_offsets(values, np.ones(len(values), bool), bank.cutoffs[part], bank.dynamic[: bank.n_intensities][part])


def predict_image(bank: AUBank, hog: NDArray[np.float32], geometry: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Action units of a single image: static predictors, intensities clipped to [0, 5], nothing smoothed.

    Parameters
    ----------
    bank : AUBank
        Static; a dynamic one has no neutral reference in a single image.
    hog : ndarray, (4464,) float32
    geometry : ndarray, (238,) float64

    Returns
    -------
    intensity : ndarray, (17,) float64
    presence : ndarray, (18,) float64

    Raises
    ------
    UsageError
        When the bank has dynamic predictors.
    """
    if bank.dynamic.any():
        raise UsageError("single images need the static models; dynamic ones compare with a video's neutral face")
    raw, presence = bank.predict(np.concatenate([hog, geometry], dtype=np.float64), bank.offsets(np.zeros(bank.n_features)))
    everything = np.ones(1, bool)
    return final_intensities(raw[None, : len(INTENSITY_AUS)], everything, np.zeros(len(INTENSITY_AUS)), smooth=False)[0], presence
