"""OpenFace's AU models, from a folder AU_predictors or from the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from face_mirror_au.errors import ModelFileError
from face_mirror_au.models.open_bank import PDM_FEATURES
from face_mirror_au.models.openface_files import read_au_bank
from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.numerics.mesh_shape import MeshShape
from face_mirror_weights import Store

OPENFACE_BANK = "OpenFace 2.2"
AU_SET = "openface-au"  # in the store
PREDICTORS = "AU_predictors/"

_LISTS = {"dynamic": "AU_all_best.txt", "static": "AU_all_static.txt"}


@dataclass(frozen=True)
class OpenFaceBank:
    """An `AUModels`.

    Attributes
    ----------
    source : Path or Store
        A folder AU_predictors, or the store.
    """

    source: Path | Store
    name = OPENFACE_BANK
    unrestricted = False
    has_sides = False

    @property
    def version(self) -> str:
        """OpenFace's, where the files are the store's."""
        return self.source.manifest.sets[AU_SET].version if isinstance(self.source, Store) else ""

    @property
    def mesh_shape(self) -> MeshShape | None:
        """It needs no mesh."""
        return None

    def left_empty(self, form: str) -> tuple[str, ...]:  # noqa: ARG002  (of AUModels)
        """It measures all there is a column for."""
        return ()

    def without_sides(self, form: str) -> tuple[str, ...]:  # noqa: ARG002
        """It has no sides at all."""
        return ()

    def side_errors(self, form: str) -> Mapping[str, float]:  # noqa: ARG002
        """It has no sides at all."""
        return {}

    def au_bank(self, form: str) -> AUBank:
        """The predictors, "dynamic" or "static".

        Raises
        ------
        ModelFileError
            Also when the predictors look at other features than OpenFace's.
        """

        def resolve(relative: str) -> Path:
            return self.source / relative if isinstance(self.source, Path) else self.source.require(PREDICTORS + relative)

        bank = read_au_bank(_LISTS[form], resolve, name=self.name)
        if bank.n_features != HOG_SIZE + PDM_FEATURES:
            raise ModelFileError(
                f"the predictors of {_LISTS[form]} look at {bank.n_features} features, OpenFace's at {HOG_SIZE + PDM_FEATURES}; "
                "run 'face-mirror-au weights verify' and fetch them again"
            )
        return bank
