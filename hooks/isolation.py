"""Calling one implementation of a hook, so that one that raises does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from pluggy import HookImpl

from face_mirror_hooks.records import Frame, Image, PluginFailure

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class Isolation:
    """Calls, and remembers who raised where: the log gets one traceback for each plugin and hook, not one for each frame."""

    def __init__(self) -> None:
        self._logged: set[tuple[str, str]] = set()

    def call(
        self, implementation: HookImpl, hook: str, arguments: Mapping[str, object], check: Callable[[object], Result]
    ) -> Result | PluginFailure | None:
        """Call one implementation with those of the arguments that it takes.

        Parameters
        ----------
        implementation : HookImpl
        hook : str
        arguments : mapping of str to object
        check : callable
            Gets what it returned, unless that is None; returns it as the host wants it, or raises.

        Returns
        -------
        object
            The result; None when there is none; a `PluginFailure` when it, or `check`, raised.
        """
        try:
            result = implementation.function(*(arguments[name] for name in implementation.argnames))
            return None if result is None else check(result)
        except Exception as error:
            plugin = implementation.plugin_name
            failure = PluginFailure(plugin, hook, f"{type(error).__name__}: {error}")
            if (plugin, hook) not in self._logged:
                self._logged.add((plugin, hook))
                logger.exception("%s", failure)
            return failure


def read_only(frame: Frame) -> Frame:
    """The frame with a picture that cannot be written on: it is the memory that the mirrored videos are made from."""
    if not frame.image.flags.writeable:
        return frame
    image: Image = frame.image.view()
    image.flags.writeable = False
    return replace(frame, image=image)
