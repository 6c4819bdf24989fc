"""From a recording to its result: measured, its files made in a work folder, and put in their place when all are there.

The last step of every way to a result: `run`, `mirror`, `batch`, the API, and the application's loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from face_mirror_au.errors import FaceMirrorAUError, OutputError, UsageError
from face_mirror_au.files import READ_AND_WRITE, display_name
from face_mirror_au.media.mirrored_video import MirroredVideos
from face_mirror_au.media.source import SourceInfo
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.records import Frame, View
from face_mirror_au.results.descriptors import DescriptorLog
from face_mirror_au.results.earlier import read_metadata
from face_mirror_au.results.face_mirror_folder import recording_beside
from face_mirror_au.results.names import ASYMMETRY, DESCRIPTORS, ONLINE, OVERLAY, REPORT
from face_mirror_au.results.publish import bring_tables_of_persons
from face_mirror_au.results.work_folder import WorkFolder
from face_mirror_au.run.measuring import OnlineOfViews
from face_mirror_au.run.outputs import HOST_TABLES, OutputPlan, header_of, write_all
from face_mirror_au.run.protocols import PageWriter, Sink
from face_mirror_au.run.recordings import Recording
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.video_result import VideoResult
from face_mirror_au.tables.formats import FACE_MIRROR
from face_mirror_au.tables.raw_log import OnlineLog
from face_mirror_au.tables.table_format import TableFormat
from face_mirror_hooks.records import FrameResult

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

    def tell(self, runner: VideoRunner, result: VideoResult) -> None:
        """Take in what came out."""
        self.lines = {view.value: result.reconciliation(view) for view in result.tables} or {"original": result.reconciliation()}
        self.failed = {view.value: sum(counts.values()) for view, counts in result.failures.items()}
        self.frames, self.worker_losses = result.decoded, len(result.losses)
        self.warnings = [warning for warning in result.warnings if warning not in runner.plan.warnings]
        if result.losses:
            self.warnings.append(f"{len(result.losses)} workers were lost and replaced, their frames done again; the metadata say more")
        self.models = result.models if result.tables else None
        missing = runner.plan.left_empty(result.models) if result.tables else ()
        self.notes = [*result.notes, *([f"left empty by these AU models: {', '.join(missing)}"] if missing else [])]
        drawn = runner.drawing.problems if runner.drawing is not None else []
        self.problems = [*result.problems, *result.empty_tables, *drawn]


def _nothing(*_: object) -> None:
    """Where nobody listens."""


def _no_tables(_: OutputPlan) -> tuple[tuple[Path, TableFormat], ...]:
    return ()


def _no_more(_: VideoResult) -> dict[str, object]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a result holds beside its tables, and who listens while it is made.

    Attributes
    ----------
    videos : bool
        Also the mirrored views as videos.
    page : PageWriter or None
        Also the report page, where there are both mirrored views.
    descriptors : bool
        Also what final values can be made anew from.
    on_open : callable
        Called with how many frames are expected (None: nobody knows), when the input is open.
    on_advance : callable
        Called after each frame.
    more_tables : callable
        Called with the plan of the files in the making when all frames are there; writes more tables, and returns which file holds what.
    on_result : callable
        Called with the `VideoResult` as long as its rows are there; what it returns goes into the metadata.
    """

    videos: bool = False
    page: PageWriter | None = None
    descriptors: bool = False
    on_open: Callable[[int | None], None] = _nothing
    on_advance: Callable[[], None] = _nothing
    more_tables: Callable[[OutputPlan], Sequence[tuple[Path, TableFormat]]] = _no_tables
    on_result: Callable[[VideoResult], Mapping[str, object]] = _no_more


def deliver(
    runner: VideoRunner,
    recording: Recording,
    plan: OutputPlan,
    report: RecordingReport,
    wanted: Wanted,
    *,
    unique_in: Path | None = None,
) -> None:
    """Measure a recording, and put its files where the plan says.

    Parameters
    ----------
    runner : VideoRunner
    recording : Recording
    plan : OutputPlan
    report : RecordingReport
        Filled on the way, so that it tells what there is when this raises.
    wanted : Wanted
    unique_in : Path, optional
        See `WorkFolder`.

    Raises
    ------
    VideoError, OutputError, ModelRunError, WorkerError
    """
    plan.check()
    work = WorkFolder(plan.place, plan.typed_folder, unique_in=unique_in)
    try:
        with work:
            files = _Files(runner, recording, plan, report, wanted, work)
            with files, runner.run(recording, work.path, files) as result:
                written = files.complete(result)
            page = add_page(report, wanted.page, work.path, plan) if files.pages else []
            names = [path.name for path in (*written, *page)]
    except BaseException:
        report.page = None
        report.kept = work.kept
        report.files = [str(work.path / plan.place.name(ONLINE))] if work.kept else []
        raise
    report.files = [str(plan.csv.with_name(name)) for name in names]
    if len(runner.settings.views) > 1 and not plan.for_host:
        _suit_face_mirror(plan, report)
    runner.manager.after_result(plan.csv.parent, read_metadata(plan.csv) or {})
    report.warnings += sorted({str(failure) for failure in runner.manager.take_failures()})


def _suit_face_mirror(plan: OutputPlan, report: RecordingReport) -> None:
    """Beside its recording a result may be read by Face Mirror's next programs: its tables suit them, or they are warned of."""
    beside = recording_beside(plan.csv)
    if beside is None:
        return
    if plan.format == FACE_MIRROR.name:
        for view in HOST_TABLES:  # as the files that lie there, which another account may read
            plan.table(view).chmod(beside.stat().st_mode & READ_AND_WRITE)
    elif plan.csv.suffix == ".csv":
        report.warnings.append(
            f"'{display_name(plan.csv)}' lies beside '{display_name(beside)}': Face Mirror's next programs would take it for the table of "
            "one side, and their frames count from 0; for them add --format face-mirror, or choose another folder"
        )


