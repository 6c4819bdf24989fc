"""One recording with all its files: tables, metadata, mirrored videos, report page. What `run`, `mirror` and `batch` share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from face_mirror_au.errors import FaceMirrorAUError, OutputError, UsageError
from face_mirror_au.media.mirrored_video import MirroredVideos
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.records import View
from face_mirror_au.results.descriptors import DescriptorLog
from face_mirror_au.results.names import DESCRIPTORS, ONLINE, OVERLAY
from face_mirror_au.results.publish import bring_tables_of_persons
from face_mirror_au.results.work_folder import WorkFolder
from face_mirror_au.run.outputs import write_all
from face_mirror_au.run.recovery import header_of
from face_mirror_au.tables import asymmetry_csv
from face_mirror_au.tables.raw_log import OnlineLog

if TYPE_CHECKING:
    from face_mirror_au.media.source import SourceInfo
    from face_mirror_au.pipeline.online import OnlineValues
    from face_mirror_au.records import Image
    from face_mirror_au.run.outputs import OutputPlan
    from face_mirror_au.run.runner import VideoResult, VideoRunner
    from face_mirror_hooks.records import FrameResult, ViewResult

# A page compares the two mirrored views with the original.
VIEWS_FOR_A_PAGE = 3


@dataclass
class RecordingReport:
    """What is told about one recording; filled while it is measured.

    Attributes
    ----------
    video : str
        Name for messages.
    error : str or None
        Why it failed.
    frames : int
        Frames so far.
    lines, failed : mapping of str
        For each view by name: the reconciliation, and how many frames have no measurement.
    files : list of str
        What was written, the table first; of a run that did not reach its end what it left: the online table, or nothing.
    kept : str
        Of a run that did not reach its end: where what it measured is, and how to go on; empty when it measured nothing.
    page : str or None
        The report page.
    replaces : bool
        Whether there is an earlier result, which the whole new one replaces.
    found : list of str
        What an earlier run that was stopped had left, and what became of it.
    models : str or None
        "dynamic" or "static".
    notes, warnings, problems : list of str
        Harmless; to be told; why the result is not whole.
    worker_losses : int
    """

    video: str
    error: str | None = None
    frames: int = 0
    lines: dict[str, str] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    page: str | None = None
    kept: str = ""
    replaces: bool = False
    found: list[str] = field(default_factory=list)
    models: str | None = None
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    worker_losses: int = 0


def _nothing(*_: object) -> None:
    """Where nobody listens."""


def measure_recording(
    runner: VideoRunner,
    video: Path,
    plan: OutputPlan,
    report: RecordingReport,
    *,
    write_videos: bool,
    page: bool,
    keep_descriptors: bool = False,
    unique_in: Path | None = None,
    on_open: Callable[[int | None], None] = _nothing,
    on_advance: Callable[[], None] = _nothing,
) -> None:
    """Measure a video, an image or an image folder. Its files are made in a work folder, and come to their place when all are there.

    Parameters
    ----------
    runner : VideoRunner
    video : Path
    plan : OutputPlan
    report : RecordingReport
        Filled on the way, so that it tells what there is when this raises.
    write_videos : bool
        Also write the mirrored views as videos.
    page : bool
        Also write the report page, where there are both mirrored views.
    keep_descriptors : bool
        Also write what final values can be made anew from.
    unique_in : Path, optional
        See `WorkFolder`.
    on_open : callable, optional
        Called with how many frames are expected (None: nobody knows), when the input is open.
    on_advance : callable, optional
        Called after each frame.

    Raises
    ------
    VideoError, OutputError, ModelRunError, WorkerError
    """
    plan.check()
    work = WorkFolder(plan.place, plan.typed_folder, unique_in=unique_in)
    wanted = _Wanted(write_videos, page, keep_descriptors, on_open, on_advance)
    try:
        with work:
            names = _measure(runner, video, plan, report, work, wanted)
    except BaseException:
        report.page = None
        report.kept = work.kept
        report.files = [str(work.path / plan.place.name(ONLINE))] if work.kept else []
        raise
    report.files = [str(plan.csv.with_name(name)) for name in names]


@dataclass(frozen=True)
class _Wanted:
    """See `measure_recording`."""

    write_videos: bool
    page: bool
    descriptors: bool
    on_open: Callable[[int | None], None]
    on_advance: Callable[[], None]


def _measure(runner: VideoRunner, video: Path, plan: OutputPlan, report: RecordingReport, work: WorkFolder, wanted: _Wanted) -> list[str]:
    """Make all files in the work folder; their names, the table's first."""
    made, drawing = plan.inside(work.path), runner.drawing
    online = made.beside(ONLINE)
    mirrored: dict[View, Path] = {
        view: made.beside(f"_{view.value}.mp4") for view in runner.settings.views if view is not View.ORIGINAL and wanted.write_videos
    }
    writer: list[MirroredVideos] = []
    with ExitStack() as stack:
        logs: list[OnlineLog] = []
        kept: list[DescriptorLog] = []
        writing = stack.enter_context(ExitStack())

        def on_start(info: SourceInfo) -> None:
            _check_baseline(runner, info)
            videos = [*mirrored.values(), *([made.beside(OVERLAY)] if drawing.video else [])]
            report.replaces = plan.check_input(video, [plan.csv.with_name(path.name) for path in videos])
            # Not before: an input that cannot be opened leaves nothing behind.
            work.begin()
            report.found = work.found
            logs.append(stack.enter_context(OnlineLog(online)))
            if wanted.descriptors:
                kept.append(stack.enter_context(_descriptor_log(made, runner, info, video, page=wanted.page)))
            wanted.on_open(runner.settings.max_frames or info.expected_frames)
            if mirrored:
                writer.append(writing.enter_context(MirroredVideos(mirrored, info)))
            drawing.start(made.beside(OVERLAY), info)

        def on_row(index: int, time_s: float, result: ViewResult, values: OnlineValues) -> None:
            for stored in kept:
                stored.append(index, time_s, result)
            logs[0].append_result(index, time_s, result, values.raw)
            if result.view is View.ORIGINAL:
                report.frames = index + 1
                wanted.on_advance()

        def on_frame(image: Image, result: FrameResult) -> None:
            writer[0].append(image, result)

        result = stack.enter_context(
            runner.run(video, work.path, label=plan.csv.stem, on_row=on_row, on_start=on_start, on_frame=on_frame if mirrored else None)
        )
        writing.close()
        videos = [*mirrored.values(), *drawing.finish()]
        notes = (*(writer[0].notes if writer else ()), *drawing.notes)
        descriptors = [made.beside(DESCRIPTORS)] if made.beside(DESCRIPTORS).exists() else []
        pages = _pages(made, result, wanted=wanted.page)
        written = write_all(result, made, runner, video, notes, [*videos, online, *descriptors, *pages])
        _tell(report, runner, result)
    if pages:
        bring_tables_of_persons(plan.place, work.path)
        report.page = _write_page(work.path, plan, video, report)
    numbers = [made.beside(asymmetry_csv.ENDING)] if report.page else []
    return [path.name for path in (*written, *videos, online, *descriptors, *numbers)]


