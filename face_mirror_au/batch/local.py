"""A batch on this machine: one recording after the other, all workers on each. Workers and models start once, at the first recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from face_mirror_au.batch.job import Job, Outcome, Results, measure_job
from face_mirror_au.run.runner import VideoRunner


def run_here(
    runner: VideoRunner, jobs: Iterable[Job], results: Results, on_done: Callable[[Job, Outcome], None], *, stop_on_error: bool = False
) -> None:
    """Measure all jobs in order.

    Parameters
    ----------
    runner : VideoRunner
    jobs : iterable of Job
    results : Results
    on_done : callable
        Called after each job.
    stop_on_error : bool
        Leave the rest when one has failed.
    """
    for job in jobs:
        outcome = measure_job(runner, job, results)
        on_done(job, outcome)
        if outcome.error and stop_on_error:
            return
