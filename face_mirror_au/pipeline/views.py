"""The mirrored views of a tracked face: their pictures, and their landmarks without a second detection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from face_mirror_au.errors import LandmarksError, UsageError
from face_mirror_au.numerics.reflection import Midline, Mirror, Part, midline_of_landmarks, reflect_landmarks
from face_mirror_au.pipeline.confidence import MIN_CONFIDENCE
from face_mirror_au.pipeline.track import BAD_LANDMARKS, FaceTracker, Tracked, TrackState
from face_mirror_au.records import Float32Array, Frame, Image, Located, View

LOCATE, REFLECT = "locate", "reflect"
# Half the side of what is looked at of a mirrored picture, in root mean square distances of the landmarks from their mean: PFLD's detector
# sees 2.8 of them, the attention mesh 2.3.
REACH = 3.2


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


class MirroredViews:
    """Mirrors tracked faces. Each picture is good until the next frame.

    Parameters
    ----------
    tracker : FaceTracker
    views : sequence of View
        Mirrored ones only.
    settings : MirrorSettings
    whole : bool
        Make whole pictures, not only what our own models look at.
    """

    def __init__(self, tracker: FaceTracker, views: Sequence[View], settings: MirrorSettings, *, whole: bool) -> None:
        self._tracker = tracker
        self._views = tuple(views)
        self._settings = settings
        self._whole = whole or settings.redetect
        self._mirror = Mirror()

    def faces(self, frame: Frame, tracked: Tracked) -> Iterator[tuple[View, Frame, Tracked | str]]:
        """Picture and face of each mirrored view.

        Parameters
        ----------
        frame : Frame
            The original.
        tracked : Tracked
            The face in it.

        Yields
        ------
        View
        Frame
            With the mirrored picture.
        Tracked or str
            The face in it, in its own pixels, or the reason why there is none.
        """
        if not self._views:
            return
        landmarks = tracked.located.landmarks
        try:
            midline = midline_of_landmarks(landmarks)
        except LandmarksError as error:
            for view in self._views:
                yield view, frame, str(error)
            return
        reflected = {view: reflect_landmarks(landmarks, midline, view) for view in self._views}
        part = None if self._whole else _looked_at(list(reflected.values()), midline, frame.image)
        for view, image in self._mirror.views(frame.image, midline, self._views, part).items():
            picture = replace(frame, image=image)
            yield view, picture, self._face(picture, view, tracked, Located(reflected[view], tracked.located.score))

    def _face(self, picture: Frame, view: View, tracked: Tracked, reflected: Located) -> Tracked | str:
        tracker = self._tracker
        if self._settings.landmarks == REFLECT:
            return tracker.accept(reflected, tracked.face.source, MIN_CONFIDENCE) or BAD_LANDMARKS
        if self._settings.redetect:
            found, _ = tracker.track(picture, TrackState(reflected, lost=False), tracker.detect(picture))
            return found
        return tracker.locate(picture, view, reflected, MIN_CONFIDENCE) or BAD_LANDMARKS


def _looked_at(faces: Sequence[Float32Array], midline: Midline, image: Image) -> Part:
    """The part of mirrored pictures in which models look for these landmarks (68, 2), describe them, and confirm the face."""
    turned = abs(midline.down_x) + abs(midline.down_y)  # how much longer an upright square is that holds one turned with the face
    centres = np.array([points.mean(axis=0) for points in faces], np.float64)
    sizes = np.array([np.sqrt(((points - centre) ** 2).sum(axis=1).mean()) for points, centre in zip(faces, centres, strict=True)])
    reach = REACH * turned * sizes[:, np.newaxis]
    return Part.between((centres - reach).min(axis=0), (centres + reach).max(axis=0), image)
