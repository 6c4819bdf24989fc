"""A result in memory, as the Python API gives it: pandas tables, and what a person should know of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from face_mirror_au.media.source import SourceInfo
from face_mirror_au.records import Frame, View, ViewTable
from face_mirror_au.run.delivery import RecordingReport
from face_mirror_au.run.measuring import OnlineOfViews
from face_mirror_au.run.outputs import points_in_3d
from face_mirror_au.run.protocols import Sink
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.video_result import VideoResult
from face_mirror_au.tables.columns import GROUPS
from face_mirror_au.tables.formats import sides_format, to_dataframe
from face_mirror_hooks.records import FrameResult

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, "int | None"], None]
"""Called after each frame with the number of frames done and how many there should be (None when nobody knows)."""


@dataclass(frozen=True)
class Result:
    """What measuring one recording gave.

    Attributes
    ----------
    label : str
        The name of the recording's result; its files begin with it.
    tables : mapping of str to pandas.DataFrame
        For each view ("original", "left_mirrored", "right_mirrored") one row for each decoded frame; columns as in the OpenFace-style
        table, full precision, NaN where there is no measurement. Empty when the action units are blocked.
    sides : pandas.DataFrame or None
        The subject's left and right in the unmirrored face, as in `<stem>.sides.csv`; None when the AU models cannot tell them apart.
    frames : int
        Number of decoded frames.
    failures : mapping of str to mapping
        For each view, reason to number of frames without a measurement.
    metadata : mapping
        What `<stem>.metadata.json` says.
    folder : Path or None
        Where the files are; None when none were written.
    files : tuple of Path
        All files, the table first.
    page : Path or None
        The report page.
    notes, warnings, problems : tuple of str
        Harmless; to be known; why the result is not whole.
    """

    label: str
    tables: Mapping[str, pd.DataFrame] = field(repr=False)
    sides: pd.DataFrame | None = field(repr=False)
    frames: int
    failures: Mapping[str, Mapping[str, int]]
    metadata: Mapping[str, Any] = field(repr=False)
    folder: Path | None = None
    files: tuple[Path, ...] = ()
    page: Path | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """The original view's table. Raises KeyError when the action units are blocked."""
        return self.tables[View.ORIGINAL.value]


class Collected:
    """Takes the tables of a `VideoResult` into memory before its rows go.

    Parameters
    ----------
    runner : VideoRunner
    report : RecordingReport
        Of the same recording.
    """

    def __init__(self, runner: VideoRunner, report: RecordingReport) -> None:
        self.report = report
        self._runner = runner
        self._tables: dict[str, pd.DataFrame] = {}
        self._sides: pd.DataFrame | None = None
        self._failures: dict[str, dict[str, int]] = {}

    def take(self, result: VideoResult) -> dict[str, object]:
        """Read all rows; see `Wanted.on_result`."""
        for view, table in result.tables.items():
            self._tables[view.value] = to_dataframe(table, groups=GROUPS, points3d=points_in_3d(self._runner, result, table))
            self._failures[view.value] = dict(result.failures[view])
        self._sides = _sides(result.table) if result.tables else None
        return {}

    def result(self, label: str, metadata: Mapping[str, Any], folder: Path | None = None) -> Result:
        """The result, with what its report says."""
        told = self.report
        return Result(
            label=label,
            tables=self._tables,
            sides=self._sides,
            frames=told.frames,
            failures=self._failures,
            metadata=metadata,
            folder=folder,
            files=tuple(map(Path, told.files)),
            page=Path(told.page) if told.page is not None else None,
            notes=tuple(told.notes),
            warnings=(*self._runner.plan.warnings, *told.warnings),
            problems=tuple(told.problems),
        )


class Told(Sink):
    """Passes on how far a recording is."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._expected: int | None = None
        self._done = 0

    def begin(self, expected: int | None) -> None:
        """The input is open."""
        self._expected = expected

    def advance(self) -> None:
        """A frame is done."""
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._expected)

    def start(self, info: SourceInfo) -> None:
        """See `Sink`."""
        self.begin(info.expected_frames)

    def append(self, frame: Frame | None, result: FrameResult, values: OnlineOfViews) -> None:  # noqa: ARG002
        """See `Sink`."""
        self.advance()


def _sides(table: ViewTable) -> pd.DataFrame | None:
    """The rows of `<stem>.sides.csv` in full precision."""
    import pandas as pd  # slow to import, and only needed here

    if table.sides is None:
        return None
    made = sides_format(table)
    pieces = list(made.rows([table], at_a_time=max(1, len(table.frame))))
    frame = pd.DataFrame(pieces[0] if pieces else {name: np.empty(0) for name in made.names})
    typed: pd.DataFrame = frame.astype({column.name: "int64" for column in made.columns if column.kind != "number"})
    return typed
