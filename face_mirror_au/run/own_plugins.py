"""Our own plugins of a frame loop: a detector, a landmark model, and action units. They come through the same door as any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from face_mirror_au.errors import FaceMirrorAUError, UsageError
from face_mirror_au.models.retinaface import MAX_SIDE
from face_mirror_au.numerics.rest import Rest
from face_mirror_au.pipeline.baseline import Baseline, OtherRest
from face_mirror_au.pipeline.describer import FaceDescriber
from face_mirror_au.pipeline.finder import ModelFinder
from face_mirror_au.pipeline.model_set import ModelPlan
from face_mirror_au.pipeline.online import OnlineValues
from face_mirror_au.pipeline.own_descriptor import AU_PLUGIN
from face_mirror_au.pipeline.sequence import AUSequence
from face_mirror_au.records import Detection, Face, FaceDescriptor, Frame, Located, View, ViewTable
from face_mirror_au.run.view_log import ViewLog
from face_mirror_hooks import PluginManager, hookimpl
from face_mirror_hooks.records import FrameResult, VideoInfo, ViewResult, WorkerInfo

if TYPE_CHECKING:
    from face_mirror_au.models.protocols import FaceDetector
    from face_mirror_au.numerics.au_bank import AUBank

OnRow = Callable[[int, float, ViewResult, OnlineValues], None]
"""Called with frame index, time, a view's result and its online values."""


class DetectorPlugin:
    """Detects faces with the detector of a model plan. Registered under its name, e.g. "retinaface".

    Parameters
    ----------
    plan : ModelPlan
    max_side : int
        See `ModelPlan.load_detector`.
    """

    def __init__(self, plan: ModelPlan, max_side: int = MAX_SIDE) -> None:
        self._plan = plan
        self._max_side = max_side
        self._detector: FaceDetector | None = None

    def __getstate__(self) -> dict[str, Any]:
        # A session belongs to the process that made it.
        return {**self.__dict__, "_detector": None}

    @hookimpl
    def after_worker_start(self, worker: WorkerInfo) -> None:
        """Open the session."""
        self._detector = self._plan.load_detector(self._max_side, on_cpu=worker.device == "cpu")

    @hookimpl(trylast=True)
    def detect_faces(self, frame: Frame) -> Sequence[Detection] | None:
        """All faces of the frame."""
        return None if self._detector is None else self._detector.detect(frame.image)


class LandmarkPlugin:
    """Locates landmarks with the landmark model of a model plan, in any view. Registered under its name, e.g. "pfld".

    Parameters
    ----------
    plan : ModelPlan
    """

    def __init__(self, plan: ModelPlan) -> None:
        self._plan = plan
        self._finder: ModelFinder | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_finder": None}

    @hookimpl
    def after_worker_start(self, worker: WorkerInfo) -> None:
        """Open the sessions; where the model does not score presence also a detector, which confirms that there is a face."""
        on_cpu = worker.device == "cpu"
        model = self._plan.load_landmark_model(on_cpu=on_cpu)
        detector = None if model.scores_presence else self._plan.load_detector(on_cpu=on_cpu)
        self._finder = ModelFinder(detector, model, self._plan.load_pose_fitter())

    @hookimpl(trylast=True)
    def locate_landmarks(self, frame: Frame, view: View, near: Detection | Located) -> Located | None:
        """The landmarks at `near`."""
        return None if self._finder is None else self._finder.locate(frame, view, near)[0]


