"""The application's landmarks on their way to the workers, and there to the hooks.

They travel with the chunk of frames that they belong to. In the worker, a plugin like any other answers for the original view; mirrored
views are left to the landmark model, which looks at the mirrored picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from face_mirror_au.loop.hook_task import HookedProcessing, HookedTask, HookFinder
from face_mirror_au.loop.pool import WorkerPool
from face_mirror_au.loop.runner import FrameLoop
from face_mirror_au.records import N_LANDMARKS, Detection, Float32Array, Frame, Located, View
from face_mirror_hooks import hookimpl
from face_mirror_hooks.records import FrameResult, VideoInfo

if TYPE_CHECKING:
    from face_mirror_au.loop.messages import FrameRef
    from face_mirror_au.loop.ring import Block
    from face_mirror_au.pipeline.track import FaceTracker

NO_KEYPOINTS = np.zeros((0, 2), np.float32)


class HostLandmarks:
    """Serves the landmarks of the chunk that this process works on.

    Attributes
    ----------
    points : mapping of int to ndarray, (68, 2) float32
        By frame index; in a frame without them the application found no face.
    boxes_only : bool
        The AU bank needs a mesh: our landmark model looks where the application's landmarks are.
    or_ours : bool
        Frames without points are left to our own detector and landmark model; otherwise they have no face.
    """

    def __init__(self) -> None:
        self.points: Mapping[int, Float32Array] = {}
        self.boxes_only = False
        self.or_ours = False

    @hookimpl
    def detect_faces(self, frame: Frame) -> list[Detection] | None:
        """The box of the frame's landmarks."""
        points = self.points.get(frame.index)
        if points is None:
            return None if self.or_ours else []
        return [Detection(np.concatenate([points.min(axis=0), points.max(axis=0)]), 1.0, NO_KEYPOINTS)]

    @hookimpl
    def locate_landmarks(self, frame: Frame, view: View) -> Located | None:
        """The frame's landmarks in the original view."""
        if view is not View.ORIGINAL or self.boxes_only:
            return None
        points = self.points.get(frame.index)
        if points is None:
            # A score of 0 says that there is no face; None leaves the frame to our own model.
            return None if self.or_ours else Located(np.zeros((N_LANDMARKS, 2), np.float32), 0.0)
        return Located(points, 1.0)


HOST_LANDMARKS = HostLandmarks()
"""The one of this process: workers import it by name, as they do with any plugin."""

HOST_PLUGIN = f"{__name__}:HOST_LANDMARKS"

APPLICATION = "application"
"""What tables call the source of landmarks that the application found."""


@dataclass(frozen=True, slots=True)
class HostWork:
    """A job: what the loop wants done, and the landmarks of its frames."""

    job: object
    points: Mapping[int, Float32Array]


class HostTask(HookedTask):
    """A `HookedTask` whose jobs bring landmarks. A job is a `HostWork`."""

    def __init__(self, processing: HookedProcessing) -> None:
        super().__init__(processing)
        HOST_LANDMARKS.boxes_only = processing.plan.needs_mesh
        HOST_LANDMARKS.or_ours = isinstance(processing, HostProcessing) and processing.or_ours

    def tracker(self, finder: HookFinder) -> FaceTracker:
        """See `HookedTask`."""
        from face_mirror_au.integrations.host_tracker import HostTracker

        return HostTracker(finder, self._processing.plan.load_pose_fitter(), HOST_LANDMARKS)

    def run(self, job: object, frames: Iterator[Frame]) -> object:
        """Process one chunk."""
        if not isinstance(job, HostWork):
            raise TypeError(f"a job of the application's loop is a HostWork, not {type(job).__name__}")
        HOST_LANDMARKS.points = job.points
        try:
            return super().run(job.job, frames)
        finally:
            HOST_LANDMARKS.points = {}


@dataclass(frozen=True)
class HostProcessing(HookedProcessing):
    """As `HookedProcessing`, for `HostTask`.

    Attributes
    ----------
    or_ours : bool
        Our own models are tried where the application's landmarks fail.
    """

    or_ours: bool = True

    def __call__(self) -> HostTask:
        """Make the task, in the worker."""
        return HostTask(self)


@dataclass
class PointStore:
    """The landmarks of the frames that are not done yet. A chunk may be done twice, so they stay until its results are accepted."""

    points: dict[int, Float32Array] = field(default_factory=dict)

    def of(self, frames: Sequence[FrameRef]) -> dict[int, Float32Array]:
        """Those of a chunk."""
        return {frame.index: self.points[frame.index] for frame in frames if frame.index in self.points}


class HostPool(WorkerPool):
    """A `WorkerPool` that sends each job with the landmarks of its frames, which are in its `store`."""

    def __init__(self, *given: Any, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self.store = PointStore()

    def submit(self, work: object, block: Block, frames: Sequence[FrameRef]) -> int:
        """See `WorkerPool`."""
        return super().submit(HostWork(work, self.store.of(frames)), block, frames)


class HostLoop(FrameLoop):
    """A `FrameLoop` over the application's frames; always with workers."""

    _pool_type = HostPool

    def __init__(self, *given: Any, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self.sources: list[str] = []
        """Whose landmarks each frame of the video rests on, so far; empty where there is no face."""

    @property
    def store(self) -> PointStore:
        """Put a frame's landmarks here before the frame is given."""
        return cast("HostPool", self._pool).store

    @property
    def closed(self) -> bool:
        """True after an error: the workers have ended."""
        return self._pool is None or self._pool.closed

    def process(
        self, frames: Iterable[Frame], video: VideoInfo, detect_every: int, *, keep: Callable[[Frame], Frame] | None = None
    ) -> Iterator[tuple[Frame | None, FrameResult]]:
        """See `FrameLoop`."""
        self.store.points.clear()
        self.sources.clear()
        for frame, result in super().process(frames, video, detect_every, keep=keep):
            self.store.points.pop(result.index, None)
            face = next((each.face for each in result.views if each.view is View.ORIGINAL), None)
            source = "" if face is None else face.source
            self.sources.append(APPLICATION if source == HOST_PLUGIN else source)
            yield frame, result
