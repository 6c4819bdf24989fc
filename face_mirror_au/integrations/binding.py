"""Wraps the application's methods when its modules are imported. None of its files is changed, and what it gets back is its own."""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Protocol

from face_mirror_au.integrations.forms import AU_METHOD, AU_MODULE, DETECTOR_METHOD, LOOP_CLASS, LOOP_METHODS, LOOP_MODULE

_MARK = "_face_mirror_au"


class Listener(Protocol):
    """Who is told. No method may raise."""

    def video_begins(self, processor: object, input_path: Any, output_dir: Any) -> object:
        """Before a video; returns a token, None when the video is not followed."""

    def video_ends(self, token: object, outputs: Any, error: BaseException | None) -> None:
        """After it, with what the application's method returned or raised."""

    def frame_begins(self, processor: object, frame_data: Any) -> object:
        """Before a frame, in the thread that does it; returns a token, None when the frame is not wanted."""

    def frame_ends(self, token: object) -> None:
        """After it; may wait."""

    def landmarks_found(self, frame: Any, found: Any) -> None:
        """After the detector returned, in the same thread."""

    def action_units_wanted(self, video_path: Any, csv_path: Any, progress: Any) -> int | None:
        """Before the AU stage of a mirrored video: the number of rows that are there already, or None to let the application do it."""

    def not_bound(self, what: str) -> None:
        """A part of the application was not as it should be."""


def wrap_loop(module: ModuleType, listener: Listener) -> None:
    """Wrap the class with the frame loop."""
    processor = getattr(module, LOOP_CLASS, None)
    if not isinstance(processor, type) or not all(callable(getattr(processor, name, None)) for name in LOOP_METHODS):
        listener.not_bound(f"{LOOP_MODULE}.{LOOP_CLASS} with {' and '.join(LOOP_METHODS)}")
        return
    _wrap(processor, "process_video", lambda original: _video(original, listener))
    _wrap(processor, "_process_frame_batch", lambda original: _frame(original, listener))


def wrap_action_units(module: ModuleType, listener: Listener) -> None:
    """Wrap the AU stage: each class of the module whose `process_video` takes a video and a CSV."""
    found = False
    for value in list(vars(module).values()):
        method = vars(value).get(AU_METHOD) if isinstance(value, type) and value.__module__ == module.__name__ else None
        parameters = list(inspect.signature(method).parameters) if inspect.isfunction(method) else []
        if len(parameters) > 2 and "csv" in parameters[2]:
            found = True
            _wrap(value, AU_METHOD, lambda original: _action_units(original, listener))
    if not found:
        listener.not_bound(f"a class of {AU_MODULE} with {AU_METHOD}(video, csv, progress_callback)")


def wrap_detector(processor: object, listener: Listener) -> Callable[[], None] | None:
    """Listen to the detector of a processor, whatever its attribute is called.

    Returns
    -------
    callable or None
        Takes it back; None when there is no detector, or somebody listens to it.
    """
    for detector in vars(processor).values():
        original = getattr(detector, DETECTOR_METHOD, None)
        if not callable(original) or hasattr(original, _MARK):
            continue

        @functools.wraps(original)
        def listening(frame: Any, *args: Any, _original: Callable[..., Any] = original, **kwargs: Any) -> Any:
            found = _original(frame, *args, **kwargs)
            listener.landmarks_found(frame, found)
            return found

        setattr(listening, _MARK, True)
        setattr(detector, DETECTOR_METHOD, listening)  # of this object only
        return functools.partial(_take_back, detector, listening)
    return None


def _take_back(detector: object, listening: object) -> None:
    if vars(detector).get(DETECTOR_METHOD) is listening:
        delattr(detector, DETECTOR_METHOD)


def _wrap(owner: type, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    original = getattr(owner, name)
    if hasattr(original, _MARK):
        return
    wrapped = functools.wraps(original)(make(original))
    setattr(wrapped, _MARK, True)
    setattr(owner, name, wrapped)


def _video(original: Callable[..., Any], listener: Listener) -> Callable[..., Any]:
    def process_video(self: object, input_path: Any, output_dir: Any, *args: Any, **kwargs: Any) -> Any:
        token = listener.video_begins(self, input_path, output_dir)
        try:
            outputs = original(self, input_path, output_dir, *args, **kwargs)
        except BaseException as error:
            listener.video_ends(token, None, error)
            raise
        listener.video_ends(token, outputs, None)
        return outputs

    return process_video


def _frame(original: Callable[..., Any], listener: Listener) -> Callable[..., Any]:
    def process_frame(self: object, frame_data: Any, *args: Any, **kwargs: Any) -> Any:
        token = listener.frame_begins(self, frame_data)
        try:
            return original(self, frame_data, *args, **kwargs)
        finally:
            listener.frame_ends(token)

    return process_frame


def _action_units(original: Callable[..., Any], listener: Listener) -> Callable[..., Any]:
    signature = inspect.signature(original)
    _, video_name, csv_name, *rest = signature.parameters

    def process_video(*args: Any, **kwargs: Any) -> Any:
        try:
            given: Mapping[str, Any] = signature.bind(*args, **kwargs).arguments
        except TypeError:  # the application's mistake: its own method shall say so
            given = {}
        done = listener.action_units_wanted(given.get(video_name), given.get(csv_name), given.get(rest[0]) if rest else None)
        return original(*args, **kwargs) if done is None else done

    return process_video


class _AfterImport(importlib.abc.MetaPathFinder):
    """Finds modules as Python would, and has something done once they are loaded."""

    def __init__(self, actions: Mapping[str, Callable[[ModuleType], None]]) -> None:
        self._actions = dict(actions)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        action = self._actions.get(fullname)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target) if action is not None else None
        if spec is None or spec.loader is None or action is None:
            return None
        execute = spec.loader.exec_module

        def and_then(module: ModuleType) -> None:
            execute(module)
            action(module)

        spec.loader.exec_module = and_then  # type: ignore[method-assign]  # a loader of this module only
        return spec


@contextmanager
def bound(listener: Listener) -> Iterator[None]:
    """Have the application's modules wrapped when they are imported."""
    finder = _AfterImport(
        {
            LOOP_MODULE: lambda module: wrap_loop(module, listener),
            AU_MODULE: lambda module: wrap_action_units(module, listener),
        }
    )
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
