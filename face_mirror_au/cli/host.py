"""`face-mirror-au host`: the Face Mirror application, with action units logged while it mirrors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from face_mirror_au.cli import options
from face_mirror_au.cli.terminal import error_console, one_line_errors, print_error, say

if TYPE_CHECKING:
    from face_mirror_au.integrations.face_mirror import HostPlugin
    from face_mirror_au.loop.launch import StartMethod

# The application has six busy threads of its own.
_SHARE_OF_CORES = 2

AppDir = Annotated[Path, typer.Argument(metavar="APP_DIR", help="The folder of Face Mirror that holds its main.py.")]
HostWait = Annotated[
    float, typer.Option("--host-wait", help="Seconds that the application waits for the workers before a row stays empty.")
]
Anyway = Annotated[bool, typer.Option("--anyway", help="Start the application even when it is of no form that the plugin knows.")]


@one_line_errors
def host(
    app_dir: AppDir,
    profile: options.Profile = "auto",
    models: options.Models = "dynamic",
    baseline: options.BaselineOption = "own",
    detect_every: options.DetectEvery = 30,
    mirror_landmarks: options.MirrorLandmarks = "locate",
    workers: options.Workers = None,
    start_method: options.StartMethodOption = None,
    device: options.Device = "auto",
    host_wait: HostWait = 10.0,
    anyway: Anyway = False,
    plugin: options.Plugins = None,
    block_plugin: options.Blocked = None,
    weights: options.Weights = None,
    au_bank: options.Bank = None,
    quiet: options.Quiet = False,
) -> None:
    """Start Face Mirror with this plugin: its two AU tables are ready when its mirrored videos are.

    Nothing of the application is edited. Everything else goes to "Face Mirror AU" beside its own output folders.
    """
    from face_mirror_au.integrations.forms import UnknownFormError, recognise

    try:
        form = str(recognise(app_dir))
    except UnknownFormError as error:
        if not anyway or not (app_dir / "main.py").is_file():
            raise
        form = "a form that is not known"
        print_error(str(error), "warning", "yellow")
    # Before the application, and all that it brings, is imported.
    count = options.worker_count(workers) if workers is not None else max(1, options.worker_count(None) // _SHARE_OF_CORES)
    nursery = options.start_nursery(count, start_method)
    try:
        from face_mirror_au.integrations.face_mirror import HostPlugin, run_application
        from face_mirror_au.integrations.host_runner import HostRunner
        from face_mirror_au.pipeline.baseline import Baseline
        from face_mirror_au.pipeline.model_set import plan_models
        from face_mirror_au.pipeline.views import MirrorSettings
        from face_mirror_au.run.placing import place
        from face_mirror_au.run.settings import RunSettings
        from face_mirror_weights import Store

        settings = RunSettings(
            detect_every=detect_every,
            mirror=MirrorSettings(mirror_landmarks),
            baseline=Baseline.parse(baseline),
            workers=count,
            start_method=cast("StartMethod | None", start_method),
            device=device,
            plugins=tuple(plugin or ()),
            blocked=tuple(block_plugin or ()),
        )
        plan = plan_models(Store.default(weights), profile, models, au_bank)
        placed = place(plan, device, start_method)
        for message in (*plan.warnings, *placed.messages) if not quiet else ():
            print_error(message, "warning", "yellow")
        if placed.must_start == "spawn" and nursery is not None:
            nursery.close()
            nursery = None
        runner = HostRunner(placed.plan, settings, nursery=nursery, must_start=placed.must_start, device_metadata=placed.metadata)
        with runner:
            listening = HostPlugin(runner, host_wait)
            method = runner.loop.start_method  # the workers start here
            if not quiet:
                error_console().print(f"Face Mirror, {form}; {count} workers ({method}); profile {plan.profile}", highlight=False)
            try:
                run_application(app_dir, listening)
            finally:
                listening.close()
                _report(listening, quiet=quiet)
    finally:
        if nursery is not None:
            nursery.close()


def _report(listening: HostPlugin, *, quiet: bool) -> None:
    from face_mirror_au.integrations.face_mirror import report_lines

    for line in report_lines(listening) if not quiet else ():
        say(line, err=True)
