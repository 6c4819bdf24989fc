"""`face-mirror-au host`: the Face Mirror application, with action units logged while it mirrors."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer

from face_mirror_au.cli import options
from face_mirror_au.cli.measure_options import ModelOptions, with_options
from face_mirror_au.cli.terminal import ExitCode, error_console, one_line_errors, print_error, say

if TYPE_CHECKING:
    from face_mirror_au.integrations.face_mirror import HostPlugin
    from face_mirror_au.loop.launch import StartMethod

# The application has six busy threads of its own.
_SHARE_OF_CORES = 2

AppDir = Annotated[Path, typer.Argument(metavar="APP_DIR", help="The folder of Face Mirror that holds its main.py.")]
HostWait = Annotated[
    float, typer.Option("--host-wait", help="Seconds that the application waits for the workers before a row stays empty.")
]
HostOnly = Annotated[
    bool,
    typer.Option(
        "--host-landmarks-only",
        help="Leave a row empty where the application's landmarks fail, instead of trying our own detector and landmark model.",
    ),
]
Check = Annotated[bool, typer.Option("--check", help="Say what is there, what binds and what is missing; start nothing.")]
Anyway = Annotated[bool, typer.Option("--anyway", help="Start the application even when it is of no form that the plugin knows.")]


@dataclass(frozen=True, kw_only=True)
class HostOptions(ModelOptions):
    """With what the application's faces are measured."""

    models: options.Models = "dynamic"
    static_columns: options.StaticColumns = False
    fill_gaps: options.FillGaps = 0


@one_line_errors
@with_options(HostOptions)
def host(
    given: HostOptions,
    app_dir: AppDir,
    mirror_landmarks: options.MirrorLandmarks = "locate",
    workers: options.Workers = None,
    start_method: options.StartMethodOption = None,
    host_wait: HostWait = 10.0,
    host_landmarks_only: HostOnly = False,
    check: Check = False,
    anyway: Anyway = False,
) -> None:
    """Start Face Mirror with this plugin: its two AU tables are ready when its mirrored videos are.

    Nothing of the application is edited. Everything else goes to "Face Mirror AU" beside its own output folders.
    """
    from face_mirror_au.integrations.forms import UnknownFormError, recognise

    if check:
        _check(given, app_dir)
    try:
        form = str(recognise(app_dir))
    except UnknownFormError as error:
        if not anyway or not (app_dir / "main.py").is_file():
            raise
        form = "a form that is not known"
        print_error(str(error), "warning", "yellow")
    # The application logs everything down to DEBUG to a file of its own, which our details would fill.
    for package in ("face_mirror_au", "face_mirror_hooks"):
        logging.getLogger(package).setLevel(logging.INFO)
    # Before the application, and all that it brings, is imported.
    count = options.worker_count(workers) if workers is not None else max(1, options.worker_count(None) // _SHARE_OF_CORES)
    nursery = options.start_nursery(count, start_method)
    try:
        from face_mirror_au.integrations.face_mirror import HostPlugin, run_application
        from face_mirror_au.integrations.host_runner import HostRunner
        from face_mirror_au.pipeline.views import MirrorSettings

        method = cast("StartMethod | None", start_method)
        settings = given.settings(
            mirror=MirrorSettings(mirror_landmarks),
            workers=count,
            start_method=method,
            static_columns=given.static_columns,
            fill_gaps=given.fill_gaps,
        )
        placed = given.choose(start_method)
        for message in placed.plan.warnings if not given.quiet else ():
            print_error(message, "warning", "yellow")
        if placed.must_start == "spawn" and nursery is not None:
            nursery.close()
            nursery = None
        runner = HostRunner(
            placed.plan,
            settings,
            nursery=nursery,
            must_start=placed.must_start,
            device_metadata=placed.metadata,
            or_ours=not host_landmarks_only,
        )
        with runner:
            listening = HostPlugin(runner, host_wait)
            started = runner.loop.start_method  # the workers start here
            if not given.quiet:
                error_console().print(f"Face Mirror, {form}; {count} workers ({started}); profile {placed.plan.profile}", highlight=False)
            try:
                run_application(app_dir, listening)
            finally:
                listening.close()
                _report(listening, quiet=given.quiet)
    finally:
        if nursery is not None:
            nursery.close()


def _check(given: HostOptions, app_dir: Path) -> NoReturn:
    """Print what there is; ends with exit code 0 when the plugin can work there, else 1."""
    from face_mirror_au.errors import WeightsError
    from face_mirror_au.integrations.checks import check_application
    from face_mirror_au.pipeline.model_set import plan_models

    check = check_application(app_dir)
    try:
        plan = plan_models(options.open_store(given.weights), given.profile, given.models, given.au_bank)
        check.lines.append(f"AU models: profile {plan.profile} ({plan.reason})")
    except WeightsError as error:
        check.lines.append(f"AU models: {error}")
        check.problems.append("model files are missing")
    check.lines.append(f"not ready: {'; '.join(check.problems)}" if check.problems else "ready: start it without --check")
    for line in check.lines:
        say(line)
    raise typer.Exit(ExitCode.FAILED if check.problems else ExitCode.OK)


def _report(listening: HostPlugin, *, quiet: bool) -> None:
    from face_mirror_au.integrations.face_mirror import report_lines

    for line in report_lines(listening) if not quiet else ():
        say(line, err=True)
