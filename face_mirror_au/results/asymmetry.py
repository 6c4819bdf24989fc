"""The asymmetry of a result in one call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from face_mirror_au.asymmetry.measures import Asymmetry, measure_asymmetry
from face_mirror_au.asymmetry.rows import AsymmetryRow
from face_mirror_au.results.frames import table_of
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
        return table_of(AsymmetryRow, self.asymmetry.rows())


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
