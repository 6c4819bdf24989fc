"""Two sides of a face at two visits: what changed between them. A measure that one visit does not have has no change."""

from __future__ import annotations

from dataclasses import dataclass

from face_mirror_au.asymmetry.measures import Comparison

MEASURES = ("left", "right", "difference", "ratio")


@dataclass(frozen=True, slots=True)
class Change:
    """The same two curves at two visits.

    Attributes
    ----------
    first, second : Comparison or None
        At visit 1 and visit 2; None where no frame was measured on both sides.
    """

    first: Comparison | None
    second: Comparison | None

    def values(self, measure: str) -> tuple[float | None, float | None, float | None]:
        """One of `MEASURES` at visit 1, at visit 2, and visit 2 minus visit 1; None where there is none.

        "left" and "right" are the peaks (0 to 5), "difference" is (L - R) / (L + R), "ratio" min(L, R) / max(L, R).
        """
        first, second = _value(self.first, measure), _value(self.second, measure)
        return first, second, None if first is None or second is None else second - first

    @property
    def too_small(self) -> bool:
        """Whether it was measured at both visits, and moved too little at both to compare the sides."""
        return self.first is not None and self.second is not None and self.first.too_small and self.second.too_small

    @property
    def measured(self) -> bool:
        """Whether it was measured at both visits."""
        return self.first is not None and self.second is not None


def _value(sides: Comparison | None, measure: str) -> float | None:
    if sides is None:
        return None
    if measure == "left":
        return sides.left.peak
    if measure == "right":
        return sides.right.peak
    return sides.difference if measure == "difference" else sides.ratio
