"""Faces and landmarks from whatever plugin answers the hooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from face_mirror_au.errors import ModelRunError
from face_mirror_au.records import Detection, Frame, Located, View
from face_mirror_hooks import PluginManager


class HookFinder:
    """A `FaceFinder` that asks the plugins; the first that answers wins.

    Parameters
    ----------
    manager : PluginManager
        In a worker, after its `after_worker_start`.
    """

    def __init__(self, manager: PluginManager) -> None:
        self._manager = manager

    def detect(self, frame: Frame) -> Sequence[Detection]:
        """See `FaceFinder`. Raises PluginError when a plugin fails."""
        answer = self._manager.detect_faces(frame)
        return [replace(detection, source=answer.plugin) for detection in answer.value] if answer is not None else ()

    def locate(self, frame: Frame, view: View, near: Detection | Located) -> tuple[Located, str]:
        """See `FaceFinder`. Raises PluginError when a plugin fails, ModelRunError when none answers."""
        answer = self._manager.locate_landmarks(frame, view, near)
        if answer is None:
            raise ModelRunError(f"no plugin locates landmarks in the {view.value} view; block fewer plugins or add one that does")
        return answer.value, answer.plugin
