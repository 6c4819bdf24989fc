"""Our own description of a face among those that plugins made of it."""

from __future__ import annotations

from face_mirror_au.records import FaceDescriptor, View
from face_mirror_hooks.records import FrameResult, ViewResult

AU_PLUGIN = "action-units"
"""Name of the plugin under which our description travels."""


def descriptor_of(result: ViewResult) -> FaceDescriptor | None:
    """Our description of a view; None when there is none or it failed."""
    found = result.descriptions.get(AU_PLUGIN)
    return found if isinstance(found, FaceDescriptor) else None


def failure_reason(result: ViewResult) -> str:
    """Why a view of a frame has no measurement; empty when it has one."""
    if descriptor_of(result) is not None:
        return ""
    return result.reason or str(result.descriptions.get(AU_PLUGIN, "no description of the face"))


def described_frame(index: int, descriptor: FaceDescriptor | None, time_s: float = 0.0) -> FrameResult:
    """A frame of which only our description of the original view is known; None: it failed."""
    if descriptor is None:
        view = ViewResult(View.ORIGINAL, None, success=False, confidence=0.0, reason="no landmarks")
    else:
        view = ViewResult(View.ORIGINAL, None, success=True, confidence=1.0, descriptions={AU_PLUGIN: descriptor})
    return FrameResult(index, time_s, (view,))
