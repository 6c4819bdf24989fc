"""The movements of a recording, measured one by one: what their section of the page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from face_mirror_au.asymmetry.actions import zone_of
from face_mirror_au.asymmetry.co_movement import PAIRS, CoMovement, Pair, co_movement, held_rows
from face_mirror_au.asymmetry.landmarks import LANDMARK_MEASURES
from face_mirror_au.asymmetry.measures import GATE, Comparison, ZoneComparison, compare_sides, compare_zone
from face_mirror_au.asymmetry.movements import Movement
from face_mirror_au.asymmetry.zones import ZONES, Zone
from face_mirror_au.records import INTENSITY_AUS, FloatArray
from face_mirror_au.report import figures, movement_words
from face_mirror_au.report.face_landmarks import LandmarkSection
from face_mirror_au.report.result import TwoSides
from face_mirror_au.report.words import au_label

MAX_BARS = 30  # movements: more make a figure that is longer than two screens, and the table has them all


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal inside one movement.

    Attributes
    ----------
    key, label : str
        An action unit or a landmark measure, and as in a table.
    sides : Comparison or None
        None where it was not measured on both sides.
    unit : str
        "intensity" or "eye distances".
    """

    key: str
    label: str
    sides: Comparison | None
    unit: str


@dataclass(frozen=True, slots=True)
class Along:
    """How far a signal of another zone moved along with a movement; `kind` is "final", "raw" or "landmarks"."""

    pair: Pair
    key: str
    label: str
    kind: str
    unit: str
    found: CoMovement | None


@dataclass(frozen=True, slots=True)
class MovementPart:
    """One movement.

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
    sentence : str
    """

    number: int
    movement: Movement
    zone: Zone | None
    main: ZoneComparison | None
    whole: ZoneComparison | None
    signals: tuple[Signal, ...]
    along: tuple[Along, ...]
    sentence: str

    @property
    def title(self) -> str:
        """As a heading: "Movement 1 (0.50-1.53 s), big smile"."""
        return movement_words.title(self.number, self.movement)

    @property
    def co_sentences(self) -> list[str]:
        """What moved along."""
        return movement_words.along_sentences(self.number, [(part.pair, part.label, part.unit, part.found) for part in self.along])

    @property
    def peak_row(self) -> int | None:
        """Row of the frame in which the movement is largest; None where it was not measured."""
        found = self.main or self.whole
        return None if found is None else max(found.sides.left, found.sides.right, key=lambda side: side.peak).row


@dataclass(frozen=True, slots=True)
class MovementsSection:
    """All movements, which sides they were measured on ("mirrored" or "unmirrored"), and the bars of their peaks.

    `bars` is None without any movement, and with more than `MAX_BARS`.
    """

    sides: str
    parts: tuple[MovementPart, ...]
    bars: Markup | None

    @property
    def proposed(self) -> int:
        """How many of the movements nobody has looked at."""
        return sum(part.movement.proposed for part in self.parts)

    @property
    def along(self) -> list[tuple[MovementPart, Along]]:
        """Every signal that may have moved along."""
        return [(part, found) for part in self.parts for found in part.along]


def measure_movements(
    key: str, time_s: FloatArray, sides: TwoSides, landmarks: LandmarkSection, movements: Sequence[Movement], at_rest: NDArray[np.bool_]
) -> MovementsSection:
    """Measure and draw; call it inside `figure_settings`.

    Parameters
    ----------
    key : str
        Of the sides: "mirrored" or "unmirrored".
    time_s : ndarray, (N,) float64
        s.
    sides : TwoSides
    landmarks : LandmarkSection
    movements : sequence of Movement
        In order of time.
    at_rest : ndarray, (N,) bool
    """
    measured = _Recording(time_s, sides, landmarks, at_rest)
    parts = tuple(measured.part(number, movement) for number, movement in enumerate(movements, start=1))
    shown = [(f"{part.number}: {part.movement.action.word}", part.main.sides) for part in parts if part.main is not None]
    bars = None
    if 0 < len(shown) <= MAX_BARS:
        top = figures.common_top([side.peak for _, found in shown for side in (found.left, found.right)])
        bars = figures.bars(shown, top, "movement-bars", " ".join(part.sentence for part in parts))
    return MovementsSection(key, parts, bars)


