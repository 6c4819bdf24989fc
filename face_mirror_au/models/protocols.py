"""What a detector, a landmark model and AU models must offer: a host can bring its own of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.mesh_shape import MeshShape
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
    def scores_presence(self) -> bool:
        """Whether `Located.score` tells if there is a face in the region; without it the detector is asked (`presence_score`)."""

    def region_from_detection(self, detection: Detection) -> Region:
        """Return where to look for the landmarks of a detected face."""

    def region_from_landmarks(self, located: Located) -> Region:
        """Return where to look in the next frame: from `located.mesh` if there is one, else from the 68 landmarks."""

    def locate(self, image: Image, region: Region) -> Located:
        """Return the landmarks of the face in a region, in frame pixels."""


class AUModels(Protocol):
    """The AU models of a file or folder, which answer for themselves. A form of them is "dynamic" or "static"."""

    @property
    def name(self) -> str:
        """What outputs call them."""

    @property
    def version(self) -> str:
        """Of the files; empty where nobody knows."""

    @property
    def mesh_shape(self) -> MeshShape | None:
        """What they look at of the 478 points of a mesh; None: they need no mesh."""

    @property
    def unrestricted(self) -> bool:
        """Whether anyone may use them: then nothing that not everyone may use serves beside them."""

    @property
    def has_sides(self) -> bool:
        """Whether they tell the sides of one picture apart."""

    def left_empty(self, form: str) -> tuple[str, ...]:
        """Action units that they do not measure; their columns are empty."""

    def without_sides(self, form: str) -> tuple[str, ...]:
        """Action units that they measure, but not for each side of one picture."""

    def side_errors(self, form: str) -> Mapping[str, float]:
        """By action unit, where that was measured: of faces whose sides do the same, 95 % seem to differ by less."""

    def au_bank(self, form: str) -> AUBank:
        """The predictors."""
