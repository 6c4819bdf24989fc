"""`face-mirror-au run` and `face-mirror-au mirror`: videos in, action units and mirrored videos out."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, cast

from face_mirror_au.cli import options
from face_mirror_au.cli.terminal import one_line_errors, print_error, sigterm_like_ctrl_c

if TYPE_CHECKING:
    from face_mirror_au.loop.launch import StartMethod

ALL_VIEWS = "original,left,right"


@one_line_errors
def run(
    videos: options.Videos,
    output_dir: options.OutputDir = None,
    output: options.Output = None,
    profile: options.Profile = "auto",
    models: options.Models = "auto",
    views: options.Views = "original",
    baseline: options.BaselineOption = "own",
    max_frames: options.MaxFrames = None,
    format_: options.Format = "openface",
    columns: options.Columns = None,
    openface_strict: options.Strict = False,
    detect_every: options.DetectEvery = 30,
    max_side: options.MaxSide = 1280,
    flipped_input: options.Flipped = False,
    mirror_landmarks: options.MirrorLandmarks = "locate",
    redetect: options.Redetect = False,
    subject: options.Subject = None,
    workers: options.Workers = None,
    start_method: options.StartMethodOption = None,
    device: options.Device = "auto",
    plugin: options.Plugins = None,
    block_plugin: options.Blocked = None,
    weights: options.Weights = None,
    au_bank: options.Bank = None,
    no_report: options.NoReport = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    write_videos: options.WriteVideos = False,
    overlay: options.Overlay = False,
    preview: options.Preview = False,
) -> None:
    """Measure the action units of videos.

    Exit codes: 0 all done; 1 a video failed; 2 wrong usage; 3 done, but a video could not be decoded to its end, has no face in any
    frame, or its overlay could not be written; 130 interrupted; 143 stopped by SIGTERM. What was measured before an error or a stop
    stays in <stem>.online.csv. An earlier result of the same name is replaced as a whole.
    """
    count = options.worker_count(workers)
    nursery = options.start_nursery(count, start_method)
    with ExitStack() as closing:
        if nursery is not None:
            closing.callback(nursery.close)
        closing.enter_context(sigterm_like_ctrl_c())
        from face_mirror_au.cli.measure import measure_all, output_plans
        from face_mirror_au.pipeline.baseline import Baseline
        from face_mirror_au.pipeline.model_set import plan_models
        from face_mirror_au.pipeline.views import MirrorSettings
        from face_mirror_au.video_run import RunSettings, VideoRunner

        if format_ == "face-mirror" and views == "original":
            views = ALL_VIEWS
        settings = RunSettings(
            detect_every=detect_every,
            max_frames=max_frames,
            strict=openface_strict,
            flipped_input=flipped_input,
            max_side=max_side,
            views=options.parse_views(views),
            mirror=MirrorSettings(mirror_landmarks, redetect),
            baseline=Baseline.parse(baseline),
            workers=count,
            start_method=cast("StartMethod | None", start_method),
            device=device,
            plugins=tuple(plugin or ()),
            blocked=tuple(block_plugin or ()),
        )
        plans = output_plans(videos, output_dir, output, format_, columns, subject)
        for each in plans:
            each.check()
        plan = plan_models(options.open_store(weights), profile, models, au_bank)
        plan, must_start, device_metadata, messages = options.with_device(plan, device, start_method)
        for message in messages if not quiet else ():
            print_error(message, "device", "yellow")
        if must_start == "spawn" and nursery is not None:
            nursery.close()
            nursery = None
        drawing = options.drawing(video=overlay, preview=preview, quiet=quiet)
        with VideoRunner(
            plan, settings, nursery=nursery, must_start=must_start, device_metadata=device_metadata, drawing=drawing
        ) as runner:
            measure_all(runner, videos, plans, write_videos=write_videos, report=not no_report, as_json=as_json, quiet=quiet)


def mirror(
    videos: options.Videos,
    output_dir: options.OutputDir = None,
    profile: options.Profile = "auto",
    models: options.Models = "auto",
    baseline: options.BaselineOption = "own",
    max_frames: options.MaxFrames = None,
    format_: options.Format = "openface",
    openface_strict: options.Strict = False,
    detect_every: options.DetectEvery = 30,
    flipped_input: options.Flipped = False,
    mirror_landmarks: options.MirrorLandmarks = "locate",
    redetect: options.Redetect = False,
    subject: options.Subject = None,
    workers: options.Workers = None,
    start_method: options.StartMethodOption = None,
    device: options.Device = "auto",
    plugin: options.Plugins = None,
    block_plugin: options.Blocked = None,
    weights: options.Weights = None,
    au_bank: options.Bank = None,
    no_report: options.NoReport = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    overlay: options.Overlay = False,
    preview: options.Preview = False,
) -> None:
    """Write the left- and right-mirrored videos, and the action units of original, left and right in the same pass.

    <stem>_left_mirrored.mp4 shows the subject's left half twice. Timestamps and frame count are the source's; sound is left out.
    """
    run(
        videos=videos,
        output_dir=output_dir,
        profile=profile,
        models=models,
        views=ALL_VIEWS,
        baseline=baseline,
        max_frames=max_frames,
        format_=format_,
        openface_strict=openface_strict,
        detect_every=detect_every,
        flipped_input=flipped_input,
        mirror_landmarks=mirror_landmarks,
        redetect=redetect,
        subject=subject,
        workers=workers,
        start_method=start_method,
        device=device,
        plugin=plugin,
        block_plugin=block_plugin,
        weights=weights,
        au_bank=au_bank,
        no_report=no_report,
        as_json=as_json,
        quiet=quiet,
        write_videos=True,
        overlay=overlay,
        preview=preview,
    )


def quiet_library_logs() -> None:
    """Our warnings are printed in the report; keep Python's last-resort handler from printing them a second time."""
    logging.getLogger("face_mirror_au").addHandler(logging.NullHandler())
    logging.getLogger("face_mirror_hooks").addHandler(logging.NullHandler())
    logging.getLogger("matplotlib").addHandler(logging.NullHandler())  # that it builds its list of fonts is no news
