"""What "no movement" is: the reference that dynamic action units are measured against."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from face_mirror_au.errors import UsageError
from face_mirror_au.numerics.running_median import NeutralReference
from face_mirror_au.records import Float32Array, FloatArray

OWN, SHARED, NEUTRAL, RESULT = "own", "shared", "neutral", "result"


@dataclass(frozen=True, slots=True)
class OtherRest:
    """The rest of one view of another recording of the same person, measured with the same models.

    Attributes
    ----------
    levels : ndarray, (m,) float64
        What the bank says of that face at rest, without a neutral reference.
    open_at_rest : ndarray, (2,) float64
        How far the eyes were open.
    """

    levels: FloatArray
    open_at_rest: FloatArray


@dataclass(frozen=True, slots=True)
class Baseline:
    """Which frames, of which view, are the neutral face.

    Attributes
    ----------
    kind : str
        "own": each view's running median over its whole video, and its own low values (as OpenFace would do on a mirrored file). "shared":
        those of the original view, for all views. "neutral": the median of a segment in which the face is known to be at rest.
        "result": the rest of another recording of the same person.
    start_s, end_s : float
        The segment of "neutral", s.
    folder : str
        Of "result": where that recording's files are. It never goes into a result: it may name a person.
    others : mapping of str to OtherRest
        Of "result", by view, once the files were read.
    """

    kind: str = OWN
    start_s: float = 0.0
    end_s: float = 0.0
    folder: str = ""
    others: Mapping[str, OtherRest] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Baseline:
        """Read ``own``, ``shared``, ``neutral:START-END`` (seconds) or ``result:FOLDER``.

        Raises
        ------
        UsageError
        """
        if text in {OWN, SHARED}:
            return cls(text)
        if text.startswith(f"{RESULT}:") and text != f"{RESULT}:":
            return cls(RESULT, folder=text.removeprefix(f"{RESULT}:"))
        found = re.fullmatch(r"neutral:([0-9]+\.?[0-9]*)-([0-9]+\.?[0-9]*)", text)
        if found is None or float(found[1]) >= float(found[2]):
            raise UsageError(
                f"must be own, shared, neutral:START-END in seconds, e.g. neutral:0-2.5, or result:FOLDER, not {text!r}", "baseline"
            )
        return cls(NEUTRAL, float(found[1]), float(found[2]))

    def holds(self, time_s: float) -> bool:
        """Whether a frame at that time lies in the segment."""
        return self.kind == NEUTRAL and self.start_s <= time_s <= self.end_s

    def meets(self, start_s: float, end_s: float | None) -> bool:
        """Whether the segment has a part in this one; true where there is no segment."""
        return self.kind != NEUTRAL or (self.end_s > start_s and (end_s is None or self.start_s < end_s))

    def __str__(self) -> str:
        return f"neutral:{self.start_s:g}-{self.end_s:g}" if self.kind == NEUTRAL else self.kind


class RunningNeutral:
    """The running median of one view, as OpenFace 2.2 keeps it; or of the frames of a marked segment.

    Parameters
    ----------
    hog_size, geometry_size : int
    baseline : Baseline
        Own or neutral.
    """

    def __init__(self, hog_size: int, geometry_size: int, baseline: Baseline) -> None:
        self._reference = NeutralReference(hog_size, geometry_size)
        self._baseline = baseline
        self._unknown = np.full(hog_size + geometry_size, np.nan)
        self._known = baseline.kind == OWN

    def update(self, hog: Float32Array | None, geometry: FloatArray | None, time_s: float) -> bool:
        """Take the next frame into account, None, None for a failed one; True when the reference was taken anew."""
        if self._baseline.kind == OWN:
            return self._reference.update(hog, geometry)
        if hog is None or not self._baseline.holds(time_s):
            return False
        self._reference.add(hog, geometry)
        self._known = True
        return True

    @property
    def value(self) -> FloatArray:
        """The reference, HOG then geometry; NaN before the segment's first measured frame."""
        return np.concatenate([self._reference.hog, self._reference.geometry]) if self._known else self._unknown