class _Files(Sink):
    """The files of one result. Some grow frame by frame, the others are written by `complete`.

    A context manager: what is not complete at its end stays half made, for the work folder to keep or drop.
    """

    def __init__(
        self, runner: VideoRunner, recording: Recording, plan: OutputPlan, report: RecordingReport, wanted: Wanted, work: WorkFolder
    ) -> None:
        self._runner = runner
        self._recording = recording
        self._plan = plan
        self._made = plan.inside(work.path)
        self._report = report
        self._wanted = wanted
        self._work = work
        views = runner.settings.views if wanted.videos else ()
        self._mirrored: dict[View, Path] = {view: self._made.beside(f"_{view.value}.mp4") for view in views if view is not View.ORIGINAL}
        self.wants_pictures = bool(self._mirrored)
        self.pages: list[Path] = []
        self._closing = ExitStack()
        self._encoding = self._closing.enter_context(ExitStack())
        self._online: OnlineLog | None = None
        self._descriptors: DescriptorLog | None = None
        self._videos: MirroredVideos | None = None

    def __enter__(self) -> _Files:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._closing.__exit__(kind, error, traceback)

    def start(self, info: SourceInfo) -> None:
        """Open the files that grow."""
        runner, wanted, made, drawing = self._runner, self._wanted, self._made, self._runner.drawing
        _check_baseline(runner, info)
        videos = [*self._mirrored.values(), *([made.beside(OVERLAY)] if drawing is not None and drawing.writes_video else [])]
        self._report.replaces = self._plan.check_input(self._recording.path, [self._plan.csv.with_name(path.name) for path in videos])
        # Not before: an input that cannot be opened leaves nothing behind.
        self._work.begin()
        self._report.found = self._work.found
        self._online = self._closing.enter_context(OnlineLog(made.beside(ONLINE)))
        if wanted.descriptors:
            header = header_of(runner, made, info, self._recording, page=wanted.page is not None)
            geometry = runner.bank(runner.models_for(info)).n_features - HOG_SIZE
            self._descriptors = self._closing.enter_context(
                DescriptorLog(made.beside(DESCRIPTORS), header, runner.settings.views, geometry, given=runner.plan.follower is not None)
            )
        wanted.on_open(runner.settings.max_frames or info.frames_in(runner.settings.reading))
        if self._mirrored:
            self._videos = self._encoding.enter_context(MirroredVideos(self._mirrored, info))
        if drawing is not None:
            drawing.start(made.beside(OVERLAY), info)

    def append(self, frame: Frame | None, result: FrameResult, values: OnlineOfViews) -> None:
        """Add a frame."""
        if self._descriptors is not None:
            for view in result.views:
                if view.view in values:
                    self._descriptors.append(result.index, result.time_s, view)
        if self._online is not None:
            log_online(self._online, result, values)
        if self._videos is not None and frame is not None:
            self._videos.append(frame, result)
        self._report.frames = result.index + 1
        self._wanted.on_advance()

    def complete(self, result: VideoResult) -> list[Path]:
        """Write all other files but the report page. Returns all files, the table first."""
        self._encoding.close()
        made, drawing, wanted = self._made, self._runner.drawing, self._wanted
        drawn, drawing_notes = (drawing.finish(), drawing.notes) if drawing is not None else ([], [])
        videos = [*self._mirrored.values(), *drawn]
        notes = (*(self._videos.notes if self._videos is not None else ()), *drawing_notes)
        descriptors = [made.beside(DESCRIPTORS)] if made.beside(DESCRIPTORS).exists() else []
        if wanted.page is not None and len(result.tables) >= VIEWS_FOR_A_PAGE:
            self.pages = [made.beside(ending) for ending in (REPORT, ASYMMETRY)]
        online = made.beside(ONLINE)
        others, tables, more = [*videos, online, *descriptors], wanted.more_tables(made), wanted.on_result(result)
        written = write_all(result, made, self._runner, self._recording, notes, [*others, *self.pages], tables, more)
        self._report.tell(self._runner, result)
        return [*written, *others]


def log_online(log: OnlineLog, result: FrameResult, values: OnlineOfViews) -> None:
    """Write a frame's rows: one for each view that is measured."""
    for view in result.views:
        if view.view in values:
            log.append_result(result.index, result.time_s, view, values[view.view].raw)


def add_page(report: RecordingReport, write_page: PageWriter | None, folder: Path, plan: OutputPlan) -> list[Path]:
    """The report page's numbers, and the page itself in the report. The tables are whole without it: when it fails, it alone is missing."""
    if write_page is None:
        return []
    bring_tables_of_persons(plan.place, folder)
    try:
        page = write_page(folder, plan.csv.stem)
    except OutputError as error:
        report.problems.append(f"no report page: {error}")
        return []
    except FaceMirrorAUError as error:
        report.warnings.append(f"no report page: {error}")
        return []
    report.page = str(plan.csv.with_name(page.name))
    return [folder / plan.place.name(ASYMMETRY)]


def _check_baseline(runner: VideoRunner, info: SourceInfo) -> None:
    """Raise UsageError when the baseline's segment begins after the end of the recording, as far as that is known."""
    start, length = runner.settings.baseline.start_s, info.announced_s
    if length is not None and start > length:
        raise UsageError(
            f"the baseline segment {runner.settings.baseline} begins after the end of the recording, which lasts {length:.1f} s"
        )
