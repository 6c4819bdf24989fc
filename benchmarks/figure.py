"""A figure of a benchmark or a test beside its limit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A largest difference from the C++ program, and what it may be."""

    stage: str
    value: float
    limit: float
    unit: str = ""

    @property
    def good(self) -> bool:
        """Whether the limit is kept; NaN keeps none."""
        return self.value <= self.limit
