"""One recording of a batch, measured and put in its place. The same on this machine and on another."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from face_mirror_au.errors import FaceMirrorAUError
from face_mirror_au.files import display_name
from face_mirror_au.media.video import open_source
from face_mirror_au.report.page_writer import write_page
from face_mirror_au.run.delivery import RecordingReport, Wanted, deliver
from face_mirror_au.run.outputs import OutputPlan, check_format, table_ending
from face_mirror_au.run.recordings import FileRecording
from face_mirror_au.run.runner import VideoRunner

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What to measure: an absolute path, and the name of the result's folder in the output folder."""

    path: Path
    name: str


@dataclass(frozen=True)
class Results:
    """What results are to hold, and the output folder, absolute; else as for `OutputPlan` and `Wanted`."""

    folder: Path
    format: str
    groups: Collection[str]
    write_videos: bool
    page: bool
    keep_descriptors: bool = False

    def __post_init__(self) -> None:
        check_format(self.format)  # before the first recording, not with each

    def plan(self, name: str) -> OutputPlan:
        """Where the result `name` goes."""
        folder = self.folder / name
        return OutputPlan(folder / f"{folder.name}{table_ending(self.format)}", self.format, self.groups, self.folder, own_folder=True)


@dataclass(frozen=True)
class Outcome:
    """What came of a job: why there is no result, or an empty text; and what the run had to report, None when it was not begun."""

    error: str = ""
    seconds: float = 0.0
    report: RecordingReport | None = None


def measure_job(runner: VideoRunner, job: Job, results: Results, *, alone: bool = True) -> Outcome:
    """Measure one recording; whatever goes wrong with it is its outcome, and no exception.

    Without `alone`, another process may measure this recording now: then what a failed one has measured is not kept, since two must never
    write to one folder.
    """
    started = time.monotonic()
    report = RecordingReport(display_name(job.path))
    error = ""
    try:
        # A file that is no video fails here, before models are loaded for it.
        with open_source(job.path, runner.settings.reading):
            pass
        plan, page = results.plan(job.name), write_page if results.page else None
        wanted = Wanted(videos=results.write_videos, page=page, descriptors=results.keep_descriptors)
        recording = FileRecording(job.path, plan.csv.stem, runner.settings.reading)
        deliver(runner, recording, plan, report, wanted, unique_in=None if alone else results.folder)
    except FaceMirrorAUError as failure:
        error = f"{failure}; {report.kept}" if report.kept else str(failure)
    except Exception as failure:  # a mistake of ours in one recording must not cost the night's others
        logger.debug("a recording of a batch failed", exc_info=True)
        error = f"unexpected {type(failure).__name__}: {failure}; please report it"
    return Outcome(error, time.monotonic() - started, report)


def run_here(
    runner: VideoRunner, jobs: Iterable[Job], results: Results, on_done: Callable[[Job, Outcome], None], *, stop_on_error: bool = False
) -> None:
    """Measure all jobs in order on this machine, all workers on each. Workers and models start once, at the first recording."""
    for job in jobs:
        outcome = measure_job(runner, job, results)
        on_done(job, outcome)
        if outcome.error and stop_on_error:
            return
