"""Options that several commands share."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from face_mirror_au.cli.terminal import print_error
from face_mirror_au.errors import NoDisplayError, UsageError
from face_mirror_au.files import check_plain_name

if TYPE_CHECKING:
    from face_mirror_au.loop.launch import StartMethod
    from face_mirror_au.loop.nursery import Nursery
    from face_mirror_au.overlay.drawing import Drawing
    from face_mirror_au.records import View
    from face_mirror_weights import Store

DEFAULT_FOLDER = Path("face-mirror-au-output")
# More do not help: the parent decodes, and it is one.
MAX_DEFAULT_WORKERS = 8
START_METHODS = ("fork", "spawn")
# `--help` lists the options of a command by what they are for, in this order.
PANELS = ("Files", "Models", "Measuring", "Mirrored views", "Workers and devices", "Plugins", "Screen")
_files, _models, _method, _views, _machine, _plugins, _screen = (partial(typer.Option, rich_help_panel=panel) for panel in PANELS)

Videos = Annotated[
    list[Path],
    typer.Argument(
        metavar="VIDEO...",
        help="Videos, images, or folders of images. A folder of images is one recording of one person, in order of the names.",
    ),
]
OutputDir = Annotated[
    Path | None,
    _files("-o", "--output-dir", metavar="DIR", help=f"Files go to DIR/<stem>/. Default: {DEFAULT_FOLDER}/"),
]
Output = Annotated[
    Path | None,
    _files("--output", metavar="FILE.csv", help="The table of one video goes to this file, all others beside it."),
]
Profile = Annotated[
    str,
    _models(help="Model set: auto, open, hybrid, openface, openface-pfld. auto takes the best one whose files are there, and says which."),
]
Models = Annotated[
    str,
    _models(help="dynamic: compared with the recording's own neutral face. static: not. auto: static for a single image, else dynamic."),
]
StartTime = Annotated[str | None, _method("--start", metavar="TIME", help="Begin at this time of the recording: seconds, or h:mm:ss.")]
EndTime = Annotated[str | None, _method("--end", metavar="TIME", help="Stop before this time of the recording.")]
Every = Annotated[
    int,
    _method(help="Of the frames, measure the first and every so many after it. Fast movements are lost, and smoothing spans more time."),
]
FramesPerSecond = Annotated[float | None, _method("--fps", help="Of a folder of images: how many there are in a second.")]
Timestamps = Annotated[
    str,
    _method(help="Times in the tables: zero (from the first frame), container (as the file counts: beside sound and annotations)."),
]
MaxFrames = Annotated[int | None, _method(help="Stop after so many frames.")]
Format = Annotated[str, _files("--format", help="openface, minimal (19 columns), face-mirror; parquet (openface's columns, exact).")]
Columns = Annotated[
    str | None,
    _files(
        help="Column groups of openface and parquet: any of gaze,eye_landmarks,pose,landmarks,landmarks3d,shape,eyes,lengths,"
        "regions,aus. Default: all."
    ),
]
StaticColumns = Annotated[
    bool,
    _method("--static-columns", help="With --format face-mirror: 17 columns AUxx_r_static more, by models without a neutral face."),
]
FillGaps = Annotated[
    int,
    _method(
        "--fill-gaps",
        help="With --format face-mirror: 1 fills a single missing frame with the mean of its neighbours. success stays False.",
    ),
]
Strict = Annotated[
    bool,
    _method("--openface-strict", help="Failed frames as OpenFace writes them: zeros that take part in smoothing."),
]
DetectEvery = Annotated[int, _method(help="Look for faces anew every so many frames; tracked in between.")]
MaxSide = Annotated[int, _method(help="Detection sees frames scaled down to this long side, in pixels.")]
Flipped = Annotated[
    bool,
    _method("--flipped-input", help="The recording is a mirror image (selfie camera): swap left and right back."),
]
Subject = Annotated[str | None, _files(metavar="LABEL", help="Name outputs LABEL instead of the video's name.")]
Weights = Annotated[Path | None, _models("--weights", metavar="DIR", help="Look for model files in this folder first.")]
AsJson = Annotated[bool, _screen("--json", help="Print the summary as JSON on stdout.")]
Quiet = Annotated[bool, _screen("--quiet", help="Print only errors, and why a result is empty or not whole.")]
Views = Annotated[
    str,
    _views(help="Pictures of the face to measure: original, or original,left,right (the subject's sides, each mirrored)."),
]
MirrorLandmarks = Annotated[
    str,
    _views(help="Landmarks of mirrored pictures: locate (run the model on them), or reflect (profile hybrid only)."),
]
Redetect = Annotated[bool, _views("--redetect", help="Detect the face on each mirrored picture, too. For comparison.")]
BaselineOption = Annotated[
    str,
    _method(
        "--baseline",
        help="What is no movement: own (each view's), shared (the original's), neutral:START-END (seconds), or result:FOLDER (the rest in "
        "another recording's result, of the same person).",
    ),
]
Workers = Annotated[
    int | None,
    _machine(help=f"Processes. Default: one for each core, at most {MAX_DEFAULT_WORKERS}; 0: none."),
]
StartMethodOption = Annotated[
    str | None,
    _machine("--start-method", help="How workers start: fork or spawn. Default: fork where there is one."),
]
Device = Annotated[
    str,
    _machine(help="Where the networks run: auto, cpu, coreml, cuda. auto measures once and takes the faster."),
]
Bank = Annotated[
    Path | None,
    _models("--au-bank", metavar="FILE.npz", help="Another open AU bank than the one that comes with this program; profile open."),
]
NoReport = Annotated[
    bool,
    _files("--no-report", help="No report page. Without this, a run that measures both mirrored sides writes one."),
]
KeepDescriptors = Annotated[
    bool,
    _files(
        "--keep-descriptors",
        help="Also keep what final values are made from (21 KB a frame and view): then `recover` makes a result of a run that was stopped.",
    ),
]
WriteVideos = Annotated[bool, _files("--mirrored-videos", help="Also write the mirrored views as videos.")]
Overlay = Annotated[
    bool,
    _files("--overlay", help="Also write <stem>.overlay.mp4: landmarks, bars of left and right, head pose. Provisional values."),
]
Preview = Annotated[
    bool,
    _screen("--preview", help="Show the overlay in a window while the video runs; q or Esc closes it, and the run goes on."),
]
Plugins = Annotated[
    list[str] | None,
    _plugins(
        "--plugin", metavar="FILE.py|MODULE[:OBJECT]", help="A further plugin: a file, or a module that is installed or in this folder."
    ),
]
Blocked = Annotated[list[str] | None, _plugins("--block-plugin", metavar="NAME", help="A plugin that shall not run.")]


def open_store(weights: Path | None) -> Store:
    """The model store of `--weights`. Raises WeightsError when that folder is not there."""
    from face_mirror_weights import Store

    return Store.default(weights, origin="--weights")


def check_subject(subject: str | None) -> None:
    """Raise UsageError when `--subject` is no plain name."""
    if subject is not None:
        check_plain_name(subject)


def worker_count(workers: int | None) -> int:
    """The number of workers asked for, or the default for this machine."""
    if workers is None:
        return min(os.cpu_count() or 1, MAX_DEFAULT_WORKERS)
    if workers < 0:
        raise UsageError(f"--workers must be 0 or more, not {workers}")
    return workers


# What takes long to import, and what workers need of it.
PRELOAD = (
    "cv2",
    "onnxruntime",
    "onnx",
    "face_mirror_au.loop.hook_task",
    "face_mirror_au.run.own_plugins",
    "face_mirror_au.models.pfld",
)


def start_nursery(workers: int, start_method: str | None) -> Nursery | None:
    """Fork the nursery, before anything heavy is imported; None where workers are spawned or there are none.

    Raises
    ------
    UsageError
        For a start method that does not exist here.
    """
    if start_method is not None and start_method not in START_METHODS:
        raise UsageError(f"--start-method must be fork or spawn, not {start_method!r}")
    if not hasattr(os, "fork"):
        if start_method == "fork":
            raise UsageError("there is no fork on this system; leave --start-method out")
        return None
    if workers == 0:
        return None
    from face_mirror_au.loop.launch import choose_start_method
    from face_mirror_au.loop.nursery import Nursery

    return Nursery.start(PRELOAD) if choose_start_method(cast("StartMethod | None", start_method)) == "fork" else None


def drawing(*, video: bool, preview: bool, quiet: bool = False) -> Drawing:
    """What is drawn in a run. Where no window can be opened, that is told in one line, and there is none."""
    from face_mirror_au.overlay.drawing import Drawing
    from face_mirror_au.overlay.window import check_display

    if preview:
        try:
            check_display()
        except NoDisplayError as error:
            preview = False
            if not quiet:
                print_error(f"{error}; going on without it", "warning", "yellow")
    return Drawing(video=video, preview=preview)


def parse_views(text: str) -> tuple[View, ...]:
    """Read ``original,left,right``. Raises UsageError."""
    from face_mirror_au.run.settings import views_of

    return views_of(part.strip() for part in text.split(","))
