"""Our own plugins of a frame loop: a detector, a landmark model, and a describer of faces. They come through the same door as any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from face_mirror_au.models.retinaface import MAX_SIDE
from face_mirror_au.pipeline.describer import FaceDescriber
from face_mirror_au.pipeline.finder import ModelFinder
from face_mirror_au.pipeline.model_set import ModelPlan
from face_mirror_au.pipeline.own_descriptor import AU_PLUGIN
from face_mirror_au.records import Detection, Face, FaceDescriptor, Frame, Located, View
from face_mirror_hooks import PluginManager, hookimpl
from face_mirror_hooks.records import WorkerInfo

if TYPE_CHECKING:
    from face_mirror_au.models.protocols import FaceDetector


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
    """Describes faces for the action units, which `Measurement` predicts in the parent. Registered as "action-units".

    Parameters
    ----------
    plan : ModelPlan
    """

    def __init__(self, plan: ModelPlan) -> None:
        self._plan = plan
        self._describer: FaceDescriber | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_describer": None}

    @hookimpl
    def after_worker_start(self) -> None:
        """Read PDM and face mask."""
        self._describer = self._plan.load_describer()

    @hookimpl
    def describe_face(self, frame: Frame, face: Face, view: View) -> FaceDescriptor | None:
        """Pose, FHOG and geometry of the face."""
        return None if self._describer is None else self._describer.describe(frame.image, face.landmarks, mesh=face.mesh, view=view)


def register_own(manager: PluginManager, plan: ModelPlan, max_side: int = MAX_SIDE) -> None:
    """Register this package's plugins. Call it before others are loaded, so that theirs are asked first."""
    if plan.follower is None:
        manager.register(DetectorPlugin(plan, max_side), plan.detector[0])
        manager.register(LandmarkPlugin(plan), plan.landmarks[0])
    manager.register(ActionUnitPlugin(plan), AU_PLUGIN)
