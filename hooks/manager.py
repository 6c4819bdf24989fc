"""Registers plugins and calls their hooks: one typed method for each hook, so that a host never makes an untyped call.

Implementations are called one by one and an exception of one does not stop the others; docs/hooks.md says what happens to it.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import pluggy

from face_mirror_hooks import specs
from face_mirror_hooks.errors import PluginContractError, PluginError, PluginNameError
from face_mirror_hooks.isolation import Isolation, read_only
from face_mirror_hooks.loading import PluginInfo, PluginRecipe, describe_transfer, find_entry_points, import_plugin, plugin_name
from face_mirror_hooks.markers import PROJECT
from face_mirror_hooks.records import (
    Detection,
    Face,
    Frame,
    FrameResult,
    Image,
    Located,
    OnlineValues,
    PluginFailure,
    SessionInfo,
    VideoInfo,
    VideoSummary,
    View,
    WorkerInfo,
    WorkerLoss,
)
from face_mirror_hooks.validation import check_description, check_detections, check_located

BUILT_IN = "built-in"
IMPORTED = "imported"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Answer(Generic[Result]):
    """The first result, and who gave it.

    Attributes
    ----------
    plugin : str
    value : Result
    """

    plugin: str
    value: Result


@dataclass(frozen=True, slots=True)
class WorkerPlugins:
    """What a spawned worker needs to make the same plugins. Can be pickled; holds no plugin.

    Attributes
    ----------
    recipes : tuple of PluginRecipe
        In the order in which the plugins were registered.
    """

    recipes: tuple[PluginRecipe, ...]

    def build(self) -> PluginManager:
        """Make the manager again, in this process. Raises PluginLoadError."""
        manager = PluginManager()
        for recipe in self.recipes:
            manager.adopt(recipe)
        return manager


class PluginManager:
    """The plugins of one run, in one process.

    Plugins are called last registered first; `tryfirst` and `trylast` of `hookimpl` move them. Register in a fixed order: built-in
    ones, then `load_entry_points`, then what the user names. Call `check_pending` when all are there.
    """

    def __init__(self) -> None:
        self._pluggy = pluggy.PluginManager(PROJECT)
        self._pluggy.add_hookspecs(specs)
        self._hooks = tuple(name for name in vars(specs) if self._pluggy.parse_hookspec_opts(specs, name) is not None)
        self._origins: dict[str, str] = {}
        self._references: dict[str, str] = {}
        self._blocked: set[str] = set()
        self._isolation = Isolation()
        self._failures: list[PluginFailure] = []
        # Parent: who gets no more hooks until the session or the video ends. Worker: who could not get ready for it.
        self._out_of_session: dict[str, PluginFailure] = {}
        self._out_of_video: dict[str, PluginFailure] = {}
        self._not_started: dict[str, PluginFailure] = {}
        self._not_ready: dict[str, PluginFailure] = {}

    # Which plugins there are

    def register(self, plugin: object, name: str, origin: str = BUILT_IN) -> None:
        """Add a module or an object. Does nothing when that name is blocked.

        Raises
        ------
        PluginNameError
            Another plugin has that name.
        PluginContractError
            It implements a hook with an argument that the hook does not have, or wraps a hook.
        """
        self._register(name, origin, lambda: plugin)

    def register_import(self, reference: str, name: str | None = None, origin: str = IMPORTED) -> None:
        """Add what `import_plugin` finds; its name is `plugin_name` of the reference unless another is given.

        Raises
        ------
        PluginLoadError
            It cannot be imported.
        PluginNameError, PluginContractError
            See `register`.
        """
        name = name or plugin_name(reference)
        self._register(name, origin, lambda: import_plugin(reference, name))
        self._references[name] = reference

    def load_entry_points(self) -> None:
        """Add what installed distributions declare in the entry-point group ``face_mirror``, by name. Raises as `register_import`."""
        for name, reference, origin in find_entry_points():
            self.register_import(reference, name, origin)

    def adopt(self, recipe: PluginRecipe) -> None:
        """Add a plugin that another process described. Raises PluginLoadError."""
        self._register(recipe.name, recipe.origin, recipe.make)

    def block(self, names: Iterable[str]) -> None:
        """Leave out the plugins of these names, registered or to come. Those to come are not even imported."""
        for name in names:
            self._blocked.add(name)
            self._pluggy.set_blocked(name)

    def check_pending(self) -> None:
        """Check, when all plugins are there, that all fit.

        Raises
        ------
        PluginNameError
            A blocked name is nobody's.
        PluginContractError
            A plugin implements a hook that does not exist.
        """
        known = ", ".join(sorted(self._origins)) or "none"
        for name in sorted(self._blocked - self._origins.keys()):
            raise PluginNameError(f"there is no plugin {name!r} to block; there are: {known}")
        for name in self._origins:
            for hook, implementation in self._implemented(name):
                if hook not in self._hooks and not implementation.optionalhook:
                    near = difflib.get_close_matches(hook, self._hooks, 1)
                    hint = f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(self._hooks)}"
                    raise PluginContractError(f"plugin {name} implements {hook!r}, which is no hook{hint}")

    def plugins(self) -> tuple[PluginInfo, ...]:
        """All plugins, blocked ones too, in the order in which they were registered."""
        listed = []
        for name, origin in self._origins.items():
            implemented = {hook for hook, _ in self._implemented(name)}
            listed.append(PluginInfo(name, origin, tuple(hook for hook in self._hooks if hook in implemented), name in self._blocked))
        return tuple(listed)

    def for_worker(self) -> WorkerPlugins:
        """Describe the plugins for a spawned worker. A forked one inherits this manager and needs none.

        Raises
        ------
        PluginTransferError
            A plugin is neither importable nor can it be pickled.
        """
        names = [name for name in self._origins if name not in self._blocked]
        return WorkerPlugins(
            tuple(describe_transfer(self._pluggy.get_plugin(name), name, self._origins[name], self._references.get(name)) for name in names)
        )

    def take_failures(self) -> tuple[PluginFailure, ...]:
        """What plugins raised in the parent's hooks since the last call, in order."""
        failures = tuple(self._failures)
        self._failures.clear()
        return failures

    # Hooks in the parent

    def before_session(self, session: SessionInfo) -> None:
        """Call `before_session`. Who raises is out until `after_session`."""
        self._out_of_session = {}
        self._out_of_video = {}
        self._out_of_session = self._broadcast("before_session", {"session": session})

    def after_session(self, session: SessionInfo) -> None:
        """Call `after_session` of every plugin, those that are out too: it is where they close what they opened."""
        self._out_of_session = {}
        self._out_of_video = {}
        self._broadcast("after_session", {"session": session})

    def before_video(self, video: VideoInfo) -> None:
        """Call `before_video`. Who raises is out of this video."""
        self._out_of_video = {}
        self._in_video("before_video", {"video": video})

    def after_video(self, video: VideoInfo, summary: VideoSummary) -> None:
        """Call `after_video`; of the plugins that are out of this video `on_video_error` instead."""
        out = self._out_of_video
        self._broadcast("after_video", {"video": video, "summary": summary}, skip=out)
        for name, failure in out.items():
            self._broadcast("on_video_error", {"video": video, "reason": str(failure)}, only=name)
        self._out_of_video = {}

    def after_result(self, folder: Path, metadata: Mapping[str, object]) -> None:
        """Call `after_result`."""
        self._broadcast("after_result", {"folder": folder, "metadata": metadata})

    def on_video_error(self, video: VideoInfo, reason: str) -> None:
        """Call `on_video_error`, of the plugins that are out of this video too."""
        self._broadcast("on_video_error", {"video": video, "reason": reason})
        self._out_of_video = {}

    def after_frame(self, result: FrameResult) -> None:
        """Call `after_frame`. Who raises is out of this video."""
        self._in_video("after_frame", {"result": result})

    def after_values(self, frame: FrameResult, values: Mapping[View, OnlineValues]) -> None:
        """Call `after_values`. Who raises is out of this video."""
        self._in_video("after_values", {"frame": frame, "values": values})

    def on_frame_error(self, index: int, time_s: float, reason: str) -> None:
        """Call `on_frame_error`. Who raises is out of this video."""
        self._in_video("on_frame_error", {"index": index, "time_s": time_s, "reason": reason})

    def on_worker_lost(self, loss: WorkerLoss) -> None:
        """Call `on_worker_lost`. Who raises is out of this video."""
        self._in_video("on_worker_lost", {"loss": loss})

    def draw_overlay(self, canvas: Image, result: FrameResult) -> None:
        """Call `draw_overlay`. What a plugin drew before it raised is taken back, and it is out of this video."""
        for implementation in self._implementations("draw_overlay"):
            before = canvas.copy()
            if self._in_video("draw_overlay", {"canvas": canvas, "result": result}, only=implementation.plugin_name):
                canvas[...] = before

    # Hooks in the worker

    def after_worker_start(self, worker: WorkerInfo) -> tuple[PluginFailure, ...]:
        """Call `after_worker_start`. Who raises fails every face or frame that it is asked for in this process. Returns who raised."""
        self._not_started = self._prepare("after_worker_start", {"worker": worker}, skip={})
        return tuple(self._not_started.values())

    def before_video_in_worker(self, video: VideoInfo) -> tuple[PluginFailure, ...]:
        """Call `before_video_in_worker`. Who raises fails every face or frame of this video that it is asked for. Returns who raised."""
        self._not_ready = self._prepare("before_video_in_worker", {"video": video}, skip=self._not_started)
        return tuple(self._not_ready.values())

    def detect_faces(self, frame: Frame) -> Answer[tuple[Detection, ...]] | None:
        """First result of `detect_faces`, checked; None when no plugin gave one. Raises PluginError: the frame fails."""
        return self._first("detect_faces", {"frame": read_only(frame)}, check_detections)

    def locate_landmarks(self, frame: Frame, view: View, near: Detection | Located) -> Answer[Located] | None:
        """First result of `locate_landmarks`, checked; None when no plugin gave one. Raises PluginError: the frame fails."""
        return self._first("locate_landmarks", {"frame": read_only(frame), "view": view, "near": near}, check_located)

    def describe_face(self, frame: Frame, face: Face, view: View) -> dict[str, object]:
        """Plugin's name to what its `describe_face` gave, or to a `PluginFailure` when it raised or gave what cannot be pickled."""
        arguments = {"frame": read_only(frame), "face": face, "view": view}
        descriptions: dict[str, object] = {}
        for implementation in self._implementations("describe_face"):
            name = implementation.plugin_name
            description = self._in_worker(implementation, "describe_face", arguments, check_description)
            if description is not None:
                descriptions[name] = description
        return descriptions

    # How they are called

    def _register(self, name: str, origin: str, make: Callable[[], object]) -> None:
        if name in self._blocked:
            self._origins[name] = origin
            return
        if name in self._origins:
            raise PluginNameError(
                f"two plugins are called {name!r} (the first: {self._origins[name]}, the second: {origin}); block or rename one"
            )
        plugin = make()
        if inspect.isclass(plugin):
            raise PluginContractError(f"plugin {name} is a class; register an object of it")
        try:
            self._pluggy.register(plugin, name)
        except ValueError as error:
            raise PluginNameError(f"plugin {name} is registered already, under another name") from error
        except pluggy.PluginValidationError as error:
            # pluggy before 1.7 leaves a refused plugin half registered.
            if self._pluggy.has_plugin(name):
                self._pluggy.unregister(name=name)
            raise PluginContractError(f"plugin {name} does not fit: {' '.join(str(error).split())}") from error
        self._origins[name] = origin
        for hook, implementation in self._implemented(name):
            if implementation.wrapper or implementation.hookwrapper:
                self._pluggy.unregister(name=name)
                del self._origins[name]
                raise PluginContractError(f"plugin {name} wraps {hook}; hooks are called one by one and cannot be wrapped")

    def _implemented(self, name: str) -> Iterator[tuple[str, pluggy.HookImpl]]:
        plugin = self._pluggy.get_plugin(name)
        for caller in (self._pluggy.get_hookcallers(plugin) or ()) if plugin is not None else ():
            yield from ((caller.name, found) for found in caller.get_hookimpls() if found.plugin_name == name)

    def _implementations(self, hook: str) -> Sequence[pluggy.HookImpl]:
        caller: pluggy.HookCaller = getattr(self._pluggy.hook, hook)
        return caller.get_hookimpls()[::-1]

    def _broadcast(
        self, hook: str, arguments: Mapping[str, object], *, only: str | None = None, skip: Mapping[str, PluginFailure] | None = None
    ) -> dict[str, PluginFailure]:
        """Call a parent's hook of all plugins, or of one, but not of those to skip or out of the session. Returns who raised."""
        failed: dict[str, PluginFailure] = {}
        for implementation in self._implementations(hook):
            name = implementation.plugin_name
            if name in self._out_of_session or name in (skip or {}) or only not in {None, name}:
                continue
            failure = self._isolation.call(implementation, hook, arguments, _nothing)
            if failure is not None:
                failed[name] = failure
        self._failures += failed.values()
        return failed

    def _in_video(self, hook: str, arguments: Mapping[str, object], *, only: str | None = None) -> bool:
        """Call a hook of the plugins that are not out of the video, and put out who raises. Returns whether one did."""
        failed = self._broadcast(hook, arguments, only=only, skip=self._out_of_video)
        self._out_of_video |= failed
        return bool(failed)

    def _prepare(self, hook: str, arguments: Mapping[str, object], skip: Mapping[str, PluginFailure]) -> dict[str, PluginFailure]:
        failed: dict[str, PluginFailure] = {}
        for implementation in self._implementations(hook):
            name = implementation.plugin_name
            if name in skip:
                continue
            failure = self._isolation.call(implementation, hook, arguments, _nothing)
            if failure is not None:
                failed[name] = failure
        return failed

    def _in_worker(
        self, implementation: pluggy.HookImpl, hook: str, arguments: Mapping[str, object], check: Callable[[object], Result]
    ) -> Result | PluginFailure | None:
        name = implementation.plugin_name
        unfit = self._not_started.get(name) or self._not_ready.get(name)
        if unfit is not None:
            return unfit
        return self._isolation.call(implementation, hook, arguments, check)

    def _first(self, hook: str, arguments: Mapping[str, object], check: Callable[[object], Result]) -> Answer[Result] | None:
        for implementation in self._implementations(hook):
            name = implementation.plugin_name
            found = self._in_worker(implementation, hook, arguments, check)
            if isinstance(found, PluginFailure):
                raise PluginError(found)
            if found is not None:
                return Answer(name, found)
        return None


def _nothing(_result: object) -> None:
    """Pass over what a hook without a result returned."""
