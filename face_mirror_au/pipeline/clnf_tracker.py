"""OpenFace's landmark tracking in a video: a pure function of the frame and a small state (OpenFace 2.2 `DetectLandmarksInVideo`).

A frame's landmarks depend on those of the frame before: frames must come in order, from the first one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from face_mirror_au.numerics.clnf.experts import Grey
from face_mirror_au.numerics.clnf.face import FaceModel, FittedFace
from face_mirror_au.opencv import opencv
from face_mirror_au.records import Float32Array, Image

Boxes = Callable[[Image], Float32Array]
"""Finds faces in a BGR picture: (k, 4) or more columns, x, y, width, height in px, the best first."""

# OpenFace 2.2: while there is no face the detector is asked every so many frames, while one is lost every second frame ...
_SEARCH_EVERY = 12
_REDETECT_EVERY = 2
# ... and after so many failures the face is given up.
_MAX_FAILURES = 100


@dataclass(frozen=True, slots=True)
class CLNFState:
    """What the tracker carries from one frame to the next.

    Attributes
    ----------
    face : FittedFace or None
        As it was last seen or tried; None before the first one.
    initialised : bool
        Whether there is a face to follow.
    failures : int
        In a row; -1 when there is none.
    """

    face: FittedFace | None = None
    initialised: bool = False
    failures: int = -1


@dataclass(frozen=True, slots=True)
class CLNFFrame:
    """What one frame gave.

    Attributes
    ----------
    face : FittedFace or None
        Also of a frame that failed.
    returned : bool
        OpenFace's `success` of the frame. The first detection in a video counts even where the validator does not believe it.
    detected : int or None
        Number of faces that the detector saw; None when it was not asked.
    """

    face: FittedFace | None
    returned: bool
    detected: int | None


class CLNFTracker:
    """Follows one face.

    Parameters
    ----------
    model : FaceModel
    detector : callable
        See `Boxes`.
    """

    def __init__(self, model: FaceModel, detector: Boxes) -> None:
        self._model = model
        self._detector = detector

    def track(self, image: Image, state: CLNFState) -> tuple[CLNFFrame, CLNFState]:
        """Find the face in the next frame.

        Parameters
        ----------
        image : ndarray, (height, width, 3) uint8
            BGR.
        state : CLNFState
            From the frame before; `CLNFState()` at a video's start.
        """
        picture = grey(image)
        face, failures = state.face, state.failures
        if state.initialised and face is not None:
            face = self._model.follow(picture, face)
            failures = -1 if face.success else failures + 1
        detected = None
        if self._asks_detector(state.initialised, face, failures):
            boxes = self._detector(image)
            detected = len(boxes)
            if detected:
                found, returned = self._model.find(
                    picture, widest(boxes), several=True, **({} if face is None else {"likelihood": face.likelihood})
                )
                if state.initialised and not returned and face is not None:
                    # Back to where it was; what the attempt says about itself and its parts stays, as in OpenFace.
                    face = replace(face, parts=found.parts, success=found.success, certainty=found.certainty)
                    return CLNFFrame(face, returned=False, detected=detected), CLNFState(face, initialised=True, failures=failures)
                return CLNFFrame(found, returned=True, detected=detected), CLNFState(found, initialised=True, failures=-1)
        failures += not state.initialised
        success = state.initialised and face is not None and face.success
        return CLNFFrame(face, success, detected), CLNFState(face, state.initialised and failures <= _MAX_FAILURES, failures)

    @staticmethod
    def _asks_detector(initialised: bool, face: FittedFace | None, failures: int) -> bool:
        if not initialised or face is None:
            return (failures + 1) % _SEARCH_EVERY == 0
        return not face.success and failures % _REDETECT_EVERY == 0


def grey(image: Image) -> Grey:
    """A BGR picture in grey as OpenCV makes it, (height, width) uint8."""
    cv2 = opencv()
    return np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))


def widest(boxes: Float32Array) -> Float32Array:
    """The box (4,) that OpenFace follows in a video: the widest, of equals the first."""
    return np.asarray(boxes[int(np.argmax(boxes[:, 2])), :4], np.float32)
