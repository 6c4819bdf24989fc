"""One recording with all its files: tables, metadata, mirrored videos, report page. What `run`, `mirror` and `batch` share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from face_mirror_au.errors import FaceMirrorAUError, UsageError
from face_mirror_au.io import asymmetry_csv
from face_mirror_au.io.earlier import OVERLAY
from face_mirror_au.io.mirror_video import MirroredVideos
from face_mirror_au.io.raw_log import OnlineLog
from face_mirror_au.outputs import write_all
from face_mirror_au.records import View

if TYPE_CHECKING:
    from face_mirror_au.io.source import SourceInfo
    from face_mirror_au.outputs import OutputPlan
    from face_mirror_au.pipeline.online import OnlineValues
    from face_mirror_au.records import Image
    from face_mirror_au.video_run import VideoResult, VideoRunner
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
        What was written; before the end, the online table alone.
    page : str or None
        The report page.
    replaced : bool
        Whether an earlier result was removed.
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
    replaced: bool = False
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
    on_open: Callable[[int | None], None] = _nothing,
    on_advance: Callable[[], None] = _nothing,
) -> None:
    """Measure a video, an image or an image folder, and write all its files.

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
    on_open : callable, optional
        Called with how many frames are expected (None: nobody knows), when an earlier result was removed.
    on_advance : callable, optional
        Called after each frame.

    Raises
    ------
    VideoError, OutputError, ModelRunError, WorkerError
    """
    folder = plan.prepare()
    online, drawing = plan.beside(".online.csv"), runner.drawing
    mirrored: dict[View, Path] = {
        view: plan.beside(f"_{view.value}.mp4") for view in runner.settings.views if view is not View.ORIGINAL and write_videos
    }
    writer: list[MirroredVideos] = []
    with ExitStack() as stack:
        logs: list[OnlineLog] = []
        writing = stack.enter_context(ExitStack())

        def on_start(info: SourceInfo) -> None:
            _check_baseline(runner, info)
            # Not before: an input that cannot be opened leaves an earlier result as it is.
            report.replaced = plan.replace_earlier(video, [*mirrored.values(), *([plan.beside(OVERLAY)] if drawing.video else [])])
            logs.append(stack.enter_context(OnlineLog(online)))
            report.files = [str(online)]
            on_open(runner.settings.max_frames or info.expected_frames)
            if mirrored:
                writer.append(writing.enter_context(MirroredVideos(mirrored, info)))
            drawing.start(plan.beside(OVERLAY), info)

        def on_row(index: int, time_s: float, result: ViewResult, values: OnlineValues) -> None:
            logs[0].append_result(index, time_s, result, values.raw)
            if result.view is View.ORIGINAL:
                report.frames = index + 1
                on_advance()

        def on_frame(image: Image, result: FrameResult) -> None:
            writer[0].append(image, result)

        result = stack.enter_context(
            runner.run(video, folder, label=plan.csv.stem, on_row=on_row, on_start=on_start, on_frame=on_frame if mirrored else None)
        )
        writing.close()
        videos = [*mirrored.values(), *drawing.finish()]
        notes = (*(writer[0].notes if writer else ()), *drawing.notes)
        others = [*videos, online, *_pages(plan, result, wanted=page)]
        written = write_all(result, plan, runner, video, notes, others)
        report.files = [str(path) for path in (*written, *videos, online)]
        _tell(report, runner, result)
    if _pages(plan, result, wanted=page):
        report.page = _write_page(folder, plan.csv.stem, video, report.warnings)


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


def _write_page(folder: Path, stem: str, recording: Path, warnings: list[str]) -> str | None:
    """The report page; its name. The tables are whole without it, so a page that cannot be made is a warning."""
    from face_mirror_au.report.write import write_report

    try:
        return str(write_report(folder, stem, recording=recording))
    except FaceMirrorAUError as error:
        warnings.append(f"no report page: {error}")
        return None
