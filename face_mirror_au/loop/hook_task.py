"""What our workers do: ask the plugins for faces and landmarks, follow one face, mirror it, have it described."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from face_mirror_au.errors import ModelRunError
from face_mirror_au.loop.followed import DescribeJob, FollowJob
from face_mirror_au.records import Detection, Frame, Located, View
from face_mirror_hooks import PluginManager
from face_mirror_hooks.records import VideoInfo, WorkerInfo

if TYPE_CHECKING:  # these bring OpenCV, which a parent must not load before it forks
    from face_mirror_au.pipeline.following import FollowingProcessor
    from face_mirror_au.pipeline.model_set import ModelPlan
    from face_mirror_au.pipeline.process import FrameProcessor
    from face_mirror_au.pipeline.track import FaceTracker, TrackState
    from face_mirror_au.pipeline.views import MirrorSettings
    from face_mirror_hooks.manager import WorkerPlugins


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


@dataclass(frozen=True)
class HookedProcessing:
    """All that a process needs to become a worker. Travels there by pickle, and makes the task.

    Attributes
    ----------
    plan : ModelPlan
        Its PDM tells landmarks that are a face from those that are none.
    required : frozenset of str
        Plugins without which there is no use in going on.
    """

    plugins: WorkerPlugins
    plan: ModelPlan
    views: tuple[View, ...]
    mirror: MirrorSettings
    required: frozenset[str]

    @property
    def followed(self) -> tuple[View, ...]:
        """The views that are followed in order; none where every frame can be found by itself."""
        return () if self.plan.follower is None else self.views

    def __call__(self) -> HookedTask:
        """Make the task, in the worker."""
        return HookedTask(self)


class HookedTask:
    """Runs chunks through a `FrameProcessor` that asks the plugins.

    A job is the `TrackState` at a chunk's start, its result a `ChunkResult`; or it is a job of `loop.followed`.
    """

    def __init__(self, processing: HookedProcessing) -> None:
        self._processing = processing
        self._manager = processing.plugins.build()
        self._processor: FrameProcessor | None = None
        self._of_images: FrameProcessor | None = None
        self._is_image = False

    def start(self, worker: WorkerInfo) -> None:
        """Let the plugins load their models.

        Raises
        ------
        ModelRunError
            When a required plugin cannot.
        """
        from face_mirror_au.opencv import opencv

        opencv().setNumThreads(1)  # the workers are the parallelism
        for failure in self._manager.after_worker_start(worker):
            if failure.plugin in self._processing.required:
                raise ModelRunError(str(failure))
        self._processor = self._make_processor()

    def _make_processor(self) -> FrameProcessor:
        from face_mirror_au.pipeline.following import FollowingProcessor
        from face_mirror_au.pipeline.image_faces import ImageFacesProcessor
        from face_mirror_au.pipeline.process import FrameProcessor

        processing = self._processing
        plan, how = processing.plan, (self._manager.describe_face, processing.views)
        if plan.follower is None:
            return FrameProcessor(self.tracker(HookFinder(self._manager)), *how, processing.mirror, whole=self._others_look)
        follower = plan.load_follower(), plan.landmarks[0], plan.detector[0]
        self._of_images = ImageFacesProcessor(*follower, *how)
        return FollowingProcessor(*follower, *how)

    @property
    def _others_look(self) -> bool:
        """Whether a plugin that is not ours sees pictures of mirrored views."""
        others = (plugin for plugin in self._manager.plugins() if plugin.name not in self._processing.required)
        return any({"locate_landmarks", "describe_face"} & set(plugin.hooks) for plugin in others)

    def tracker(self, finder: HookFinder) -> FaceTracker:
        """What follows the face."""
        from face_mirror_au.pipeline.track import FaceTracker

        plan = self._processing.plan
        return FaceTracker(finder, plan.load_pose_fitter(), surveys=not plan.in_order)

    def start_video(self, video: object) -> None:
        """Tell the plugins which video the next frames belong to."""
        self._is_image = isinstance(video, VideoInfo) and video.faces_of_image
        self._manager.before_video_in_worker(cast("VideoInfo", video))

    def run(self, job: object, frames: Iterator[Frame]) -> object:
        """Process one chunk, or do a part of that."""
        if isinstance(job, FollowJob | DescribeJob):
            return job.run(cast("FollowingProcessor", self.processor), frames)
        return self.processor.process_chunk(frames, cast("TrackState", job))

    @property
    def processor(self) -> FrameProcessor:
        """The processor; there after `start`."""
        processor = self._of_images if self._is_image else self._processor
        if processor is None:
            raise RuntimeError("the task was not started")
        return processor


def required_plugins(names: Iterable[str], manager: PluginManager) -> frozenset[str]:
    """Those of the names that are registered and not blocked."""
    present = {plugin.name for plugin in manager.plugins() if not plugin.blocked}
    return frozenset(names) & present
