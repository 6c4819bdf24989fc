"""The ordered half of the method, for one view of one video: neutral reference, online values, final values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import UsageError
from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.numerics.final_values import (
    PRESENCE_WINDOW,
    final_intensities,
    final_presences,
    movement,
    neutral_levels,
    neutral_offsets,
    quiet_frames,
)
from face_mirror_au.pipeline.baseline import NEUTRAL, SHARED, Baseline
from face_mirror_au.pipeline.online import OnlineSequence
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


@dataclass(frozen=True, slots=True)
class FinalValues:
    """What is known after the last frame; N rows.

    Attributes
    ----------
    raw : ndarray, (N, 17) float64
        Intensities re-predicted with the final neutral reference, unclipped; NaN in failed frames.
    raw_presence : ndarray, (N, 18) float64
        Re-predicted 0 or 1; NaN in failed frames.
    intensity : ndarray, (N, 17) float64
        Offset, clipped to [0, 5] and smoothed.
    presence : ndarray, (N, 18) float64
        Majority over 7 frames.
    sides, raw_sides : ndarray, (N, 2, 17) float64, or None
        As `intensity` and `raw`, of the subject's left and right; None when the bank has no predictors of one side.
    """

    raw: FloatArray
    raw_presence: FloatArray
    intensity: FloatArray
    presence: FloatArray
    sides: FloatArray | None = None
    raw_sides: FloatArray | None = None


class RowStore(Protocol):
    """Where a sequence keeps what grows with the video."""

    def __len__(self) -> int:
        """Number of records."""

    def append(self, record: tuple[Any, ...], /) -> None:
        """Add a record, in field order."""

    def read(self, start: int, stop: int, /) -> NDArray[Any]:
        """Return records `start` to `stop` (not included) as a structured array."""


class MemoryRows:
    """A `RowStore` in memory, for short sequences.

    Parameters
    ----------
    dtype : numpy.dtype
        Structured type of a record.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self._records: list[tuple[Any, ...]] = []

    def __len__(self) -> int:
        return len(self._records)

    def append(self, record: tuple[Any, ...], /) -> None:
        """See `RowStore`."""
        self._records.append(record)

    def read(self, start: int, stop: int, /) -> NDArray[Any]:
        """See `RowStore`."""
        return np.array(self._records[start:stop], self._dtype)


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
    rows : callable, optional
        Makes the store of the raw values, given the type of a record; in memory when not given.
    """

    def __init__(
        self,
        bank: AUBank,
        *,
        strict: bool = False,
        baseline: Baseline | None = None,
        original: AUSequence | None = None,
        rows: Callable[[np.dtype[Any]], RowStore] = MemoryRows,
    ) -> None:
        self._bank = bank
        self._strict = strict
        self._baseline = baseline or Baseline()
        self._original = original if self._baseline.kind == SHARED else None
        self.online: OnlineSequence = OnlineSequence(bank, self._baseline, None if original is None else original.online)
        # What is subtracted from every intensity in the end.
        self.levels: FloatArray = np.zeros(bank.n_intensities)
        # Pages of it are only taken from the system when they are written. Predicted from float32, intensities move by less than 0.00001.
        self._descriptors = np.empty((MAX_REPREDICTED, bank.n_features), np.float32)
        self._kept = 0
        self._rows = rows(
            np.dtype(
                [
                    ("raw", np.float64, (bank.n_intensities,)),
                    ("presence", np.float32, (len(PRESENCE_AUS),)),
                    ("success", np.bool_),
                    ("in_segment", np.bool_),
                    ("kept", np.int32),
                ]
            )
        )

    def append(self, hog: NDArray[np.float32] | None, geometry: FloatArray | None, time_s: float = 0.0) -> OnlineValues:
        """Take the next frame; None, None for one that failed.

        Parameters
        ----------
        hog : ndarray, (4464,) float32, or None
        geometry : ndarray, (238,) float64, or None
        time_s : float
            Only a baseline with a segment looks at it.

        Returns
        -------
        OnlineValues
        """
        values = self.online.append(hog, geometry, time_s)
        kept, success = _NOT_KEPT, hog is not None and geometry is not None
        if success and self._kept < MAX_REPREDICTED:
            kept = self._kept
            self._descriptors[kept, :HOG_SIZE], self._descriptors[kept, HOG_SIZE:] = hog, geometry
            self._kept += 1
        self._rows.append((values.columns, values.presence, success, self._baseline.holds(time_s), kept))
        return values

    def finish(self) -> FinalValues:
        """The final values of all frames at once; see `final_pieces`."""
        pieces = list(self.final_pieces())

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
        )

    def final_pieces(self) -> Iterator[FinalValues]:
        """Predict the kept frames again with the final neutral reference, then offset, clip and smooth; some rows at a time, in order.

        Raises
        ------
        UsageError
            When there was no frame, or none measured in the baseline's segment.
        """
        if not len(self._rows):
            raise UsageError("no frame was given; there are no final values")
        again = self._predicted_again()
        self.levels = self._neutral_levels(again)
        total = len(self._rows)
        for start in range(0, total, _PIECE):
            # Some rows more on both sides, which the means run over.
            first, last = max(0, start - _MARGIN), min(total, start + _PIECE + _MARGIN)
            inner = slice(start - first, min(start + _PIECE, total) - first)
            yield self._final_piece(self._read(first, last, again), inner)

    def _final_piece(self, rows: NDArray[Any], inner: slice) -> FinalValues:
        raw, presence, success = rows["raw"], rows["presence"].astype(np.float64), rows["success"]
        if self._bank.presence_above is not None:
            presence = self._bank.presences(raw - self.levels)
        intensity = final_intensities(raw, success, self.levels, strict=self._strict)[inner]
        final_presence = final_presences(presence, success, strict=self._strict)[inner]
        raw, presence = raw[inner], presence[inner]
        whole, sided = slice(0, len(INTENSITY_AUS)), slice(len(INTENSITY_AUS), None)
        per_side = (len(raw), 2, len(INTENSITY_AUS))
        return FinalValues(
            raw=raw[:, whole],
            raw_presence=presence,
            intensity=intensity[:, whole],
            presence=final_presence,
            sides=intensity[:, sided].reshape(per_side) if self._bank.has_sides else None,
            raw_sides=raw[:, sided].reshape(per_side) if self._bank.has_sides else None,
        )

    def _predicted_again(self) -> tuple[FloatArray, FloatArray]:
        """Intensities and presences of the kept frames with the final reference: (kept, m) and (kept, 18) float64."""
        offsets = self.online.offsets
        raw, presence = np.empty((self._kept, self._bank.n_intensities)), np.empty((self._kept, len(PRESENCE_AUS)))
        for start in range(0, self._kept, _BLOCK):
            block = slice(start, min(start + _BLOCK, self._kept))
            raw[block], presence[block] = self._bank.predict(self._descriptors[block].astype(np.float64), offsets)
        return raw, presence

    def _read(self, first: int, last: int, again: tuple[FloatArray, FloatArray]) -> NDArray[Any]:
        """Records `first` to `last` (not included), those of kept frames as predicted again."""
        rows = self._rows.read(first, last)
        kept = rows["kept"] != _NOT_KEPT
        places = rows["kept"][kept]
        rows["raw"][kept], rows["presence"][kept] = again[0][places], again[1][places]
        return rows

    def _neutral_levels(self, again: tuple[FloatArray, FloatArray]) -> FloatArray:
        """What the neutral face's intensities are, for each column: (m,) float64, 0 for static ones."""
        if self._original is not None:
            return self._original.levels
        flags = [self._rows.read(start, start + _PIECE)[["success", "in_segment"]] for start in range(0, len(self._rows), _PIECE)]
        success = np.concatenate([each["success"] for each in flags])
        m = self._bank.n_intensities
        if self._baseline.kind == NEUTRAL:
            chosen = success & np.concatenate([each["in_segment"] for each in flags])
            if not chosen.any():
                raise UsageError(f"no frame was measured in the baseline segment {self._baseline}; choose another one")
        elif self._bank.quiet_share is not None and self._bank.loudness is not None:
            chosen = quiet_frames(self._totals(again, self._bank.loudness), success, self._bank.quiet_share)
        else:
            return self._by_columns(success, again, lambda values, part: _low_values(self._bank, values, part))
        dynamic = self._bank.dynamic[:m]
        return self._by_columns(chosen, again, lambda values, part: neutral_levels(values, dynamic[part]))

    def _totals(self, again: tuple[FloatArray, FloatArray], loudness: FloatArray) -> FloatArray:
        """How much movement there is in each frame, (N,) float64."""
        pieces = (self._read(start, start + _PIECE, again)["raw"] for start in range(0, len(self._rows), _PIECE))
        return np.concatenate([movement(raw, loudness) for raw in pieces])

    def _by_columns(
        self, chosen: NDArray[np.bool_], again: tuple[FloatArray, FloatArray], level: Callable[[FloatArray, slice], FloatArray]
    ) -> FloatArray:
        """Make something of each column's raw values in the chosen frames; of a long video a few columns at a time."""
        total, m = len(self._rows), self._bank.n_intensities
        width = max(1, _MAX_VALUES // max(1, int(chosen.sum())))
        levels = []
        for left in range(0, m, width):
            part = slice(left, min(left + width, m))
            pieces = [
                self._read(start, start + _PIECE, again)["raw"][chosen[start : start + _PIECE], part] for start in range(0, total, _PIECE)
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
