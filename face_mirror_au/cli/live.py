"""`face-mirror-au live`: action units of a camera as they come."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from face_mirror_au.cli import options
from face_mirror_au.cli.live_line import live_line, stop_on_signals
from face_mirror_au.cli.measure_options import ModelOptions, with_options
from face_mirror_au.cli.terminal import ExitCode, one_line_errors, print_error, say
from face_mirror_au.errors import CameraError, UsageError, VideoError

if TYPE_CHECKING:
    from face_mirror_au.live.cameras import Camera
    from face_mirror_au.live.newest import Pictures
    from face_mirror_au.live.session import LiveCounts, LiveSession
    from face_mirror_au.pipeline.model_set import ModelPlan
    from face_mirror_au.run.settings import RunSettings

AUTO_VIEWS = "auto"

CameraNumber = Annotated[int | None, typer.Option("--camera", metavar="N", help="Which camera, from 0. Default: 0.")]
InputFile = Annotated[Path | None, typer.Option("--input", metavar="FILE", help="Play this video in real time instead of a camera.")]
EveryFrame = Annotated[bool, typer.Option("--every-frame", help="With --input: measure every frame, as fast as it goes; drop none.")]
NoPreview = Annotated[bool, typer.Option("--no-preview", help="No window. Without this there is one, where there is a display.")]
LiveViews = Annotated[
    str,
    typer.Option(
        help="original, or original,left,right. auto: the original alone where the AU models tell its sides apart (profile open), else all."
    ),
]


@dataclass(frozen=True)
class _Target:
    """Where the files go, and what is said of the session."""

    folder: Path
    stem: str
    kind: str
    policy: str
    device: dict[str, object] = field(default_factory=dict)

    def path(self, ending: str) -> Path:
        return self.folder / f"{self.stem}{ending}"


@one_line_errors
@with_options(ModelOptions)
def live(
    given: ModelOptions,
    camera: CameraNumber = None,
    input_: InputFile = None,
    output_dir: options.OutputDir = None,
    every_frame: EveryFrame = False,
    no_preview: NoPreview = False,
    views: LiveViews = AUTO_VIEWS,
    max_side: options.MaxSide = 1280,
    flipped_input: options.Flipped = False,
    subject: options.Subject = None,
) -> None:
    """Measure a camera as it runs. All values are PROVISIONAL: compared with the neutral face known by then.

    The newest picture wins: pictures that come while one is measured are dropped, counted, and missing in the table's frame numbers. The
    table, <stem>.live.csv, grows row by row; no picture is stored. Ctrl-C, or q or Esc in the window, ends the session.

    Exit codes: 0 ended by you or by the end of the file; 1 the camera could not be opened or has gone (the table is kept); 2 wrong usage;
    3 the file could not be decoded to its end; 143 stopped by SIGTERM; 129 the terminal was closed.
    """
    _check(camera, input_, every_frame=every_frame, subject=subject)
    from face_mirror_au.files import check_output_name
    from face_mirror_au.live.cameras import PlayedFile, WebCamera
    from face_mirror_au.live.files import free_stem
    from face_mirror_au.live.session import EVERY, NEWEST, LiveSession
    from face_mirror_au.results.names import LONGEST_ENDING

    placed = given.choose()
    plan = placed.plan
    for message in plan.warnings if not given.quiet else ():
        print_error(message, "warning", "yellow")
    settings = given.settings(flipped_input=flipped_input, max_side=max_side, views=options.parse_views(_views(views, plan)))
    source: Camera = WebCamera(camera or 0) if input_ is None else PlayedFile(input_, real_time=not every_frame)
    session = LiveSession(plan, settings, options.drawing(video=False, preview=not no_preview, quiet=given.quiet))
    stem = subject or source.name
    check_output_name(stem, LONGEST_ENDING)
    folder = (output_dir or options.DEFAULT_FOLDER) / stem
    target = _Target(
        folder, free_stem(folder, stem), "camera" if input_ is None else "file", EVERY if every_frame else NEWEST, dict(placed.metadata)
    )
    raise typer.Exit(_run(session, source, plan, settings, target, quiet=given.quiet))


def _check(camera: int | None, input_: Path | None, *, every_frame: bool, subject: str | None) -> None:
    if camera is not None and input_ is not None:
        raise UsageError("give either --camera N or --input FILE, not both")
    if camera is not None and camera < 0:
        raise UsageError(f"--camera must be 0 or more, not {camera}")
    if every_frame and input_ is None:
        raise UsageError("--every-frame is for --input FILE: a camera does not wait")
    options.check_subject(subject)


def _views(asked: str, plan: ModelPlan) -> str:
    """The views to measure: left and right must come from somewhere."""
    if asked != AUTO_VIEWS:
        return asked
    return "original" if plan.au_models.has_sides else "original,left,right"


def _run(session: LiveSession, camera: Camera, plan: ModelPlan, settings: RunSettings, target: _Target, *, quiet: bool) -> ExitCode:
    """The session, its files, and what is said of it."""
    from face_mirror_au.files import make_output_folder
    from face_mirror_au.live.files import DICTIONARY, RECORD, TABLE, LiveLog
    from face_mirror_au.live.newest import EveryPicture, NewestPictures
    from face_mirror_au.live.record import write_dictionary, write_record
    from face_mirror_au.live.session import EVERY

    make_output_folder(target.folder)
    session.start()
    bank, code = session.bank, ExitCode.OK
    if not quiet:
        say(f"profile {plan.profile} ({plan.reason}); {target.policy}; PROVISIONAL values; Ctrl-C ends")
    with ExitStack() as closing:
        log = closing.enter_context(LiveLog(target.path(TABLE), sides=bank.has_sides))
        write_dictionary(target.path(DICTIONARY), target.path(TABLE).name, plan, bank)
        stop = closing.enter_context(stop_on_signals())
        closing.enter_context(live_line(session, shown=not quiet))
        pictures: Pictures = EveryPicture(camera) if target.policy == EVERY else NewestPictures(camera)
        try:
            session.run(camera, pictures, log.append, stop.reason)
        except (CameraError, VideoError) as error:
            problem, code = str(error), ExitCode.FAILED
    write_record(
        target.path(RECORD),
        plan,
        settings,
        camera,
        session.counts,
        kind=target.kind,
        policy=target.policy,
        device=target.device,
        files=[TABLE, DICTIONARY, RECORD],
    )
    if not quiet:
        _summary(session.counts, target.path(TABLE))
    if code is ExitCode.FAILED:
        print_error(f"{problem}; the rows measured so far are in {target.path(TABLE)}")
        return code
    for line in camera.problems:
        print_error(line, "partial", "yellow")
    return stop.exit_code or (ExitCode.PARTIAL if camera.problems else code)


def _summary(counts: LiveCounts, table: Path) -> None:
    failed = "; ".join(f"{count} x {reason}" for reason, count in counts.failed.most_common())
    say(
        f"{counts.seen} frames seen: {counts.measured} measured, {counts.failed.total()} failed{f' ({failed})' if failed else ''}, "
        f"{counts.dropped} dropped; {counts.rate:.1f} frames/s over {counts.seconds:.1f} s; ended by {counts.ended}"
    )
    for warning in counts.warnings:
        print_error(warning, "warning", "yellow")
    say(f"  PROVISIONAL values: {table}")
