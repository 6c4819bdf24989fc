"""What a detector and a landmark model must offer: a host can bring its own of either."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from face_mirror_au.records import Detection, Image, Located, Region


class FaceDetector(Protocol):
    """Finds the faces of a frame."""

    @property
    def name(self) -> str:
        """Short name for metadata, e.g. ``"retinaface"``."""

    def detect(self, image: Image) -> list[Detection]:
        """Return the faces of one (H, W, 3) uint8 BGR frame, best score first; an empty list when there is none."""


class LandmarkModel(Protocol):
    """Finds 68 landmarks in a square region of a frame."""

    @property
    def name(self) -> str:
        """Short name for metadata, e.g. ``"pfld"``."""

    @property
    def keeps_asymmetry(self) -> bool:
        """Whether left and right landmarks follow an asymmetric face; if not, they must not be reflected (see Mirrored views)."""

    @property
    def scores_presence(self) -> bool:
        """Whether `Located.score` tells if there is a face in the region; without it the detector is asked (`presence_score`)."""

    def region_from_detection(self, detection: Detection) -> Region:
        """Return where to look for the landmarks of a detected face."""

    def region_from_landmarks(self, located: Located) -> Region:
        """Return where to look in the next frame: from `located.mesh` if there is one, else from the 68 landmarks."""

    def locate(self, images: Sequence[Image], regions: Sequence[Region]) -> list[Located]:
        """Return the landmarks of one face a picture, in frame pixels.

        The result for a picture does not depend, bit for bit, on which others come with it.
        """