class _Recording:
    """The signals of a recording, from which its movements are measured."""

    def __init__(self, time_s: FloatArray, sides: TwoSides, landmarks: LandmarkSection, at_rest: NDArray[np.bool_]) -> None:
        self._time_s, self._sides, self._landmarks, self._at_rest = time_s, sides, landmarks, at_rest

    def part(self, number: int, movement: Movement) -> MovementPart:
        inside = movement.rows(self._time_s)
        # Rows outside count as not measured: row numbers stay those of the recording.
        left, right = (np.where(inside[:, None], values, np.nan) for values in (self._sides.left, self._sides.right))
        meant = zone_of(movement.action)
        if movement.action.zone is None and not movement.code:
            meant = self._largest_zone(left, right)
        zone = None if meant is None else next(zone for zone in ZONES if zone.key == meant.key)
        if meant is None or zone is None:
            return MovementPart(number, movement, None, None, None, (), (), movement_words.rest_sentence(number, movement))
        main = compare_zone(meant, self._time_s, left, right)
        signals = (*self._units(zone, left, right), *self._lengths(zone, inside))
        sentence = movement_words.sentence(
            number, movement, zone, main, [(signal.label, signal.sides) for signal in signals if signal.unit != "intensity"]
        )
        whole = compare_zone(zone, self._time_s, left, right)
        return MovementPart(number, movement, zone, main, whole, signals, self._along(meant, inside, left, right), sentence)

    def _largest_zone(self, left: FloatArray, right: FloatArray) -> Zone | None:
        """For a movement without a name: the zone with the largest peak."""
        found = [compared for zone in ZONES if (compared := compare_zone(zone, self._time_s, left, right)) is not None]
        return max(found, key=lambda one: max(one.sides.left.peak, one.sides.right.peak)).zone if found else None

    def _units(self, zone: Zone, left: FloatArray, right: FloatArray) -> list[Signal]:
        columns = {au: INTENSITY_AUS.index(au) for au in zone.aus}
        return [
            Signal(au, au_label(au), compare_sides(self._time_s, left[:, column], right[:, column]), "intensity")
            for au, column in columns.items()
        ]

    def _lengths(self, zone: Zone, inside: NDArray[np.bool_]) -> list[Signal]:
        found = []
        for measure in LANDMARK_MEASURES:
            if measure.zone == zone.key and (both := self._landmarks.curves(measure)) is not None:
                left, right = (np.where(inside, side, np.nan) for side in both)
                sides = compare_sides(self._time_s, left, right, measure.gate)
                found.append(Signal(measure.key, measure.name, sides, "eye distances"))
        return found

    def _along(self, meant: Zone, inside: NDArray[np.bool_], left: FloatArray, right: FloatArray) -> tuple[Along, ...]:
        columns = [INTENSITY_AUS.index(au) for au in meant.aus]
        # An action unit that is not measured at all takes no part.
        strength = [np.max(side[:, columns], axis=1, where=np.isfinite(side[:, columns]), initial=-np.inf) for side in (left, right)]
        left_strength, right_strength = (np.where(np.isfinite(side), side, np.nan) for side in strength)
        held = held_rows(left_strength, right_strength, inside, GATE)
        return tuple(along for pair in PAIRS if pair.meant == meant.key for along in self._pair(pair, held))

    def _pair(self, pair: Pair, held: NDArray[np.bool_]) -> list[Along]:
        found = []
        for au in pair.aus:
            column = INTENSITY_AUS.index(au)
            kinds = {"final": (self._sides.left[:, column], self._sides.right[:, column])}
            if au in self._sides.raw:
                kinds["raw"] = self._sides.raw[au]
            for kind, (left, right) in kinds.items():
                moved = co_movement(left, right, held, self._at_rest, GATE)
                found.append(Along(pair, au if kind == "final" else f"{au}_raw", f"{au_label(au)}, {kind}", kind, "intensity", moved))
        measure = next((measure for measure in LANDMARK_MEASURES if measure.key == pair.landmark), None)
        if measure is not None and (curves := self._landmarks.curves(measure)) is not None:
            moved = co_movement(*curves, held, self._at_rest, measure.gate)
            found.append(Along(pair, measure.key, f"{measure.name}, landmarks", "landmarks", "eye distances", moved))
        return found
