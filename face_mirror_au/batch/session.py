"""A batch from its inputs to its last result: what is to be done, and a table and a state that are true after every recording."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from face_mirror_au.batch.done import Wanted, finished, settings_of, sizes_of
from face_mirror_au.batch.inputs import Input
from face_mirror_au.batch.job import Job, Outcome, Results
from face_mirror_au.batch.names import give_names
from face_mirror_au.batch.state import BatchState, Stamp, stamp_of
from face_mirror_au.batch.table import TABLE_FILE, Row, success_rate, write_rows
from face_mirror_au.errors import VideoError
from face_mirror_au.results.earlier import read_metadata
from face_mirror_au.results.metadata import as_read
from face_mirror_au.run.outputs import settings_metadata
from face_mirror_au.run.runner import VideoRunner

_SAVE_EVERY_S = 30.0


def wanted_results(runner: VideoRunner, results: Results) -> Wanted:
    """What a result of this runner will say of itself."""
    expected = settings_of(as_read(settings_metadata(results.plan("any"), runner)))
    return Wanted(expected, results.write_videos, results.page, results.keep_descriptors)


@dataclass(frozen=True)
class _Begun:
    """A job that is to be done: its row, and the input's stamp when it was planned."""

    row: Row
    before: Stamp | None


class Batch:
    """The table and the state of a batch. Only one at a time for an output folder (`only_batch`).

    `rows` has one row for each input, in order; `jobs` is what is to be measured, with `force` even what is done. Inputs that are not there
    are rows with an error, and no jobs.

    Raises
    ------
    OutputError
    """

    def __init__(self, inputs: Sequence[Input], results: Results, wanted: Wanted, *, force: bool = False) -> None:
        self._results = results
        self._wanted = wanted
        self._state = BatchState(results.folder)
        self._begun: dict[Job, _Begun] = {}
        give_names(inputs, self._state)
        self.rows: list[Row] = []
        saved = time.monotonic()
        for each in inputs:
            self.rows.append(self._row(each, force=force))
            if time.monotonic() > saved + _SAVE_EVERY_S:  # hashing may take hours, and be interrupted
                self._state.save()
                saved = time.monotonic()
        self.jobs = list(self._begun)
        self.save()

    def record(self, job: Job, outcome: Outcome) -> Row:
        """Put what came of a job into the table, and write it. Raises OutputError."""
        begun = self._begun[job]
        row, report = begun.row, outcome.report
        row.seconds, row.status = outcome.seconds, "failed" if outcome.error else "done"
        row.reason = outcome.error
        if report is not None and not outcome.error:
            row.frames = report.frames
            row.success_rate = success_rate({"original": {"rows": report.frames, "failed": report.failed.get("original", 0)}})
            row.reason, row.output = "; ".join(report.problems), job.name
            self._remember(job, begun.before)
        self.save()
        return row

    def save(self) -> None:
        """Write table and state. Raises OutputError."""
        write_rows(self.rows, self._results.folder / TABLE_FILE)
        self._state.save()

    def _row(self, each: Input, *, force: bool) -> Row:
        row = Row(each.shown)
        if each.problem:
            row.status, row.reason = "failed", each.problem
            return row
        name = self._state.inputs[str(each.path)].name
        try:
            known = None if force else finished(each.path, self._results.plan(name).csv, self._wanted, self._state)
        except VideoError as error:
            row.status, row.reason = "failed", str(error)
            return row
        if known is None:
            self._begun[Job(each.path, name)] = _Begun(row, stamp_of(each.path))
            return row
        row.status, row.reason, row.output = "skipped", "; ".join(known.problems), name
        row.frames, row.success_rate = known.frames, known.success_rate
        return row

    def _remember(self, job: Job, before: Stamp | None) -> None:
        csv = self._results.plan(job.name).csv
        metadata = read_metadata(csv)
        if metadata is not None and metadata["input"]["sha256"] is not None:
            self._state.remember(job.path, before, metadata["input"]["sha256"])
            self._state.inputs[str(job.path)].sizes = sizes_of(csv, metadata["files"]) or {}
