"""`face-mirror-au run`: videos in, action units out."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from face_mirror_au.cli.terminal import ExitCode, error_console, one_line_errors, print_error
from face_mirror_au.errors import FaceMirrorAUError, UsageError

if TYPE_CHECKING:
    from face_mirror_au.io.columns import Group
    from face_mirror_au.outputs import OutputPlan
    from face_mirror_au.pipeline.process import FrameRecord
    from face_mirror_au.pipeline.sequence import OnlineValues
    from face_mirror_au.video_run import VideoRunner

DEFAULT_FOLDER = Path("face-mirror-au-output")

WeightsOption = Annotated[Path | None, typer.Option("--weights", metavar="DIR", help="Look for model files in this folder first.")]


@dataclass
class VideoReport:
    """What is told about one video."""

    video: str
    exit_code: ExitCode = ExitCode.OK
    error: str | None = None
    reconciliation: str | None = None
    frames: int = 0
    failed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@one_line_errors
def run(
    videos: Annotated[list[Path], typer.Argument(metavar="VIDEO...", help="Videos, images, or folders of images.")],
    output_dir: Annotated[
        Path | None, typer.Option("-o", "--output-dir", metavar="DIR", help=f"Files go to DIR/<stem>/. Default: {DEFAULT_FOLDER}/")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE.csv", help="The table of one video goes to this file, all others beside it.")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="Model set: auto, openface, open, hybrid. auto takes the best one whose files are there, and says which.")
    ] = "auto",
    models: Annotated[str, typer.Option(help="dynamic: compared with the video's own neutral face. static: not.")] = "dynamic",
    max_frames: Annotated[int | None, typer.Option(help="Stop after so many frames.")] = None,
    format_: Annotated[str, typer.Option("--format", help="openface, minimal (19 columns), face-mirror.")] = "openface",
    columns: Annotated[
        str, typer.Option(help="Column groups of the openface format: any of pose,landmarks,landmarks3d,shape,aus.")
    ] = "pose,landmarks,landmarks3d,shape,aus",
    openface_strict: Annotated[
        bool, typer.Option("--openface-strict", help="Failed frames as OpenFace writes them: zeros that take part in smoothing.")
    ] = False,
    detect_every: Annotated[int, typer.Option(help="Look for faces anew every so many frames; tracked in between.")] = 30,
    max_side: Annotated[int, typer.Option(help="Detection sees frames scaled down to this long side, in pixels.")] = 1280,
    flipped_input: Annotated[
        bool, typer.Option("--flipped-input", help="The recording is a mirror image (selfie camera): swap left and right back.")
    ] = False,
    subject: Annotated[str | None, typer.Option(metavar="LABEL", help="Name outputs LABEL instead of the video's name.")] = None,
    weights: WeightsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
) -> None:
    """Measure the action units of videos.

    Exit codes: 0 all done; 1 a video failed; 2 wrong usage; 3 done, but a video could not be decoded to its end; 130 interrupted.
    What was measured before an error or Ctrl-C stays in <stem>.online.csv.
    """
    plans = _output_plans(videos, output_dir, output, format_, columns, subject)

    from face_mirror_au.pipeline.model_set import plan_models
    from face_mirror_au.video_run import RunSettings, VideoRunner
    from face_mirror_weights import Store

    settings = RunSettings(detect_every, max_frames, openface_strict, flipped_input, max_side)
    plan = plan_models(Store.default(weights), profile, models)
    runner = VideoRunner(plan, settings)
    talk = not (quiet or as_json)
    if talk:
        typer.echo(f"profile {plan.profile} ({plan.reason}); action units: {plan.bank}")
        for warning in plan.warnings:
            print_error(warning, "warning", "yellow")
    reports: list[VideoReport] = []
    for video, output_plan in zip(videos, plans, strict=True):
        reports.append(_run_one(runner, video, output_plan, progress=talk))
        if talk:
            _print_report(reports[-1])
        elif reports[-1].error is not None:
            print_error(reports[-1].error)
        if reports[-1].exit_code is ExitCode.INTERRUPTED:
            break
    if as_json:
        summary = {"profile": plan.profile, "reason": plan.reason, "au_bank": plan.bank, "videos": [vars(report) for report in reports]}
        typer.echo(json.dumps(summary, indent=2))
    raise typer.Exit(_overall([report.exit_code for report in reports]))


def _overall(codes: Sequence[ExitCode]) -> ExitCode:
    for code in (ExitCode.INTERRUPTED, ExitCode.FAILED, ExitCode.PARTIAL):
        if code in codes:
            return code
    return ExitCode.OK


def _output_plans(
    videos: Sequence[Path], output_dir: Path | None, output: Path | None, format_: str, columns: str, subject: str | None
) -> list[OutputPlan]:
    from face_mirror_au.io.csv_tables import openface_columns
    from face_mirror_au.outputs import OutputPlan

    groups = cast("Collection[Group]", tuple(part.strip() for part in columns.split(",") if part.strip()))
    openface_columns(groups)
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


def _stem(video: Path) -> str:
    resolved = video if video.name else video.resolve()
    return resolved.name if video.is_dir() else resolved.stem


def _run_one(runner: VideoRunner, video: Path, plan: OutputPlan, *, progress: bool) -> VideoReport:
    from face_mirror_au.io.files import display_name

    report = VideoReport(display_name(video))
    try:
        _measure(runner, video, plan, report, progress=progress)
    except KeyboardInterrupt:
        report.exit_code = ExitCode.INTERRUPTED
        report.error = f"interrupted; the rows measured so far are in {plan.beside('.online.csv').name}"
    except FaceMirrorAUError as error:
        report.exit_code, report.error = ExitCode.FAILED, str(error)
    return report


def _measure(runner: VideoRunner, video: Path, plan: OutputPlan, report: VideoReport, *, progress: bool) -> None:
    from face_mirror_au.io.raw_log import OnlineLog
    from face_mirror_au.io.source import SourceInfo
    from face_mirror_au.outputs import write_all
    from face_mirror_au.records import View

    folder = plan.prepare()
    reasons: dict[int, str] = {}
    online = plan.beside(".online.csv")
    with _progress_bar(report.video, shown=progress) as bar, OnlineLog(online) as log:

        def on_row(record: FrameRecord, values: OnlineValues) -> None:
            measured = record.descriptor is not None
            log.append(record.index, record.time_s, View.ORIGINAL, measured, values.raw, record.reason)
            if not measured:
                reasons[record.index] = record.reason
            bar.advance()

        def on_start(info: SourceInfo) -> None:
            bar.start(runner.settings.max_frames or info.expected_frames)

        with runner.run(video, folder, on_row, on_start) as result:
            written = write_all(result, plan, runner, video, reasons)
    report.files = [str(path) for path in (*written, online)]
    report.reconciliation = result.reconciliation
    report.frames, report.failed = result.decoded, sum(result.failures.values())
    report.reasons = dict(result.failures)
    report.warnings = [warning for warning in result.warnings if warning not in runner.plan.warnings]
    report.problems = list(result.problems)
    if result.problems:
        report.exit_code = ExitCode.PARTIAL


def _print_report(report: VideoReport) -> None:
    if report.error is not None:
        print_error(f"{report.video}: {report.error}" if report.video not in report.error else report.error)
        return
    typer.echo(f"{report.video}: {report.reconciliation}")
    for problem in report.problems:
        print_error(problem, "partial", "yellow")
    for warning in report.warnings:
        print_error(warning, "warning", "yellow")
    typer.echo(f"  {report.files[0]}")
    others = ", ".join(Path(path).name for path in report.files[1:])
    typer.echo(f"  beside it: {others}")


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


def quiet_library_logs() -> None:
    """Our warnings are printed in the report; keep Python's last-resort handler from printing them a second time."""
    logging.getLogger("face_mirror_au").addHandler(logging.NullHandler())
