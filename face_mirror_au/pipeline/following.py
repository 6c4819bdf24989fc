"""Frames of a profile whose landmarks are followed by OpenFace's own rules: in order, each view as a video of its own.

Two steps, so that they can be done in two processes: `follow` needs the frames in order, `describe` takes each for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from face_mirror_au.numerics.clnf.face import FittedFace
from face_mirror_au.numerics.gaze import EYE_NAMES, N_EYE_POINTS
from face_mirror_au.numerics.head_pose import Camera
from face_mirror_au.numerics.pose import PoseFit
from face_mirror_au.pipeline.clnf_tracker import CLNFState
from face_mirror_au.pipeline.openface_landmarks import OpenFaceLandmarks
from face_mirror_au.pipeline.process import Describe, FrameProcessor
from face_mirror_au.pipeline.signals import EYE_LANDMARKS, EYE_LANDMARKS_3D, GAZE, GAZE_ANGLES, HEAD_POSE, POSE, SHAPE
from face_mirror_au.pipeline.track import NO_FACE, FaceTracker, Tracked, TrackState, landmark_box
from face_mirror_au.pipeline.views import MirrorSettings, mirrored_faces
from face_mirror_au.records import Detection, Face, FloatArray, Frame, Located, View
from face_mirror_hooks.records import FrameResult, ViewResult

_Locate = Callable[[Frame, View], FittedFace | None]

NOT_BELIEVED = "the validator does not believe that this is a face"


@dataclass(frozen=True, slots=True)
class Followed:
    """The faces of a frame.

    Attributes
    ----------
    faces : mapping of View to FittedFace
        Also those that are not believed. The views that have none are not in it.
    detected : frozenset of View
        In which the detector found the face in this very frame.
    """

    faces: Mapping[View, FittedFace]
    detected: frozenset[View]


class FollowingProcessor(FrameProcessor):
    """A `FrameProcessor` that follows by OpenFace's rules; `detect` is without effect.

    Parameters
    ----------
    landmarks : OpenFaceLandmarks
    source, detector : str
        What the records call the landmarks and their detector.
    describe, views, mirror
        See `FrameProcessor`.
    """

    def __init__(
        self,
        landmarks: OpenFaceLandmarks,
        source: str,
        detector: str,
        describe: Describe,
        views: Sequence[View] = (View.ORIGINAL,),
        mirror: MirrorSettings | None = None,
    ) -> None:
        self._landmarks, self._source, self._detector = landmarks, source, detector
        self._clnf = landmarks.tracker()
        self._describe_face = describe
        self._views = tuple(views)
        self._mirrored = tuple(view for view in views if view is not View.ORIGINAL)
        self._mirror = mirror or MirrorSettings()

    def process(self, frame: Frame, state: TrackState, *, detect: bool) -> tuple[FrameResult, TrackState, tuple[Detection, ...]]:  # noqa: ARG002
        """See `FrameProcessor`."""
        if frame.problem is not None:
            return self._failed(frame, state, frame.problem), state, ()
        followed, state = self.follow(frame, state)
        return self.describe(frame, followed, crowd=state.crowd), state, ()

    def follow(self, frame: Frame, state: TrackState) -> tuple[Followed, TrackState]:
        """Find the face in the next frame and in its mirrored pictures, each of them as the next of its own video.

        Parameters
        ----------
        frame : Frame
            Without a problem.
        state : TrackState
            From the frame before; `TrackState()` at a video's start.
        """
        faces: dict[View, FittedFace] = {}
        states, detected, crowd = dict(state.followed), set(), state.crowd

        def locate(picture: Frame, view: View) -> FittedFace | None:
            nonlocal crowd
            found, states[view] = self._clnf.track(picture.image, states.get(view, CLNFState()))
            if found.face is not None:
                faces[view] = found.face
            if found.detected:
                detected.add(view)
                crowd = crowd or (view is View.ORIGINAL and found.detected > 1)
            return found.face

        original = locate(frame, View.ORIGINAL)
        if original is not None and original.success:
            for _ in self._mirrored_faces(frame, original, locate):
                pass
        return Followed(faces, frozenset(detected)), TrackState(followed=states, crowd=crowd)

    def describe(self, frame: Frame, followed: Followed, *, crowd: bool) -> FrameResult:
        """Pose, gaze and descriptors of the faces that were found in a frame.

        Parameters
        ----------
        frame : Frame
        followed : Followed
            From `follow`, of the same frame.
        crowd : bool
            Whether more than one face was seen by now.
        """
        original = followed.faces.get(View.ORIGINAL)
        results = {View.ORIGINAL: self._result(frame, View.ORIGINAL, original, followed)}
        if original is not None and original.success:
            for view, picture, found in self._mirrored_faces(frame, original, lambda _, view: followed.faces.get(view)):
                failed = found if isinstance(found, str) else ""
                results[view] = self._result(picture, view, followed.faces.get(view), followed, failed)
        else:
            reason = results[View.ORIGINAL].reason
            results |= {view: ViewResult(view, None, success=False, confidence=0.0, reason=reason) for view in self._mirrored}
        return FrameResult(frame.index, frame.time_s, tuple(results[view] for view in self._views), crowd)

    def _mirrored_faces(self, frame: Frame, original: FittedFace, locate: _Locate) -> Iterator[tuple[View, Frame, Tracked | str]]:
        return mirrored_faces(_StandIn(locate), frame, _tracked(original), self._mirrored, self._mirror)

    def _result(self, picture: Frame, view: View, fitted: FittedFace | None, followed: Followed, failed: str = "") -> ViewResult:
        if fitted is None:
            return ViewResult(view, None, success=False, confidence=0.0, reason=failed or NO_FACE)
        face = _tracked(fitted).face
        face = replace(
            face,
            source=self._source,
            detector=self._detector if view in followed.detected else "",
            signals=self._signals(picture, fitted),
        )
        if not fitted.success:
            return ViewResult(view, face, success=False, confidence=fitted.certainty, reason=NOT_BELIEVED)
        return ViewResult(view, face, success=True, confidence=fitted.certainty, descriptions=self._describe_face(picture, face, view))

    def _signals(self, picture: Frame, fitted: FittedFace) -> dict[str, FloatArray]:
        """What OpenFace writes of a face; gaze only of one that it believes."""
        height, width = picture.image.shape[:2]
        space = self._landmarks.in_space(fitted, Camera.for_size(width, height))
        eyes = [fitted.parts[name].landmarks if name in fitted.parts else np.full((N_EYE_POINTS, 2), np.nan) for name in EYE_NAMES]
        found = {
            HEAD_POSE.name: space.head_pose,
            POSE.name: fitted.pose.astype(np.float64),
            SHAPE.name: fitted.local.astype(np.float64),
            EYE_LANDMARKS.name: np.concatenate(eyes, dtype=np.float64),
            EYE_LANDMARKS_3D.name: space.eyes.reshape(-1, 3),
        }
        return found | ({GAZE.name: space.gaze.ravel(), GAZE_ANGLES.name: space.gaze_angles} if fitted.success else {})


class _StandIn(FaceTracker):
    """The tracker where mirrored pictures are made: the faces in them come from elsewhere."""

    def __init__(self, locate: _Locate) -> None:
        self._locate = locate

    def locate(self, frame: Frame, view: View, near: Detection | Located, least: float) -> Tracked | None:  # noqa: ARG002
        """The face of a view, wherever it was before."""
        found = self._locate(frame, view)
        return None if found is None else _tracked(found)


def _tracked(fitted: FittedFace) -> Tracked:
    located = Located(fitted.landmarks, fitted.certainty)
    fit = PoseFit(fitted.pose.astype(np.float64), fitted.local.astype(np.float64), 0.0, 0)
    return Tracked(Face(landmark_box(located), fitted.certainty, fitted.landmarks, ""), located, fit, fitted.certainty)
