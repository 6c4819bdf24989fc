"""Who detected the face and located its landmarks: what was planned is one thing, a plugin may have answered first."""

from __future__ import annotations

from collections import Counter, defaultdict

from face_mirror_au.records import View
from face_mirror_hooks.records import FrameResult


class Answered:
    """Counts the plugins that answered, by name."""

    def __init__(self) -> None:
        self.detectors: Counter[str] = Counter()
        self.landmarks: defaultdict[View, Counter[str]] = defaultdict(Counter)

    def count(self, result: FrameResult) -> None:
        """Take the next frame."""
        for view_result in result.views:
            face = view_result.face
            if face is None:
                continue
            self.landmarks[view_result.view][face.source] += 1
            if face.detector and view_result.view is View.ORIGINAL:
                self.detectors[face.detector] += 1

    def described(self) -> dict[str, object]:
        """For the metadata: number of detections by detector, and of frames by source of the landmarks for each view."""
        return {"detector": dict(self.detectors), "landmarks": {view.value: dict(counts) for view, counts in self.landmarks.items()}}
