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

if TYPE_CHECKING:
    from face_mirror_au.loop.launch import StartMethod
    from face_mirror_au.loop.nursery import Nursery
    from face_mirror_au.run.runner import VideoRunner
    from face_mirror_au.run.settings import RunSettings

_Group = TypeVar("_Group")
_Own = ParamSpec("_Own")

ALL_VIEWS = "original,left,right"


@dataclass(frozen=True, kw_only=True)
class MeasureOptions:
    """How videos are measured. Each field is an option of the command line; `options` says what it means."""

    profile: options.Profile = "auto"
    models: options.Models = "auto"
    baseline: options.BaselineOption = "own"
    max_frames: options.MaxFrames = None
    format_: options.Format = "openface"
    columns: options.Columns = None
    openface_strict: options.Strict = False
    detect_every: options.DetectEvery = 30
    max_side: options.MaxSide = 1280
    flipped_input: options.Flipped = False
    mirror_landmarks: options.MirrorLandmarks = "locate"
    redetect: options.Redetect = False
    workers: options.Workers = None
    start_method: options.StartMethodOption = None
    device: options.Device = "auto"
    plugin: options.Plugins = None
    block_plugin: options.Blocked = None
    weights: options.Weights = None
    au_bank: options.Bank = None
    keep_descriptors: options.KeepDescriptors = False
    no_report: options.NoReport = False
    as_json: options.AsJson = False
    quiet: options.Quiet = False


def with_options(group: type[_Group]) -> Callable[[Callable[Concatenate[_Group, _Own], None]], Callable[..., None]]:
    """Give a command all options of `group`, a dataclass: it gets an instance of it as its first argument, its own options after that."""

    def decorate(command: Callable[Concatenate[_Group, _Own], None]) -> Callable[..., None]:
        shared = {field.name: field.default for field in fields(group)}  # type: ignore[arg-type]  # a dataclass, as the docstring says
        first, *own = inspect.signature(command).parameters.values()
        hints = {**get_type_hints(command, include_extras=True), **get_type_hints(group, include_extras=True)}
        del hints[first.name]
        parameters = [
            *(inspect.Parameter(each.name, each.KEYWORD_ONLY, default=each.default, annotation=hints[each.name]) for each in own),
            *(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=shared[name], annotation=hints[name]) for name in shared),
        ]

        @functools.wraps(command)
        def wrapped(**given: Any) -> None:
            taken = {name: given.pop(name, default) for name, default in shared.items()}
            cast("Callable[..., None]", command)(group(**taken), **given)

        wrapped.__annotations__ = hints
        wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
        return wrapped

    return decorate


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
        from face_mirror_au.pipeline.baseline import Baseline
        from face_mirror_au.pipeline.views import MirrorSettings
        from face_mirror_au.run.settings import RunSettings

        given = self.given
        return RunSettings(
            detect_every=given.detect_every,
            max_frames=given.max_frames,
            strict=given.openface_strict,
            flipped_input=given.flipped_input,
            max_side=given.max_side,
            views=options.parse_views(ALL_VIEWS if given.format_ == "face-mirror" and views == "original" else views),
            mirror=MirrorSettings(given.mirror_landmarks, given.redetect),
            baseline=Baseline.parse(given.baseline),
            workers=self.workers,
            start_method=cast("StartMethod | None", given.start_method),
            device=given.device,
            plugins=tuple(given.plugin or ()),
            blocked=tuple(given.block_plugin or ()),
        )

    def runner(self, settings: RunSettings, *, overlay: bool = False, preview: bool = False) -> VideoRunner:
        """The runner, with its models and device chosen; nothing is loaded yet.

        Raises
        ------
        UsageError, WeightsError, ModelFileError, PluginProblemError
        """
        from face_mirror_au.pipeline.model_set import plan_models
        from face_mirror_au.run.placing import place
        from face_mirror_au.run.runner import VideoRunner

        given = self.given
        plan = plan_models(options.open_store(given.weights), given.profile, given.models, given.au_bank)
        placed = place(plan, given.device, given.start_method)
        for message in placed.messages if not given.quiet else ():
            print_error(message, "device", "yellow")
        if placed.must_start == "spawn":
            self.close()
        drawing = options.drawing(video=overlay, preview=preview, quiet=given.quiet)
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
