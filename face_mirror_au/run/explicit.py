"""Model files that the caller names, one by one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from face_mirror_au.errors import WeightsError
from face_mirror_au.pipeline.model_set import ModelPlan


@dataclass(frozen=True)
class ExplicitModels:
    """Model files that the caller names, instead of a profile.

    Attributes
    ----------
    retinaface, pfld : path
        The two networks.
    pdm, triangles : path
    au_models : path
        Folder with AU_all_best.txt and the predictors that it names.
    """

    retinaface: Path | str
    pfld: Path | str
    pdm: Path | str
    triangles: Path | str
    au_models: Path | str

    def plan(self, models: str) -> ModelPlan:
        """The model plan of these files. Raises WeightsError when one of them is not there."""
        for field in fields(self):
            path = Path(getattr(self, field.name))
            if not path.exists():
                raise WeightsError(f"{field.name}: '{path}' does not exist; give the path of that model file")
        return ModelPlan(
            profile="explicit",
            reason="the caller named the files",
            detector=("retinaface", Path(self.retinaface)),
            landmarks=("pfld", Path(self.pfld)),
            pdm=("openface", Path(self.pdm)),
            triangles=Path(self.triangles),
            bank_kind="openface",
            models=models,
            predictors=Path(self.au_models),
        )
