"""Videos through a runner, one after the other, with everything that a person sees of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from face_mirror_au.cli.options import DEFAULT_FOLDER, check_subject
from face_mirror_au.cli.terminal import STOPPED, ExitCode, error_console, print_error, say, say_block, why_stopped
from face_mirror_au.errors import FaceMirrorAUError, UsageError
from face_mirror_au.files import display_name, result_stem
from face_mirror_au.report.page_writer import write_page
from face_mirror_au.run.delivery import RecordingReport, Wanted, deliver
from face_mirror_au.run.outputs import OutputPlan
from face_mirror_au.run.recordings import FileRecording

if TYPE_CHECKING:
    from face_mirror_au.pipeline.model_set import ModelPlan
    from face_mirror_au.run.runner import VideoRunner


@dataclass
class VideoReport(RecordingReport):
    """A recording's report, and what the process says of it when it ends."""

    exit_code: ExitCode = ExitCode.OK


def measure_all(
    runner: VideoRunner,
    videos: Sequence[Path],
    plans: Sequence[OutputPlan],
    *,
    write_videos: bool,
    report: bool,
    keep_descriptors: bool = False,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run all videos and report; ends with the exit code.

    Raises
    ------
    typer.Exit
    """
    plan, talk = runner.plan, not (quiet or as_json)
    # With the first input that can be opened: above "no such file" it would be noise.
    announce = cache(partial(say_models, plan))
    reports: list[VideoReport] = []
    for video, output_plan in zip(videos, plans, strict=True):
        wanted = Wanted(videos=write_videos, page=write_page if report else None, descriptors=keep_descriptors)
        reports.append(_run_one(runner, video, output_plan, wanted, announce if talk else None))
        if talk:
            _print_report(reports[-1])
        else:
            _print_failure(reports[-1])
        if reports[-1].exit_code in STOPPED:
            break
    if as_json:
        summary = {
            "profile": plan.profile,
            "reason": plan.reason,
            "au_bank": plan.bank,
            "warnings": plan.warnings,
            "videos": [vars(report) for report in reports],
        }
        say_block(json.dumps(summary, indent=2))
    raise typer.Exit(overall([report.exit_code for report in reports]))


def say_models(plan: ModelPlan) -> None:
    """Say which models are in use and why, and what the AU models are not."""
    from face_mirror_au.models.catalogue import BANKS

    bank = f"{plan.bank}, on a scale of its own" if BANKS[plan.bank_kind].own_scale else plan.bank
    say(f"profile {plan.profile} ({plan.reason}); action units: {bank}")
    for warning in plan.warnings:
        print_error(warning, "warning", "yellow")


def output_plans(
    videos: Sequence[Path], output_dir: Path | None, output: Path | None, format_: str, columns: str | None, subject: str | None
) -> list[OutputPlan]:
    """Where each video's files go.

    Raises
    ------
    UsageError
        For options that contradict each other.
    """
    groups = column_groups(columns, format_)
    if output is not None and output_dir is not None:
        raise UsageError("give either --output FILE.csv or -o DIR, not both")
    if len(videos) > 1 and (output is not None or subject is not None):
        option = "--subject" if output is None else "--output"
        raise UsageError(f"{option} is for one video, and there are {len(videos)}; leave it out, or give them one by one")
    check_subject(subject)
    if output is not None:
        return [OutputPlan(output, format_, groups, nameless=subject is not None)]
    folder = output_dir or DEFAULT_FOLDER
    stems = [subject or result_stem(video) for video in videos]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice is not None:
        raise UsageError(f"two videos would write to the folder '{twice}'; give them to 'batch', or run each with a --subject of its own")
    return [OutputPlan.in_folder(folder, stem, format_, groups, nameless=subject is not None) for stem in stems]


def column_groups(columns: str | None, format_: str) -> Collection[str]:
    """Read `--columns`. Raises UsageError."""
    from face_mirror_au.tables.columns import GROUPS, check_groups

    if columns is None:
        return GROUPS
    if format_ not in {"openface", "parquet"}:
        raise UsageError(f"--columns is for the formats openface and parquet; the columns of {format_} are fixed")
    groups = tuple(part.strip() for part in columns.split(",") if part.strip())
    if not groups:
        raise UsageError(f"--columns names no column group; give some of {','.join(GROUPS)}, or leave it out for all")
    check_groups(groups)
    return groups


def overall(codes: Collection[ExitCode]) -> ExitCode:
    """The exit code of a command whose videos have these."""
    for code in (*STOPPED, ExitCode.FAILED, ExitCode.PARTIAL):
        if code in codes:
            return code
    return ExitCode.OK


def _run_one(runner: VideoRunner, video: Path, plan: OutputPlan, wanted: Wanted, announce: Callable[[], None] | None) -> VideoReport:
    """Measure one input; `announce` is called when it is open. Without that, nothing is told on the way."""
    report = VideoReport(display_name(video))
    try:
        with _progress_bar(report.video, shown=announce is not None) as bar:

            def on_open(expected: int | None) -> None:
                if announce is not None:
                    announce()
                    _say_found(report)
                bar.start(expected)

            recording = FileRecording(video, plan.csv.stem, runner.settings.reading)
            deliver(runner, recording, plan, report, replace(wanted, on_open=on_open, on_advance=bar.advance))
        report.exit_code = ExitCode.PARTIAL if report.problems else ExitCode.OK
    except KeyboardInterrupt as stop:
        report.exit_code, words = why_stopped(stop)
        report.error = f"{words}; {report.kept or 'no frame had been measured; run the recording again'}"
    except FaceMirrorAUError as error:
        report.exit_code, report.error = ExitCode.FAILED, f"{error}; {report.kept}" if report.kept else str(error)
    return report


def _say_found(report: VideoReport) -> None:
    """What is at the place of a result that is about to be made."""
    for line in report.found:
        say(f"{report.video}: {line}")
    if report.replaces:
        say(f"{report.video}: replaces an earlier result with all its files, when it is whole; another -o keeps both")


def _print_report(report: VideoReport) -> None:
    if report.error is not None:
        _print_failure(report)
        return
    for view, line in report.lines.items():
        say(f"{report.video}: {line}" if view == "original" else f"  {view}: {line}")
    for note in report.notes:
        say(f"  note: {note}")
    _print_failure(report)
    for warning in report.warnings:
        print_error(warning, "warning", "yellow")
    say(f"  {report.files[0]}")
    others = ", ".join(Path(path).name for path in report.files[1:])
    say(f"  beside it: {others}")
    if report.page is not None:
        say(f"  left against right: {report.page}")


def _print_failure(report: VideoReport) -> None:
    """What is told even under --quiet: an error, or why a result is not whole."""
    lines = [("partial", "yellow", problem) for problem in report.problems]
    if report.error is not None:
        lines = [("error", "bold red", report.error)]
    for label, style, text in lines:
        print_error(f"{report.video}: {text}" if report.video not in text else text, label, style)


class _Bar:
    """A progress bar that may not be there."""

    def start(self, total: int | None) -> None:
        """Say how many frames are expected; None when nobody knows."""

    def advance(self) -> None:
        """One frame more."""


@contextmanager
def _progress_bar(label: str, *, shown: bool) -> Iterator[_Bar]:
    """A bar on a terminal, nothing in a pipe."""
    console = error_console()
    if not (shown and console.is_terminal):
        yield _Bar()
        return
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console, transient=True
    ) as bars:
        task = bars.add_task(escape(label), total=None)

        class Shown(_Bar):
            def start(self, total: int | None) -> None:
                bars.update(task, total=total)

            def advance(self) -> None:
                bars.advance(task)

        yield Shown()
