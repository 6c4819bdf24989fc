"""All faces of a single image, as OpenFace 2.2's `FaceLandmarkImg` finds them: each by itself, and whatever the validator says."""

from __future__ import annotations

import numpy as np

from face_mirror_au.numerics.clnf.face import FittedFace
from face_mirror_au.pipeline.clnf_tracker import CLNFState, grey
from face_mirror_au.pipeline.following import Followed, FollowingProcessor
from face_mirror_au.records import Float32Array, Frame, Image


class ImageFacesProcessor(FollowingProcessor):
    """A `FollowingProcessor` for an image that is given once for each of its faces: the frame's index says which face it is for."""

    _seen: tuple[Image, Float32Array] | None = None

    def _find(self, picture: Frame, state: CLNFState, near: Float32Array | None) -> tuple[Followed, CLNFState]:
        """The face of that number; in a mirrored picture the one that is nearest."""
        boxes = self._boxes(picture.image)
        number = picture.index if near is None else _nearest(boxes, near)
        if number >= len(boxes):
            return Followed(), state
        face, _ = self._landmarks.model.find(grey(picture.image), boxes[number], several=False)
        return Followed(face, detected=1), state

    def _counts(self, face: FittedFace) -> bool:  # noqa: ARG002
        """Every face is measured: `confidence` says what the validator thinks of it."""
        return True

    def _boxes(self, image: Image) -> Float32Array:
        """The detector's answer, (N, 4): x, y, width, height in px. The same picture comes again for the next face."""
        if self._seen is None or not np.array_equal(self._seen[0], image):
            self._seen = image.copy(), self._landmarks.detector.find(image)[0]
        return self._seen[1]


def _nearest(boxes: Float32Array, near: Float32Array) -> int:
    """Number of the box whose middle is nearest to that of landmarks (68, 2); 0 where there is none."""
    if not len(boxes):
        return 0
    middle = (near.min(axis=0) + near.max(axis=0)) / 2
    return int(np.argmin(np.linalg.norm(boxes[:, :2] + boxes[:, 2:4] / 2 - middle, axis=1)))
