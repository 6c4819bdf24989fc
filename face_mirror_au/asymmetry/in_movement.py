"""One movement of a recording: its own action units and lengths, and what moved along in other zones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.asymmetry.actions import zone_of
from face_mirror_au.asymmetry.answers import Answer, Answers, answer_recording, answer_zone
from face_mirror_au.asymmetry.co_movement import PAIRS, Pair, co_movement, held_rows
from face_mirror_au.asymmetry.comparison import GATE, Comparison, TwoValues, ZoneComparison, compare_sides, compare_units, compare_zone
from face_mirror_au.asymmetry.landmarks import LANDMARK_MEASURES
from face_mirror_au.asymmetry.movements import Movement
from face_mirror_au.asymmetry.recording import Recording, TwoSides
from face_mirror_au.asymmetry.whole import Lengths
from face_mirror_au.asymmetry.zones import ZONES, Zone
from face_mirror_au.records import ALL_AUS, FloatArray

INTENSITY, EYE_DISTANCES, MILLIMETRES, SHARE = "intensity", "eye distances", "mm", "share"


@dataclass(frozen=True, slots=True)
class Signal:
    """An action unit (`INTENSITY`) or landmark measure (`EYE_DISTANCES`) inside one movement; None where not measured on both sides."""

    key: str
    sides: Comparison | None
    unit: str


@dataclass(frozen=True, slots=True)
class Along:
    """How far a signal of another zone moved along with a movement; `kind` is "final", "raw" or "landmarks"."""

    pair: Pair
    signal: str
    kind: str
    unit: str
    found: TwoValues | None

    @property
    def key(self) -> str:
        """The signal as a table names it: raw values of AU45 are "AU45_raw"."""
        return f"{self.signal}_raw" if self.kind == "raw" else self.signal


@dataclass(frozen=True, slots=True)
class MeasuredMovement:
    """One movement, measured.

    Attributes
    ----------
    number : int
        From 1, in order of time.
    movement : Movement
    zone : Zone or None
        The zone that moves; None for rest.
    main : ZoneComparison or None
        Of the action units that make the movement; None where they were not measured.
    whole : ZoneComparison or None
        Of the zone as a whole.
    signals : tuple of Signal
        The zone's action units and landmark measures.
    along : tuple of Along
        The other zones.
    answers : Answers or None
        Which side moves less; None for rest.
    """

    number: int
    movement: Movement
    zone: Zone | None = None
    main: ZoneComparison | None = None
    whole: ZoneComparison | None = None
    signals: tuple[Signal, ...] = ()
    along: tuple[Along, ...] = ()
    answers: Answers | None = None

    @property
    def answer(self) -> Answer | None:
        """Which side moves less, by the action units and the length that make the movement; None where they were not measured."""
        meant, action = self.zone if self.main is None else self.main.zone, self.movement.action
        if meant is None or self.answers is None:
            return None
        lengths = self.answers.lengths
        if action.by_lids and action.length in lengths:
            return lengths[action.length]
        shown = lengths if not self.movement.code else {key: answer for key, answer in lengths.items() if key == action.length}
        return answer_zone(meant, self.answers.units, shown)

    @property
    def peak_row(self) -> int | None:
        """Row of the frame in which the movement is largest; None where it was not measured."""
        found = self.main or self.whole
        return None if found is None else found.sides.larger.row


@dataclass(frozen=True, slots=True)
class MovementMeter:
    """What the movements of a recording are measured from; `at_rest` is (N,) bool."""

    recording: Recording
    sides: TwoSides
    lengths: Lengths | None
    at_rest: NDArray[np.bool_]

    def measure(self, number: int, movement: Movement) -> MeasuredMovement:
        """Measure one movement."""
        inside = movement.rows(self.time_s)
        # Rows outside count as not measured: row numbers stay those of the recording.
        left, right = (np.where(inside[:, None], values, np.nan) for values in (self.sides.left, self.sides.right))
        meant = zone_of(movement.action)
        if movement.action.zone is None and not movement.code:
            meant = self._largest_zone(left, right)
        if meant is None:
            return MeasuredMovement(number, movement)
        zone = next(zone for zone in ZONES if zone.key == meant.key)
        units = compare_units(self.time_s, left, right)
        if all(units[au] is None for au in meant.aus):  # these AU models do not know the movement's own
            meant = replace(meant, aus=zone.aus)
        shown = dict.fromkeys((*meant.aus, *zone.aus))
        signals = (*(Signal(au, units[au], INTENSITY) for au in shown), *self._lengths_of(zone, inside))
        main, whole = (compare_zone(each, self.time_s, left, right) for each in (meant, zone))
        answers = answer_recording(self.recording, self.lengths, inside)
        return MeasuredMovement(number, movement, zone, main, whole, signals, self._along(meant, inside, left, right), answers)

    @property
    def time_s(self) -> FloatArray:
        """(N,) s."""
        return self.recording.time_s

    def _largest_zone(self, left: FloatArray, right: FloatArray) -> Zone | None:
        """For a movement without a name: the zone with the largest peak."""
        found = [compared for zone in ZONES if (compared := compare_zone(zone, self.time_s, left, right)) is not None]
        return max(found, key=lambda one: one.sides.larger.peak).zone if found else None

    def _lengths_of(self, zone: Zone, inside: NDArray[np.bool_]) -> list[Signal]:
        found = []
        for measure in LANDMARK_MEASURES:
            if measure.zone == zone.key and self.lengths is not None:
                left, right = (np.where(inside, side, np.nan) for side in self.lengths.curves(measure))
                found.append(Signal(measure.key, compare_sides(self.time_s, left, right, measure.gate), EYE_DISTANCES))
        return found

    def _along(self, meant: Zone, inside: NDArray[np.bool_], left: FloatArray, right: FloatArray) -> tuple[Along, ...]:
        columns = [ALL_AUS.index(au) for au in meant.aus]
        # An action unit that is not measured at all takes no part.
        strength = [np.max(side[:, columns], axis=1, where=np.isfinite(side[:, columns]), initial=-np.inf) for side in (left, right)]
        left_strength, right_strength = (np.where(np.isfinite(side), side, np.nan) for side in strength)
        held = held_rows(left_strength, right_strength, inside, GATE)
        return tuple(along for pair in PAIRS if pair.meant == meant.key for along in self._pair(pair, held))

    def _pair(self, pair: Pair, held: NDArray[np.bool_]) -> list[Along]:
        found = []
        for au in pair.aus:
            column = ALL_AUS.index(au)
            kinds = {"final": (self.sides.left[:, column], self.sides.right[:, column])}
            if au in self.sides.raw:
                kinds["raw"] = self.sides.raw[au]
            for kind, curves in kinds.items():
                found.append(Along(pair, au, kind, INTENSITY, co_movement(*curves, held, self.at_rest, GATE)))
        for measure in LANDMARK_MEASURES:
            if measure.key == pair.landmark and self.lengths is not None:
                moved = co_movement(*self.lengths.curves(measure), held, self.at_rest, measure.gate)
                found.append(Along(pair, measure.key, "landmarks", EYE_DISTANCES, moved))
        return found
