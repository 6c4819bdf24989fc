"""Videos through a runner, one after the other, with everything that a person sees of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from face_mirror_au.cli.options import DEFAULT_FOLDER
from face_mirror_au.cli.terminal import ExitCode, TerminatedError, error_console, print_error, say
from face_mirror_au.errors import FaceMirrorAUError, UsageError

if TYPE_CHECKING:
    from face_mirror_au.io.columns import Group
    from face_mirror_au.io.mirror_video import MirroredVideos
    from face_mirror_au.io.source import SourceInfo
    from face_mirror_au.outputs import OutputPlan
    from face_mirror_au.pipeline.model_set import ModelPlan
    from face_mirror_au.pipeline.sequence import OnlineValues
    from face_mirror_au.records import Image, View
    from face_mirror_au.video_run import VideoResult, VideoRunner
    from face_mirror_hooks.records import FrameResult, ViewResult


STOPPED = (ExitCode.TERMINATED, ExitCode.INTERRUPTED)


@dataclass
class VideoReport:
    """What is told about one video."""

    video: str
    exit_code: ExitCode = ExitCode.OK
    error: str | None = None
    frames: int = 0
    lines: dict[str, str] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    page: str | None = None
    replaced: bool = False
    models: str | None = None
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    worker_losses: int = 0


def measure_all(
    runner: VideoRunner,
    videos: Sequence[Path],
    plans: Sequence[OutputPlan],
    *,
    write_videos: bool,
    report: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run all videos and report; ends with the exit code.

    Raises
    ------
    typer.Exit
    """
    plan, talk = runner.plan, not (quiet or as_json)
    if talk:
        say(f"profile {plan.profile} ({plan.reason}); action units: {_bank_words(plan)}")
    for warning in plan.warnings:
        if talk:
            print_error(warning, "warning", "yellow")
    reports: list[VideoReport] = []
    for video, output_plan in zip(videos, plans, strict=True):
        reports.append(_run_one(runner, video, output_plan, write_videos=write_videos, page=report, progress=talk))
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
        say(json.dumps(summary, indent=2))
    raise typer.Exit(_overall([report.exit_code for report in reports]))


def _bank_words(plan: ModelPlan) -> str:
    """Which AU models, and what they are not."""
    return plan.bank if plan.open_bank is None else f"{plan.bank}, on a scale of its own"


def output_plans(
    videos: Sequence[Path], output_dir: Path | None, output: Path | None, format_: str, columns: str | None, subject: str | None
) -> list[OutputPlan]:
    """Where each video's files go.

    Raises
    ------
    UsageError
        For options that contradict each other.
    """
    from face_mirror_au.outputs import OutputPlan

    groups = _column_groups(columns, format_)
    if output is not None and output_dir is not None:
        raise UsageError("give either --output FILE.csv or -o DIR, not both")
    if len(videos) > 1 and (output is not None or subject is not None):
        raise UsageError("--output and --subject are for one video; give several videos a folder with -o DIR")
    if subject is not None and (Path(subject).name != subject or subject in {"", ".", ".."}):
        raise UsageError("--subject must be a plain name, without slashes")
    if output is not None:
        return [OutputPlan(output, format_, groups)]
    folder = output_dir or DEFAULT_FOLDER
    stems = [subject or _stem(video) for video in videos]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice is not None:
        raise UsageError(f"two videos would write to the folder '{twice}'; run them one by one with different -o DIR")
    return [OutputPlan.in_folder(folder, stem, format_, groups) for stem in stems]


def _column_groups(columns: str | None, format_: str) -> Collection[Group]:
    from face_mirror_au.io.columns import GROUPS
    from face_mirror_au.io.csv_tables import openface_columns

    if columns is None:
        return GROUPS
    if format_ != "openface":
        raise UsageError(f"--columns is for the openface format; the columns of {format_} are fixed")
    groups = cast("Collection[Group]", tuple(part.strip() for part in columns.split(",") if part.strip()))
    if not groups:
        raise UsageError(f"--columns names no column group; give some of {','.join(GROUPS)}, or leave it out for all")
    openface_columns(groups)
    return groups


def _stem(video: Path) -> str:
    resolved = video if video.name else video.resolve()
    return resolved.name if video.is_dir() else resolved.stem


def _overall(codes: Sequence[ExitCode]) -> ExitCode:
    for code in (*STOPPED, ExitCode.FAILED, ExitCode.PARTIAL):
        if code in codes:
            return code
    return ExitCode.OK


