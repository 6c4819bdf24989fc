"""A processor for the tests of `loop.followed`: what it finds depends on every frame before. Importable, as it goes to workers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from loop_tasks import FACE, Trouble

from face_mirror_au.pipeline.following import Followed
from face_mirror_hooks.records import FrameResult, View, ViewResult

VIEWS = tuple(View)


@dataclass(frozen=True)
class Digest:
    """In place of a face, and of what a view carries on."""

    text: str = ""


def digest(*parts):
    return Digest(hashlib.sha256(repr(parts).encode()).hexdigest()[:16])


class Chained:
    """In place of a `FollowingProcessor`."""

    def follow(self, frame, view, state, original=None):
        if frame.problem is not None:
            return frame.problem, state
        assert (original is None) == (view is View.ORIGINAL)
        value = getattr(state, "text", "start")
        found = digest(value, view.value, frame.image.tobytes(), repr(original))
        return Followed(found, detected=2 if frame.index == 20 and view is View.ORIGINAL else 0), found

    def describe(self, frame, found, *, crowd):
        views = tuple(ViewResult(view, FACE, True, 1.0, repr(found[view])) for view in VIEWS)
        return FrameResult(frame.index, frame.time_s, views, crowd)


@dataclass(frozen=True)
class ChainedFactory:
    """Makes tasks that do the jobs of `loop.followed`."""

    trouble: Trouble | None = None

    def __call__(self):
        return ChainedTask(self.trouble)


class ChainedTask:
    """Does them, and comes to harm where it is told to."""

    def __init__(self, trouble):
        self.trouble, self.seen, self.worker = trouble, 0, None

    def start(self, worker):
        self.worker = worker

    def start_video(self, video):
        pass

    def run(self, job, frames):
        return job.run(Chained(), self._watched(frames))

    def _watched(self, frames):
        for frame in frames:
            self.seen += 1
            if self.trouble is not None and frame.problem is None:
                self.trouble.strike(frame.index, self.seen, self.worker.device)
            yield frame


def in_order(frames):
    """What a run must give: one frame after the other, in this process."""
    processor, states, crowd, results = Chained(), {}, False, []
    for frame in frames:
        found = {}
        for view in VIEWS:
            found[view], states[view] = processor.follow(frame, view, states.get(view), found.get(View.ORIGINAL))
        crowd = crowd or (isinstance(found[View.ORIGINAL], Followed) and found[View.ORIGINAL].detected > 1)
        results.append(processor.describe(frame, found, crowd=crowd))
    return results


def essence(results):
    """What can be compared."""
    return [(result.index, result.time_s, result.crowd, *(view.reason for view in result.views)) for result in results]