class ActionUnitPlugin:
    """Describes faces in the workers, predicts action units in the parent.

    Parameters
    ----------
    plan : ModelPlan
    views : sequence of View
    strict : bool
        See `AUSequence`.
    baseline : Baseline

    Attributes
    ----------
    latest : dict of View to OnlineValues
        Of the frame that came last; empty between videos.
    """

    def __init__(self, plan: ModelPlan, views: Sequence[View], *, strict: bool = False, baseline: Baseline | None = None) -> None:
        self._plan = plan
        self._views = tuple(views)
        self._strict = strict
        self._baseline = baseline or Baseline()
        self._describer: FaceDescriber | None = None
        self._logs: dict[View, ViewLog] = {}
        self._closing = ExitStack()
        self._banks: dict[bool, AUBank] = {}
        self.latest: dict[View, OnlineValues] = {}
        self.rest: Rest | None = None
        self.single_image = False
        self.on_row: OnRow | None = None
        self.spool_folder: Path | None = None
        self.error: FaceMirrorAUError | None = None

    def __getstate__(self) -> dict[str, Any]:
        own: dict[str, Any] = {
            "_describer": None,
            "_logs": {},
            "_closing": None,
            "_banks": {},
            "latest": {},
            "rest": None,
            "on_row": None,
            "spool_folder": None,
            "error": None,
        }
        return {**self.__dict__, **own}

    # In the worker

    @hookimpl
    def after_worker_start(self) -> None:
        """Read PDM and face mask."""
        self._describer = self._plan.load_describer()

    @hookimpl
    def describe_face(self, frame: Frame, face: Face) -> FaceDescriptor | None:
        """Pose, FHOG and geometry of the face."""
        return None if self._describer is None else self._describer.describe(frame.image, face.landmarks, mesh=face.mesh)

    @property
    def describer(self) -> FaceDescriber | None:
        """The describer of this process: its pose fit is shared with the tracker."""
        return self._describer

    # In the parent, in order

    @property
    def bank(self) -> AUBank:
        """The AU bank for the present source, a single image or not."""
        if self.single_image not in self._banks:
            self._banks[self.single_image] = self._plan.load_bank(single_image=self.single_image)
        return self._banks[self.single_image]

    @hookimpl
    def before_video(self, video: VideoInfo) -> None:  # noqa: ARG002
        """Start each view afresh: nothing is carried from one video to the next."""
        self._guard(self._start)

    @hookimpl
    def after_frame(self, result: FrameResult) -> None:
        """Keep the neutral reference and predict."""
        if self.error is None:
            self._guard(lambda: self._append(result))

    def finish(self) -> dict[View, ViewTable]:
        """Final values of every view, after the last frame. They lie on disk until `close`."""
        original = self._logs[View.ORIGINAL]
        if self.bank.dynamic.any() and (self.bank.own_rest or not self._strict):
            self.rest = original.find_rest(self._plan.load_pdm().mean[:2].T)
        return {view: log.finish(self.rest, original.region_confidences) for view, log in self._logs.items()}

    @property
    def rests(self) -> dict[View, OtherRest]:
        """For other recordings of the person; after `finish`."""
        return {view: log.sequence.rest_for_others for view, log in self._logs.items()}

    @property
    def failures(self) -> Mapping[View, Mapping[str, int]]:
        """For each view, why frames have no measurement, and how many."""
        return {view: dict(log.failures) for view, log in self._logs.items()}

    def close(self) -> None:
        """Drop what belongs to the video."""
        self._closing.close()
        self._logs = {}
        self.latest.clear()

    def _start(self) -> None:
        self.close()
        self.error = self.rest = None
        self._closing = ExitStack()
        if self.spool_folder is None:
            raise UsageError("the action units were given no folder for their numbers")
        original: AUSequence | None = None
        for view in self._views:
            log = ViewLog(view, self.bank, self.spool_folder, strict=self._strict, baseline=self._baseline, original=original)
            original = original or log.sequence
            self._logs[view] = self._closing.enter_context(log)

    def _append(self, result: FrameResult) -> None:
        for view_result in result.views:
            log = self._logs.get(view_result.view)
            if log is None:
                continue
            values = self.latest[view_result.view] = log.append(result.index, result.time_s, view_result)
            if self.on_row is not None:
                self.on_row(result.index, result.time_s, view_result, values)

    def _guard(self, step: Callable[[], None]) -> None:
        """Keep our own errors for the runner, which ends the run with them; what is no error of ours is the manager's."""
        try:
            step()
        except FaceMirrorAUError as error:
            self.error = error


def register_own(manager: PluginManager, plan: ModelPlan, action_units: ActionUnitPlugin, max_side: int = MAX_SIDE) -> None:
    """Register this package's plugins. Call it before others are loaded, so that theirs are asked first."""
    manager.register(DetectorPlugin(plan, max_side), plan.detector[0])
    manager.register(LandmarkPlugin(plan), plan.landmarks[0])
    manager.register(action_units, AU_PLUGIN)