def _run_one(runner: VideoRunner, video: Path, plan: OutputPlan, *, write_videos: bool, page: bool, progress: bool) -> VideoReport:
    from face_mirror_au.io.files import display_name

    report = VideoReport(display_name(video))
    try:
        _measure(runner, video, plan, report, write_videos=write_videos, page=page, progress=progress)
    except KeyboardInterrupt as stop:
        terminated = isinstance(stop, TerminatedError)
        report.exit_code = ExitCode.TERMINATED if terminated else ExitCode.INTERRUPTED
        kept = f"the rows measured so far are in {report.files[0]}" if report.files else "nothing was measured"
        report.error = f"{'stopped by SIGTERM' if terminated else 'interrupted'}; {kept}"
    except FaceMirrorAUError as error:
        report.exit_code, report.error = ExitCode.FAILED, str(error)
    return report


def _measure(
    runner: VideoRunner, video: Path, plan: OutputPlan, report: VideoReport, *, write_videos: bool, page: bool, progress: bool
) -> None:
    from face_mirror_au.io.mirror_video import MirroredVideos
    from face_mirror_au.io.raw_log import OnlineLog
    from face_mirror_au.outputs import write_all
    from face_mirror_au.pipeline.description import failure_reason
    from face_mirror_au.records import View

    folder = plan.prepare()
    online = plan.beside(".online.csv")
    mirrored: dict[View, Path] = {
        view: plan.beside(f"_{view.value}.mp4") for view in runner.settings.views if view is not View.ORIGINAL and write_videos
    }
    reasons: dict[View, dict[int, str]] = {view: {} for view in runner.settings.views}
    writer: list[MirroredVideos] = []
    with ExitStack() as stack:
        bar = stack.enter_context(_progress_bar(report.video, shown=progress))
        logs: list[OnlineLog] = []
        writing = stack.enter_context(ExitStack())

        def on_start(info: SourceInfo) -> None:
            # Not before: an input that cannot be opened leaves an earlier result as it is.
            report.replaced = plan.replace_earlier(video, mirrored.values())
            if report.replaced and progress:
                say(f"{report.video}: replaces an earlier result")
            logs.append(stack.enter_context(OnlineLog(online)))
            report.files = [str(online)]
            bar.start(runner.settings.max_frames or info.expected_frames)
            if mirrored:
                writer.append(writing.enter_context(MirroredVideos(mirrored, info)))

        def on_row(index: int, time_s: float, result: ViewResult, values: OnlineValues) -> None:
            logs[0].append_result(index, time_s, result, values.raw)
            if reason := failure_reason(result):
                reasons[result.view][index] = reason
            if result.view is View.ORIGINAL:
                report.frames = index + 1
                bar.advance()

        def on_frame(image: Image, result: FrameResult) -> None:
            writer[0].append(image, result)

        result = stack.enter_context(
            runner.run(video, folder, label=plan.csv.stem, on_row=on_row, on_start=on_start, on_frame=on_frame if mirrored else None)
        )
        writing.close()
        notes = writer[0].notes if writer else ()
        others = [*mirrored.values(), online, *_pages(plan, result, wanted=page)]
        written = write_all(result, plan, runner, video, reasons, notes, others)
        report.files = [str(path) for path in (*written, *mirrored.values(), online)]
        _tell(report, runner, result)
    if _pages(plan, result, wanted=page):
        report.page = _write_page(folder, plan.csv.stem, video, report.warnings)


def _tell(report: VideoReport, runner: VideoRunner, result: VideoResult) -> None:
    """Put what came out into the report."""
    report.lines = {view.value: result.reconciliation(view) for view in result.tables} or {"original": result.reconciliation()}
    report.failed = {view.value: sum(counts.values()) for view, counts in result.failures.items()}
    report.frames, report.worker_losses = result.decoded, len(result.losses)
    report.warnings = [warning for warning in result.warnings if warning not in runner.plan.warnings]
    if result.losses:
        report.warnings.append(f"{len(result.losses)} workers were lost and replaced, their frames done again; the metadata say more")
    report.models = result.models if result.tables else None
    missing = runner.plan.left_empty(result.models) if result.tables else ()
    report.notes = [*result.notes, *([f"left empty by these AU models: {', '.join(missing)}"] if missing else [])]
    report.problems = [*result.problems, *result.empty_tables]
    if report.problems:
        report.exit_code = ExitCode.PARTIAL


def _pages(plan: OutputPlan, result: VideoResult, *, wanted: bool) -> list[Path]:
    """The report page and its numbers, where there is something to compare: it takes both mirrored views."""
    from face_mirror_au.io import asymmetry_csv
    from face_mirror_au.report.write import ENDING

    return [plan.beside(ENDING), plan.beside(asymmetry_csv.ENDING)] if wanted and len(result.tables) > 2 else []


def _write_page(folder: Path, stem: str, recording: Path, warnings: list[str]) -> str | None:
    """The report page; its name. The tables are whole without it, so a page that cannot be made is a warning."""
    from face_mirror_au.report.write import write_report

    try:
        return str(write_report(folder, stem, recording=recording))
    except FaceMirrorAUError as error:
        warnings.append(f"no report page: {error}")
        return None


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
