"""The mirrored views of a tracked face: their pictures, and their landmarks without a second detection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from face_mirror_au.errors import LandmarksError, UsageError
from face_mirror_au.numerics.reflection import Midline, midline_of_landmarks, mirror_views, reflect_landmarks
from face_mirror_au.pipeline.confidence import MIN_CONFIDENCE
from face_mirror_au.pipeline.track import BAD_LANDMARKS, FaceTracker, Tracked, TrackState
from face_mirror_au.records import Frame, Located, View

LOCATE, REFLECT = "locate", "reflect"


@dataclass(frozen=True, slots=True)
class MirrorSettings:
    """How the landmarks of mirrored pictures are found.

    Attributes
    ----------
    landmarks : str
        "locate": the landmark model runs on the mirrored picture, in the square of the reflected landmarks. "reflect": the landmarks of the
        kept half are reflected; only for a model that keeps asymmetry.
    redetect : bool
        Ask the detector on each mirrored picture, as a program would that is given the mirrored video. For comparison.
    """

    landmarks: str = LOCATE
    redetect: bool = False

    def __post_init__(self) -> None:
        if self.landmarks not in {LOCATE, REFLECT}:
            raise UsageError(f"must be {LOCATE} or {REFLECT}, not {self.landmarks!r}", "landmarks", "--mirror-landmarks")
        if self.redetect and self.landmarks == REFLECT:
            raise UsageError("looks for landmarks anew; it does not go with reflected landmarks", "redetect")


def mirrored_faces(
    tracker: FaceTracker, frame: Frame, tracked: Tracked, views: Sequence[View], settings: MirrorSettings
) -> Iterator[tuple[View, Frame, Tracked | str]]:
    """Picture and face of each mirrored view.

    Parameters
    ----------
    tracker : FaceTracker
    frame : Frame
        The original.
    tracked : Tracked
        The face in it.
    views : sequence of View
        Mirrored ones only.
    settings : MirrorSettings

    Yields
    ------
    View
    Frame
        With the mirrored picture.
    Tracked or str
        The face in it, in its own pixels, or the reason why there is none.
    """
    if not views:
        return
    try:
        midline = midline_of_landmarks(tracked.located.landmarks)
    except LandmarksError as error:
        for view in views:
            yield view, frame, str(error)
        return
    for view, image in mirror_views(frame.image, midline, views).items():
        picture = replace(frame, image=image)
        yield view, picture, _face(tracker, picture, view, tracked, midline, settings)


def _face(tracker: FaceTracker, picture: Frame, view: View, tracked: Tracked, midline: Midline, settings: MirrorSettings) -> Tracked | str:
    reflected = Located(reflect_landmarks(tracked.located.landmarks, midline, view), tracked.located.score)
    if settings.landmarks == REFLECT:
        return tracker.accept(reflected, tracked.face.source, MIN_CONFIDENCE) or BAD_LANDMARKS
    if settings.redetect:
        found, _ = tracker.track(picture, TrackState(reflected, lost=False), tracker.detect(picture))
        return found
    return tracker.locate(picture, view, reflected, MIN_CONFIDENCE) or BAD_LANDMARKS
