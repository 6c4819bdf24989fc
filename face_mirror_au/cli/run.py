"""`face-mirror-au run` and `face-mirror-au mirror`: videos in, action units and mirrored videos out."""

from __future__ import annotations

import logging
from pathlib import Path

from face_mirror_au.cli import options
from face_mirror_au.cli.measure_options import ALL_VIEWS, MeasureOptions, starting, with_options
from face_mirror_au.cli.terminal import one_line_errors


@one_line_errors
@with_options(MeasureOptions)
def run(
    given: MeasureOptions,
    videos: options.Videos,
    output_dir: options.OutputDir = None,
    output: options.Output = None,
    views: options.Views = "original",
    subject: options.Subject = None,
    write_videos: options.WriteVideos = False,
    overlay: options.Overlay = False,
    preview: options.Preview = False,
) -> None:
    """Measure the action units of videos.

    Exit codes: 0 all done; 1 a video failed; 2 wrong usage; 3 done, but a video could not be decoded to its end, was changed meanwhile, has
    no face in any frame, or its overlay or report page could not be written; 130 interrupted; 143 stopped by SIGTERM; 129 the terminal was
    closed. What was measured before an error or a stop stays in <stem>.unfinished/, for `recover`. An earlier result of the same name is
    replaced as a whole, when the new one is whole.
    """
    _measure(given, videos, output_dir, output, views, subject, write_videos=write_videos, overlay=overlay, preview=preview)


@one_line_errors
@with_options(MeasureOptions)
def mirror(
    given: MeasureOptions,
    videos: options.Videos,
    output_dir: options.OutputDir = None,
    subject: options.Subject = None,
    overlay: options.Overlay = False,
    preview: options.Preview = False,
) -> None:
    """Write the left- and right-mirrored videos, and the action units of original, left and right in the same pass.

    <stem>_left_mirrored.mp4 shows the subject's left half twice. Timestamps and frame count are the source's; sound is left out.
    """
    _measure(given, videos, output_dir, None, ALL_VIEWS, subject, write_videos=True, overlay=overlay, preview=preview)


def _measure(
    given: MeasureOptions,
    videos: list[Path],
    output_dir: Path | None,
    output: Path | None,
    views: str,
    subject: str | None,
    *,
    write_videos: bool,
    overlay: bool,
    preview: bool,
) -> None:
    with starting(given) as start:
        from face_mirror_au.cli.measure import measure_all, output_plans

        settings = start.settings(views)
        plans = output_plans(videos, output_dir, output, given.format_, given.columns, subject)
        for plan in plans:
            plan.check()
        with start.runner(settings, overlay=overlay, preview=preview) as runner:
            measure_all(
                runner,
                videos,
                plans,
                write_videos=write_videos,
                report=not given.no_report,
                keep_descriptors=given.keep_descriptors,
                as_json=given.as_json,
                quiet=given.quiet,
            )


def quiet_library_logs() -> None:
    """Our warnings are printed in the report; keep Python's last-resort handler from printing them a second time."""
    logging.getLogger("face_mirror_au").addHandler(logging.NullHandler())
    logging.getLogger("face_mirror_hooks").addHandler(logging.NullHandler())
    logging.getLogger("matplotlib").addHandler(logging.NullHandler())  # that it builds its list of fonts is no news