def _descriptor_log(plan: OutputPlan, runner: VideoRunner, info: SourceInfo, video: Path, *, page: bool) -> DescriptorLog:
    header = header_of(runner, plan, info, video, page=page)
    return DescriptorLog(plan.beside(DESCRIPTORS), header, runner.settings.views, runner.bank.n_features - HOG_SIZE)


def _check_baseline(runner: VideoRunner, info: SourceInfo) -> None:
    """Raise UsageError when the baseline's segment begins after the end of the recording, as far as that is known."""
    start, length = runner.settings.baseline.start_s, info.announced_s
    if length is not None and start > length:
        raise UsageError(
            f"the baseline segment {runner.settings.baseline} begins after the end of the recording, which lasts {length:.1f} s"
        )


def _tell(report: RecordingReport, runner: VideoRunner, result: VideoResult) -> None:
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
    report.problems = [*result.problems, *result.empty_tables, *runner.drawing.problems]


def _pages(plan: OutputPlan, result: VideoResult, *, wanted: bool) -> list[Path]:
    """The report page and its numbers, where there is something to compare."""
    from face_mirror_au.report.write import ENDING as REPORT_ENDING  # slow to import, and only needed at the end

    return [plan.beside(REPORT_ENDING), plan.beside(asymmetry_csv.ENDING)] if wanted and len(result.tables) >= VIEWS_FOR_A_PAGE else []


def _write_page(folder: Path, plan: OutputPlan, recording: Path, report: RecordingReport) -> str | None:
    """The report page; where it will be. The tables are whole without it, so one that cannot be written costs the page alone."""
    from face_mirror_au.report.write import write_report

    try:
        page = write_report(folder, plan.csv.stem, recording=recording)
    except OutputError as error:
        report.problems.append(f"no report page: {error}")
        return None
    except FaceMirrorAUError as error:
        report.warnings.append(f"no report page: {error}")
        return None
    return str(plan.csv.with_name(page.name))
