"""`face-mirror-au batch`: many videos, what is done is left alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from face_mirror_au.cli import options
from face_mirror_au.cli.measure_options import MeasureOptions, starting, with_options
from face_mirror_au.cli.terminal import ExitCode, one_line_errors, print_error, say, say_block, say_table
from face_mirror_au.errors import UsageError
from face_mirror_au.wording import counted, printable

if TYPE_CHECKING:
    from face_mirror_au.batch.inputs import LeftOut
    from face_mirror_au.batch.job import Job, Outcome, Results
    from face_mirror_au.batch.session import Batch
    from face_mirror_au.batch.table import Row
    from face_mirror_au.run.runner import VideoRunner

# More rows than fit a few screens are of no use there; the table in the output folder has them all.
MAX_ROWS_SHOWN = 60
_STYLES = {"done": "green", "skipped": "dim", "failed": "bold red", "pending": "yellow"}

Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUT...",
        help="Videos; folders, searched with all folders in them; patterns in quotes ('*/rest*.mp4', '**/*.mov'); @FILE: a list.",
    ),
]
Lists = Annotated[
    list[Path] | None,
    typer.Option(
        "--list",
        metavar="FILE",
        help="A list of inputs, one a line (a tab and a name for its result may follow), or separated by NUL. Also: @FILE.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Measure everything, even what is done.")]
KeepGoing = Annotated[bool, typer.Option("--keep-going/--stop-on-error", help="What to do after a video that failed.")]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Share the videos out to the workers of this Dask scheduler, e.g. tcp://10.0.0.5:8786."),
]


@one_line_errors
@with_options(MeasureOptions)
def batch(
    given: MeasureOptions,
    inputs: Inputs = None,
    output_dir: options.OutputDir = None,
    lists: Lists = None,
    views: options.Views = "original",
    write_videos: options.WriteVideos = False,
    force: Force = False,
    keep_going: KeepGoing = True,
    scheduler: Scheduler = None,
) -> None:
    """Measure many videos; what is done is left alone, and a batch that was stopped goes on where it was.

    A result is done when it was measured from the same content with the same settings, models and versions, and all its files are there.
    DIR/batch.csv tells what came of every input, and is up to date after each; DIR/index.html shows, at the end, the answers of all pages.
    Each result is what `run` writes, in DIR/<folder>/<stem>/.

    Exit codes: 0 all done; 1 a video failed; 2 wrong usage; 3 done, but a video could not be decoded to its end, was changed meanwhile or
    has no face in any frame; 130 interrupted; 143 stopped by SIGTERM; 129 the terminal was closed.
    """
    if scheduler is not None:
        given = _for_cluster(given)
    with starting(given) as start, ExitStack() as closing:
        from face_mirror_au.batch.index import write_index
        from face_mirror_au.batch.inputs import find_inputs
        from face_mirror_au.batch.session import Batch, wanted_results
        from face_mirror_au.batch.state import only_batch
        from face_mirror_au.cli.measure import overall
        from face_mirror_au.files import make_output_folder
        from face_mirror_au.results.work_folder import remove_leftovers

        results = _results(given, output_dir or options.DEFAULT_FOLDER, write_videos=write_videos)
        runner = closing.enter_context(start.runner(start.settings(views)))
        left_out: list[LeftOut] = []
        found = find_inputs(inputs or (), lists or (), results.folder, left_out)
        if not found:
            raise UsageError("nothing to measure: give videos, folders, patterns or lists")
        make_output_folder(results.folder)
        closing.enter_context(only_batch(results.folder))
        remove_leftovers(results.folder)
        session = Batch(found, results, wanted_results(runner, results), force=force)
        telling = _Telling(session, given, left_out)
        telling.begin(runner)
        if session.jobs:
            _measure(runner, session.jobs, results, telling, scheduler, stop_on_error=not keep_going)
            remove_leftovers(results.folder)
        write_index(session.rows, results)
        telling.end(runner, results.folder)
        raise typer.Exit(overall([_exit_code(row) for row in session.rows]))


def _for_cluster(given: MeasureOptions) -> MeasureOptions:
    """What makes results the same on all machines. Raises UsageError, or ClusterError without Dask."""
    from face_mirror_au.batch.cluster import DEVICE, require_dask
    from face_mirror_au.batch.inputs import absolute

    if given.device not in {"auto", DEVICE}:
        raise UsageError(f"--scheduler is for the CPU, not for {given.device}: results must be the same on all machines")
    require_dask()
    weights, au_bank = (None if path is None else absolute(path) for path in (given.weights, given.au_bank))
    return replace(given, workers=0, start_method=None, device=DEVICE, weights=weights, au_bank=au_bank)


def _results(given: MeasureOptions, output: Path, *, write_videos: bool) -> Results:
    from face_mirror_au.batch.inputs import absolute
    from face_mirror_au.batch.job import Results
    from face_mirror_au.cli.measure import column_groups

    groups = column_groups(given.columns, given.format_)
    wanted = {"write_videos": write_videos, "page": not given.no_report, "keep_descriptors": given.keep_descriptors}
    return Results(absolute(output), given.format_, groups, **wanted)


def _measure(
    runner: VideoRunner, jobs: Sequence[Job], results: Results, telling: _Telling, scheduler: str | None, *, stop_on_error: bool
) -> None:
    if scheduler is None:
        from face_mirror_au.batch.job import run_here

        run_here(runner, jobs, results, telling.done, stop_on_error=stop_on_error)
        return
    from face_mirror_au.batch.cluster import Recipe, connected, run_there
    from face_mirror_au.batch.session import wanted_results

    given = telling.given
    expected = wanted_results(runner, results).settings
    recipe = Recipe(given.weights, given.profile, given.models, given.au_bank, runner.settings, expected)
    with connected(scheduler) as client:
        if not client.nthreads():
            print_error("the scheduler has no workers yet; waiting for one", "note", "yellow")
        run_there(client, recipe, jobs, results, telling.done, stop_on_error=stop_on_error)


def _exit_code(row: Row) -> ExitCode:
    if row.status == "failed":
        return ExitCode.FAILED
    return ExitCode.PARTIAL if row.partial else ExitCode.OK


class _Telling:
    """What a person sees of a batch.

    Parameters
    ----------
    session : Batch
    given : MeasureOptions
    left_out : sequence of LeftOut
    """

    def __init__(self, session: Batch, given: MeasureOptions, left_out: Sequence[LeftOut]) -> None:
        self.given = given
        self._left_out = left_out
        self._session = session
        self._talk = not (given.quiet or given.as_json)

    def begin(self, runner: VideoRunner) -> None:
        """What will be done; and what failed already."""
        from face_mirror_au.cli.measure import say_models

        if self._talk:
            say_models(runner.plan)
            rows = self._session.rows
            skipped = sum(row.status == "skipped" for row in rows)
            say(f"{counted(len(rows), 'input')}: {len(self._session.jobs)} to measure, {skipped} done before")
            if self._left_out:
                say(f"{counted(len(self._left_out), 'file')} left out:")
            for each in self._left_out:
                say(f"  {printable(each.shown)}: {each.why}")
        for row in self._session.rows:
            if row.status == "failed":
                _say_failure(row)

    def done(self, job: Job, outcome: Outcome) -> None:
        """One recording is through."""
        row = self._session.record(job, outcome)
        if row.status == "failed" or row.partial:
            _say_failure(row)
        if self._talk and row.status == "done":
            reached = sum(each.status != "pending" for each in self._session.rows)
            say(f"[{reached}/{len(self._session.rows)}] {printable(row.input)}: {counted(row.frames or 0, 'frame')} in {row.seconds:.1f} s")

    def end(self, runner: VideoRunner, folder: Path) -> None:
        """The table, on the terminal or as JSON."""
        from face_mirror_au.batch.table import TABLE_FILE

        rows = self._session.rows
        if self.given.as_json:
            plan = runner.plan
            summary = {"profile": plan.profile, "reason": plan.reason, "au_bank": plan.bank, "warnings": plan.warnings}
            say_block(json.dumps({**summary, "inputs": [*map(asdict, rows)], "left_out": [*map(asdict, self._left_out)]}, indent=2))
        elif self._talk:
            _say_rows(rows)
            counts = {status: sum(row.status == status for row in rows) for status in ("done", "skipped", "failed", "pending")}
            say(", ".join(f"{count} {status}" for status, count in counts.items() if count) + f"; {folder / TABLE_FILE} has them all")


def _say_failure(row: Row) -> None:
    label, style = ("error", "bold red") if row.status == "failed" else ("partial", "yellow")
    print_error(f"{printable(row.input)}: {row.reason}", label, style)


def _say_rows(rows: Sequence[Row]) -> None:
    from rich.table import Table
    from rich.text import Text

    shown = rows if len(rows) <= MAX_ROWS_SHOWN else [row for row in rows if row.status in {"failed", "pending"} or row.partial]
    if not shown:
        return
    table = Table("input", "status", "frames", "measured", "s", "output, or what is wrong")
    for row in shown:
        rate = "" if row.success_rate is None else f"{100 * row.success_rate:.0f} %"
        seconds = "" if row.seconds is None else f"{row.seconds:.1f}"
        frames = "" if row.frames is None else str(row.frames)
        status = Text(row.status, _STYLES[row.status])
        # As text: a name in brackets is no markup.
        last = Text(row.reason or printable(row.output))
        table.add_row(Text(printable(row.input)), status, frames, rate, seconds, last)
    say_table(table)
