"""What measuring one recording gave: its tables and what is to be said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from face_mirror_au.media.source import SourceInfo
from face_mirror_au.pipeline.answered import Answered
from face_mirror_au.pipeline.track import BAD_LANDMARKS, NO_FACE
from face_mirror_au.records import View, ViewTable
from face_mirror_au.wording import counted
from face_mirror_hooks.records import WorkerLoss

REFUSED_ADVICE = (
    "where something like a face was seen, its landmarks fitted no face, in squares of other sizes either: film from the front, the face "
    "larger, whole and in even light, or try another profile (--profile)"
)


@dataclass(frozen=True)
class VideoResult:
    """What a run gave.

    Attributes
    ----------
    info : SourceInfo
    models : str
        "dynamic" or "static": the AU models that it was measured with.
    tables : mapping of View to ViewTable
        Valid inside the `with` block of `VideoRunner.run` only: their rows lie on disk. Empty when the action units are blocked.
    decoded : int
        Number of decoded frames: every table has as many rows.
    failures : mapping of View to mapping
        For each view, reason to number of frames without a measurement.
    problems : tuple of str
        What the source could not deliver; not empty means that the result is partial.
    notes : tuple of str
        What was unusual about the source but harmless.
    warnings : tuple of str
    losses : tuple of WorkerLoss
        Workers that were lost on the way; their frames were done again.
    changed : bool
        The input was another one at the end: its hash would not be that of what was measured.
    answered : Answered
        Which plugins detected the face and located its landmarks.
    rest : mapping or None
        What metadata say of the rest, see `described_rest`; None where none was looked for.
    """

    info: SourceInfo
    models: str
    tables: Mapping[View, ViewTable]
    decoded: int
    failures: Mapping[View, Mapping[str, int]]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    losses: tuple[WorkerLoss, ...]
    changed: bool = False
    answered: Answered = field(default_factory=Answered)
    rest: Mapping[str, object] | None = None

    @property
    def table(self) -> ViewTable:
        """The original view's."""
        return self.tables[View.ORIGINAL]

    def reconciliation(self, view: View = View.ORIGINAL) -> str:
        """One line for a view: decoded, rows, failed and why."""
        failures = Counter(self.failures.get(view, {}))
        reasons = "; ".join(f"{count} x {reason}" for reason, count in failures.most_common())
        rows = len(self.tables[view].success) if view in self.tables else 0
        line = f"{counted(self.decoded, 'frame')} decoded, {counted(rows, 'row')}, {failures.total()} failed"
        return f"{line} ({reasons})" if reasons else line

    @property
    def empty_tables(self) -> tuple[str, ...]:
        """One line for each view without a single measurement."""
        found = []
        for view, table in self.tables.items():
            if np.asarray(table.success).any():
                continue
            no_face = set(self.failures[view]) <= {NO_FACE, BAD_LANDMARKS}
            why = "no face was found in any frame" if no_face else "no frame could be measured"
            place = "the table" if view is View.ORIGINAL else f"the table of view {view.value}"
            refused = f"; {REFUSED_ADVICE}" if BAD_LANDMARKS in self.failures[view] else ""
            found.append(f"{why}: {place} has no measurement{refused}")
        return tuple(found)
