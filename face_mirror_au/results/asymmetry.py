"""The asymmetry of a result, and what changed between two, in one call each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from face_mirror_au.asymmetry.change import ChangeRow, VisitsChange, compare_recordings
from face_mirror_au.asymmetry.measures import Asymmetry, measure_asymmetry
from face_mirror_au.asymmetry.rows import AsymmetryRow
from face_mirror_au.errors import ResultError, UsageError
from face_mirror_au.results.comparable import must_not_be_compared, quality_doubts, to_be_known
from face_mirror_au.results.movements import load_movements
from face_mirror_au.results.result import RunResult, find_result, read_result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class MeasuredResult:
    """The asymmetry of one result.

    Attributes
    ----------
    result : RunResult
        What the run's files say.
    asymmetry : Asymmetry
        The numbers as objects.
    movements_file : str
        Name of the table that the movements come from; empty where the program proposed them only now.
    """

    result: RunResult
    asymmetry: Asymmetry
    movements_file: str

    @property
    def table(self) -> pd.DataFrame:
        """The rows of `<stem>.asymmetry.csv` in full precision; NaN where there is no number, an empty text where there is no action."""
        return _table(self.asymmetry.rows(), AsymmetryRow)


@dataclass(frozen=True, slots=True)
class ComparedResults:
    """What changed between the results of two visits.

    Attributes
    ----------
    first, second : RunResult
    change : VisitsChange
        The numbers as objects.
    reasons : list of str
        Why the numbers are different quantities; empty but with `anyway`.
    doubts : list of str
        What else must be known before the numbers are read.
    """

    first: RunResult
    second: RunResult
    change: VisitsChange
    reasons: list[str]
    doubts: list[str]

    @property
    def table(self) -> pd.DataFrame:
        """The rows of `compare.csv`; NaN where there is no number, and why in "note"."""
        return _table(self.change.rows(), ChangeRow)


def asymmetry_of(result: RunResult | Path | str, movements: Path | str | None = None) -> MeasuredResult:
    """Measure left against right in a result. Nothing is drawn or written.

    Parameters
    ----------
    result : RunResult or path
        The folder of a run's files, or one that holds the folder of exactly one run.
    movements : path, optional
        A table of movements. When not given: `<stem>.movements.csv` where it is there; else movements are proposed.

    Raises
    ------
    ResultError
        When a file of the run is missing, damaged, or of another run, or the run measured one side only.
    MovementsError
        When the table of movements is wrong, or does not fit the recording.
    """
    read = result if isinstance(result, RunResult) else read_result(*find_result(Path(result)))
    found, name = load_movements(read, None if movements is None else Path(movements))
    return MeasuredResult(read, measure_asymmetry(read, found), name)


def compare_visits(first: Path | str, second: Path | str, *, anyway: bool = False) -> ComparedResults:
    """Compare the results of two visits of one person. Nothing is drawn or written.

    Parameters
    ----------
    first, second : path
        Folders of the runs of visit 1 and visit 2, or folders that hold the folder of exactly one run.
    anyway : bool
        Compare although the numbers are different quantities.

    Raises
    ------
    UsageError
        When both are the same run.
    ResultError
        When a run's files are missing or damaged, when there is nothing that both measured, or when the runs were made with different
        models and `anyway` is not set.
    """
    places = [find_result(Path(folder)) for folder in (first, second)]
    if places[0][0].resolve() == places[1][0].resolve():
        raise UsageError("both folders are the same run; give the folders of two visits")
    before, after = (read_result(*place) for place in places)
    reasons = must_not_be_compared(before, after)
    if reasons and not anyway:
        raise ResultError(
            f"these runs cannot be compared: {'; '.join(reasons)}. Measure both recordings with the same --profile and --models, "
            "or say --anyway"
        )
    change = compare_recordings(before, after)
    if not any(sides.measured for sides in change.sides):
        raise ResultError("these runs have no action unit of two sides in common; measure both recordings with 'face-mirror-au mirror'")
    return ComparedResults(before, after, change, reasons, [*to_be_known(before, after), *quality_doubts(change)])


def _table(rows: Iterable[AsymmetryRow | ChangeRow], row: type[AsymmetryRow | ChangeRow]) -> pd.DataFrame:
    import pandas as pd  # slow to import, and only needed here

    columns = {column.name: column.type for column in fields(row)}
    # Where all cells of a column are None, pandas would not know that it holds numbers.
    numbers = [name for name, kind in columns.items() if kind == "float | None"]
    table: pd.DataFrame = pd.DataFrame([astuple(each) for each in rows], columns=list(columns)).astype(dict.fromkeys(numbers, float))
    return table
