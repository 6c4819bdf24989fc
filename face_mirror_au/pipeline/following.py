"""Frames of a profile whose landmarks are followed by OpenFace's own rules: in order, each view as a video of its own.

Two steps, so that they can be done in two processes: `follow` needs the frames in order, `describe` takes each for itself.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from face_mirror_au.errors import FaceMirrorAUError, LandmarksError
from face_mirror_au.numerics.clnf.face import FittedFace
from face_mirror_au.numerics.gaze import EYE_NAMES, N_EYE_POINTS
from face_mirror_au.numerics.head_pose import Camera
from face_mirror_au.numerics.pose import PoseFit
from face_mirror_au.numerics.reflection import Mirror, midline_of_landmarks, reflect_landmarks
from face_mirror_au.pipeline.clnf_tracker import CLNFState
from face_mirror_au.pipeline.openface_landmarks import OpenFaceLandmarks
from face_mirror_au.pipeline.process import Describe, FrameProcessor
from face_mirror_au.pipeline.signals import EYE_LANDMARKS, EYE_LANDMARKS_3D, GAZE, GAZE_ANGLES, HEAD_POSE, POSE, SHAPE
from face_mirror_au.pipeline.track import NO_FACE, Tracked, TrackState, landmark_box
from face_mirror_au.records import Detection, Face, Float32Array, FloatArray, Frame, Located, View
from face_mirror_hooks.errors import HookError
from face_mirror_hooks.records import FrameResult, ViewResult

logger = logging.getLogger(__name__)

NOT_BELIEVED = "the validator does not believe that this is a face"


@dataclass(frozen=True, slots=True)
class Followed:
    """The face of one view in one frame.

    Attributes
    ----------
    face : FittedFace or None
        Also one that is not believed; None before the first one.
    detected : int
        How many faces the detector saw in this very frame; 0 where it was not asked.
    """

    face: FittedFace | None = None
    detected: int = 0


Found = Followed | str
"""The face of one view in one frame; text: why the frame fails."""


class FollowingProcessor(FrameProcessor):
    """A `FrameProcessor` that follows by OpenFace's rules; `detect` is without effect.

    Parameters
    ----------
    landmarks : OpenFaceLandmarks
    source, detector : str
        What the records call the landmarks and their detector.
    describe, views
        See `FrameProcessor`.
    """

    def __init__(
        self,
        landmarks: OpenFaceLandmarks,
        source: str,
        detector: str,
        describe: Describe,
        views: Sequence[View] = (View.ORIGINAL,),
    ) -> None:
        self._landmarks, self._source, self._detector = landmarks, source, detector
        self._clnf = landmarks.tracker()
        self._describe_face = describe
        self._views = tuple(views)
        self._mirrored_views = tuple(view for view in views if view is not View.ORIGINAL)
        self._mirror = Mirror()

    def process(self, frame: Frame, state: TrackState, *, detect: bool) -> tuple[FrameResult, TrackState, tuple[Detection, ...]]:  # noqa: ARG002
        """See `FrameProcessor`. What goes wrong fails the frame here, too."""
        found: dict[View, Found] = {}
        states = dict(state.followed)
        for view in self._views:
            found[view], states[view] = self.follow(frame, view, states.get(view, CLNFState()), found.get(View.ORIGINAL))
        crowd = state.crowd or is_crowd(found[View.ORIGINAL])
        return self.describe(frame, found, crowd=crowd), TrackState(followed=states, crowd=crowd), ()

    def follow(self, frame: Frame, view: View, state: CLNFState, original: Found | None = None) -> tuple[Found, CLNFState]:
        """Find the face in the next picture of a view.

        Parameters
        ----------
        frame : Frame
            The original.
        view : View
        state : CLNFState
            Of the view, from the frame before; `CLNFState()` at a video's start.
        original : Followed or str, optional
            The face in the original picture, for a mirrored view.
        """
        if frame.problem is not None:
            return frame.problem, state
        try:
            return self._follow(frame, view, state, original)
        except FaceMirrorAUError as error:
            return str(error), state
        except Exception as error:
            logger.exception("frame %d failed", frame.index)
            return f"internal error: {type(error).__name__}", state

    def _follow(self, frame: Frame, view: View, state: CLNFState, original: Found | None) -> tuple[Found, CLNFState]:
        if view is View.ORIGINAL:
            return self._find(frame, state, None)
        face = None if original is None else self._measured(original)
        picture = "" if face is None else self._mirrored_pictures(frame, face, (view,))[view]
        if face is None or isinstance(picture, str):
            return Followed(), state
        return self._find(picture, state, reflect_landmarks(face.landmarks, midline_of_landmarks(face.landmarks), view))

    def _find(self, picture: Frame, state: CLNFState, near: Float32Array | None) -> tuple[Followed, CLNFState]:  # noqa: ARG002
        """The face in a picture, which is the next of its video; in a mirrored one `near` are the reflected landmarks, (68, 2)."""
        tracked, state = self._clnf.track(picture.image, state)
        return Followed(tracked.face, tracked.detected or 0), state

    def _counts(self, face: FittedFace) -> bool:
        """Whether a face is measured."""
        return face.success

    def _measured(self, found: Found) -> FittedFace | None:
        return found.face if isinstance(found, Followed) and found.face is not None and self._counts(found.face) else None

    def describe(self, frame: Frame, found: Mapping[View, Found], *, crowd: bool) -> FrameResult:
        """Pose, gaze and descriptors of the faces that were found in a frame. What goes wrong fails the frame.

        Parameters
        ----------
        frame : Frame
        found : mapping of View to Followed or str
            From `follow`, of the same frame.
        crowd : bool
            Whether more than one face was seen by now.
        """
        state = TrackState(crowd=crowd)
        failed = frame.problem or next((each for each in found.values() if isinstance(each, str)), None)
        if failed is not None:
            return self._failed(frame, state, failed)
        try:
            return self._described(frame, {view: each for view, each in found.items() if isinstance(each, Followed)}, crowd=crowd)
        except (FaceMirrorAUError, HookError) as error:
            return self._failed(frame, state, str(error))
        except Exception as error:
            logger.exception("frame %d failed", frame.index)
            return self._failed(frame, state, f"internal error: {type(error).__name__}")

    def _described(self, frame: Frame, found: Mapping[View, Followed], *, crowd: bool) -> FrameResult:
        results = {View.ORIGINAL: self._result(frame, View.ORIGINAL, found[View.ORIGINAL])}
        original = self._measured(found[View.ORIGINAL])
        if original is not None:
            for view, picture in self._mirrored_pictures(frame, original, self._mirrored_views).items():
                failed = picture if isinstance(picture, str) else ""
                results[view] = self._result(frame if isinstance(picture, str) else picture, view, found[view], failed)
        else:
            reason = results[View.ORIGINAL].reason
            results |= {view: ViewResult(view, None, success=False, confidence=0.0, reason=reason) for view in self._mirrored_views}
        return FrameResult(frame.index, frame.time_s, tuple(results[view] for view in self._views), crowd)

    def _mirrored_pictures(self, frame: Frame, original: FittedFace, views: Sequence[View]) -> dict[View, Frame | str]:
        """The pictures of mirrored views; text: why there is none."""
        try:
            midline = midline_of_landmarks(original.landmarks)
        except LandmarksError as error:
            return dict.fromkeys(views, str(error))
        return {view: replace(frame, image=image) for view, image in self._mirror.views(frame.image, midline, views).items()}

    def _result(self, picture: Frame, view: View, found: Followed, failed: str = "") -> ViewResult:
        fitted = found.face
        if fitted is None:
            return ViewResult(view, None, success=False, confidence=0.0, reason=failed or NO_FACE)
        face = _tracked(fitted).face
        face = replace(
            face,
            source=self._source,
            detector=self._detector if found.detected else "",
            signals=self._signals(picture, fitted),
        )
        if not self._counts(fitted):
            return ViewResult(view, face, success=False, confidence=fitted.certainty, reason=NOT_BELIEVED)
        return ViewResult(view, face, success=True, confidence=fitted.certainty, descriptions=self._describe_face(picture, face, view))

    def _signals(self, picture: Frame, fitted: FittedFace) -> dict[str, FloatArray]:
        """What OpenFace writes of a face; gaze only of one that is measured."""
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
        return found | ({GAZE.name: space.gaze.ravel(), GAZE_ANGLES.name: space.gaze_angles} if self._counts(fitted) else {})


def is_crowd(original: Found) -> bool:
    """Whether the detector saw more than one face in an original picture."""
    return isinstance(original, Followed) and original.detected > 1


def _tracked(fitted: FittedFace) -> Tracked:
    located = Located(fitted.landmarks, fitted.certainty)
    fit = PoseFit(fitted.pose.astype(np.float64), fitted.local.astype(np.float64), 0.0, 0)
    return Tracked(Face(landmark_box(located), fitted.certainty, fitted.landmarks, ""), located, fit, fitted.certainty)
