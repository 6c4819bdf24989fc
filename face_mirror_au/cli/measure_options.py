"""The options of every command that measures videos, declared once, and what they start."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast, get_type_hints

from face_mirror_au.cli import options
from face_mirror_au.cli.terminal import print_error, stopped_by_signals
from face_mirror_au.errors import UsageError

if TYPE_CHECKING:
    from face_mirror_au.loop.launch import StartMethod
    from face_mirror_au.loop.nursery import Nursery
    from face_mirror_au.run.placing import Placed
    from face_mirror_au.run.runner import VideoRunner
    from face_mirror_au.run.settings import RunSettings

_Group = TypeVar("_Group")
_Own = ParamSpec("_Own")

ALL_VIEWS = "original,left,right"


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """With what faces of files, cameras and hosts are measured. Each field is an option; `options` says what it means."""

    profile: options.Profile = "auto"
    models: options.Models = "auto"
    baseline: options.BaselineOption = "own"
    detect_every: options.DetectEvery = 30
    device: options.Device = "auto"
    plugin: options.Plugins = None
    block_plugin: options.Blocked = None
    weights: options.Weights = None
    au_bank: options.Bank = None
    quiet: options.Quiet = False

    def settings(self, **more: Any) -> RunSettings:
        """How videos are run: these options and `more`. Raises UsageError."""
        from face_mirror_au.pipeline.baseline import Baseline
        from face_mirror_au.run.settings import RunSettings

        return RunSettings(
            detect_every=self.detect_every,
            baseline=Baseline.parse(self.baseline),
            device=self.device,
            plugins=tuple(self.plugin or ()),
            blocked=tuple(self.block_plugin or ()),
            **more,
        )

    def choose(self, start_method: str | None = None) -> Placed:
        """The models, and where they run; what the user should know of the devices is printed.

        Raises
        ------
        UsageError, WeightsError, ModelFileError
        """
        from face_mirror_au.pipeline.model_set import plan_models
        from face_mirror_au.run.placing import place

        plan = plan_models(options.open_store(self.weights), self.profile, self.models, self.au_bank)
        placed = place(plan, self.device, start_method)
        for message in placed.messages if not self.quiet else ():
            print_error(message, "device", "yellow")
        return placed


@dataclass(frozen=True, kw_only=True)
class MeasureOptions(ModelOptions):
    """How recordings are measured and what is written of them."""

    start: options.StartTime = None
    end: options.EndTime = None
    every: options.Every = 1
    fps: options.FramesPerSecond = None
    timestamps: options.Timestamps = "zero"
    max_frames: options.MaxFrames = None
    format_: options.Format = "openface"
    columns: options.Columns = None
    static_columns: options.StaticColumns = False
    fill_gaps: options.FillGaps = 0
    openface_strict: options.Strict = False
    max_side: options.MaxSide = 1280
    flipped_input: options.Flipped = False
    mirror_landmarks: options.MirrorLandmarks = "locate"
    redetect: options.Redetect = False
    workers: options.Workers = None
    start_method: options.StartMethodOption = None
    keep_descriptors: options.KeepDescriptors = False
    no_report: options.NoReport = False
    as_json: options.AsJson = False


def with_options(group: type[_Group]) -> Callable[[Callable[Concatenate[_Group, _Own], None]], Callable[..., None]]:
    """Give a command all options of `group`, a dataclass: it gets an instance of it as its first argument, its own options after that."""

    def decorate(command: Callable[Concatenate[_Group, _Own], None]) -> Callable[..., None]:
        shared = {field.name: field.default for field in fields(group)}  # type: ignore[arg-type]  # a dataclass, as the docstring says
        first, *own = inspect.signature(command).parameters.values()
        hints = {**get_type_hints(command, include_extras=True), **get_type_hints(group, include_extras=True)}
        del hints[first.name]
        defaults = {each.name: each.default for each in own} | shared
        parameters = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hints[name])
            for name, default in sorted(defaults.items(), key=lambda each: _panel(hints[each[0]]))
        ]

        @functools.wraps(command)
        def wrapped(**given: Any) -> None:
            taken = {name: given.pop(name, default) for name, default in shared.items()}
            cast("Callable[..., None]", command)(group(**taken), **given)

        wrapped.__annotations__ = hints
        wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
        return wrapped

    return decorate


def _panel(hint: Any) -> int:
    """Place of an option's panel in `--help`; arguments, and options without one, come first."""
    panel = hint.__metadata__[0].rich_help_panel
    return options.PANELS.index(panel) if panel in options.PANELS else -1


class Start:
    """What a command has before anything heavy is imported: the number of workers, and the nursery that will fork them.

    Parameters
    ----------
    given : MeasureOptions
    """

    def __init__(self, given: MeasureOptions) -> None:
        self.given = given
        self.workers = options.worker_count(given.workers)
        self._nursery: Nursery | None = options.start_nursery(self.workers, given.start_method)

    def close(self) -> None:
        """End the nursery."""
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def settings(self, views: str) -> RunSettings:
        """How videos are run. Raises UsageError."""
        from face_mirror_au.media.source import reading_of
        from face_mirror_au.pipeline.views import MirrorSettings

        given = self.given
        if given.format_ != "face-mirror" and (given.static_columns or given.fill_gaps):
            option = "--static-columns" if given.static_columns else "--fill-gaps"
            raise UsageError(
                f"{option} is for --format face-mirror, whose tables Face Mirror's next programs read; add that, or leave it out"
            )
        return given.settings(
            reading=reading_of(given.start, given.end, given.every, given.fps, given.timestamps),
            max_frames=given.max_frames,
            static_columns=given.static_columns,
            fill_gaps=given.fill_gaps,
            strict=given.openface_strict,
            flipped_input=given.flipped_input,
            max_side=given.max_side,
            views=options.parse_views(ALL_VIEWS if given.format_ == "face-mirror" and views == "original" else views),
            mirror=MirrorSettings(given.mirror_landmarks, given.redetect),
            workers=self.workers,
            start_method=cast("StartMethod | None", given.start_method),
        )

    def runner(self, settings: RunSettings, *, overlay: bool = False, preview: bool = False) -> VideoRunner:
        """The runner, with its models and device chosen; nothing is loaded yet.

        Raises
        ------
        UsageError, WeightsError, ModelFileError, PluginProblemError
        """
        from face_mirror_au.run.runner import VideoRunner

        placed = self.given.choose(self.given.start_method)
        if placed.must_start == "spawn":
            self.close()
        drawing = options.drawing(video=overlay, preview=preview, quiet=self.given.quiet)
        return VideoRunner(
            placed.plan,
            settings,
            nursery=self._nursery,
            must_start=placed.must_start,
            device_metadata=placed.metadata,
            drawing=drawing,
        )


@contextmanager
def starting(given: MeasureOptions) -> Iterator[Start]:
    """Fork the nursery, and let signals end the block as Ctrl-C does. To be called before anything heavy is imported.

    Raises
    ------
    UsageError
        For a number of workers or a start method that cannot be.
    """
    start = Start(given)
    with ExitStack() as closing:
        closing.callback(start.close)
        closing.enter_context(stopped_by_signals())
        yield start
