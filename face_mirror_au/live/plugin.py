"""Action units of a camera: the plugin of a run, but with nothing kept for an end that may never come."""

from __future__ import annotations

from typing import Any

from face_mirror_au.pipeline.online import OnlineSequence
from face_mirror_au.pipeline.own_descriptor import descriptor_of
from face_mirror_au.records import View
from face_mirror_au.run.own_plugins import ActionUnitPlugin
from face_mirror_hooks.records import FrameResult


class LiveActionUnitPlugin(ActionUnitPlugin):
    """Describes faces as `ActionUnitPlugin` does, and has online values only: `latest`. There is nothing to `finish`."""

    _sequences: dict[View, OnlineSequence]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_sequences": {}}

    def _start(self) -> None:
        self.close()
        self.error = None
        self._sequences = {}
        original: OnlineSequence | None = None
        for view in self._views:
            self._sequences[view] = OnlineSequence(self.bank, self._baseline, original)
            original = original or self._sequences[view]

    def _append(self, result: FrameResult) -> None:
        for view_result in result.views:
            descriptor = descriptor_of(view_result)
            hog, geometry = (None, None) if descriptor is None else (descriptor.hog, descriptor.geometry)
            self.latest[view_result.view] = self._sequences[view_result.view].append(hog, geometry, result.time_s)
