"""Results of two visits of one person or more, put in order and compared, in one call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from face_mirror_au.asymmetry.change import ChangeRow, VisitsChange, compare_recordings
from face_mirror_au.asymmetry.measures import Asymmetry
from face_mirror_au.asymmetry.trends import Trend, TrendRow, trend_rows, trends_of
from face_mirror_au.errors import ResultError, UsageError
from face_mirror_au.results.asymmetry import MeasuredResult, asymmetry_of
from face_mirror_au.results.comparable import must_not_be_compared, quality_doubts, to_be_known
from face_mirror_au.results.frames import frame_of, table_of
from face_mirror_au.results.result import RunResult, find_result, mapping_in, read_result

if TYPE_CHECKING:
    import pandas as pd

# In a name: 2026-04-17, 2026_04_17 or 20260417, with no digit beside it.
_DATE_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)(?!\d)")


@dataclass(frozen=True, slots=True)
class Visit:
    """One result, measured.

    Attributes
    ----------
    measured : MeasuredResult
    date : date or None
        None where nobody knows it.
    """

    measured: MeasuredResult
    date: date | None

    @property
    def result(self) -> RunResult:
        """What the run's files say."""
        return self.measured.result

    @property
    def asymmetry(self) -> Asymmetry:
        """Its numbers."""
        return self.measured.asymmetry


@dataclass(frozen=True, slots=True)
class ComparedResults:
    """What changed between the results of visits.

    Attributes
    ----------
    visits : tuple of Visit
        In order of date; in the order given where a date is not known.
    change : VisitsChange
        The numbers as objects.
    trends : tuple of Trend
        Which side moves less at each visit, for each movement or zone; none where the numbers are different quantities.
    reasons : list of str
        Why the numbers are different quantities; empty but with `anyway`.
    doubts : list of str
        What else must be known before the numbers are read.
    """

    visits: tuple[Visit, ...]
    change: VisitsChange
    trends: tuple[Trend, ...]
    reasons: list[str]
    doubts: list[str]

    @property
    def dated(self) -> bool:
        """Whether the date of each visit is known, and the visits are in that order."""
        return all(visit.date is not None for visit in self.visits)

    @property
    def answer_rows(self) -> list[TrendRow]:
        """The rows of `compare.answers.csv`."""
        names = [("" if visit.date is None else visit.date.isoformat(), visit.result.stem) for visit in self.visits]
        return list(trend_rows(self.trends, names))

    @property
    def table(self) -> pd.DataFrame:
        """The rows of `compare.csv`; NaN where there is no number, and why in "note"."""
        names = ChangeRow.columns(len(self.visits))
        return frame_of(list(names), (row.cells for row in self.change.rows()), list(names[3:-1]))

    @property
    def answers(self) -> pd.DataFrame:
        """The rows of `compare.answers.csv`; NaN where there is no number."""
        return table_of(TrendRow, self.answer_rows)


def compare_visits(*results: RunResult | Path | str, dates: Sequence[date | str] | None = None, anyway: bool = False) -> ComparedResults:
    """Compare the results of two visits of one person or more. Nothing is drawn or written.

    Parameters
    ----------
    *results : RunResult or path
        Folders of runs or folders that hold the folder of exactly one run; or a table of a run, where a folder holds several.
    dates : sequence of date or str, optional
        Of each result, "2026-04-17". When not given: of the recording, as the metadata have it, else as the name of the result has it.
        Where one of them is not known, the order is the one that is given.
    anyway : bool
        Compare although the numbers are different quantities.

    Raises
    ------
    UsageError
        When there are fewer than two results, two are the same run, or a date is none.
    ResultError
        When a run's files are missing or damaged, when there is nothing that all measured, or when the runs were made with different
        models and `anyway` is not set.
    MovementsError
        When a run's table of movements is wrong.
    """
    if len(results) < 2:
        raise UsageError("two results or more are needed; give the folders of two visits")
    given = None if dates is None else [_date(each) for each in dates]
    if given is not None and len(given) != len(results):
        raise UsageError(f"must be given for each of the {len(results)} results, in their order", "--date")
    runs = [each if isinstance(each, RunResult) else read_result(*find_result(Path(each))) for each in results]
    if len({(run.folder.resolve(), run.stem) for run in runs}) < len(runs):
        raise UsageError("two of these are the same run; give the folders of different visits")
    known = [date_of(run) for run in runs] if given is None else given
    dated = [(day, place) for place, day in enumerate(known) if day is not None]
    order = [place for _, place in sorted(dated)] if len(dated) == len(runs) else range(len(runs))
    runs, known = [runs[place] for place in order], [known[place] for place in order]
    reasons = must_not_be_compared(runs)
    if reasons and not anyway:
        raise ResultError(
            f"these runs cannot be compared: {'; '.join(reasons)}. Measure all recordings with the same --profile and --models, "
            "or say --anyway"
        )
    visits = tuple(Visit(asymmetry_of(run), day) for run, day in zip(runs, known, strict=True))
    change = compare_recordings([visit.asymmetry for visit in visits])
    if not any(sides.measured for sides in change.sides):
        raise ResultError("these runs have no action unit of two sides in common; measure all recordings with 'face-mirror-au mirror'")
    trends = () if reasons else tuple(trends_of([visit.asymmetry for visit in visits]))
    return ComparedResults(visits, change, trends, reasons, [*to_be_known(runs), *quality_doubts(change, [run.time_s for run in runs])])


def date_of(result: RunResult) -> date | None:
    """The date of a recording: as the metadata have it, else as the name of the result has it; None where neither does."""
    recorded = mapping_in(result.metadata, "input").get("recorded")
    try:
        if isinstance(recorded, str) and recorded:
            return date.fromisoformat(recorded[:10])
        found = _DATE_IN_NAME.search(result.stem)
        return None if found is None else date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        return None


def _date(text: date | str) -> date:
    try:
        return text if isinstance(text, date) else date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"'{text}' is no date; write it as 2026-04-17", "--date") from error
