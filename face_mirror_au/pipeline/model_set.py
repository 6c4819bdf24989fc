"""Which models a run uses: the profiles, what each needs, and how they are loaded.

A `ModelPlan` holds paths only. It is made once, in the parent; sessions are made from it where they are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from face_mirror_au.errors import ModelFileError, UsageError, WeightsError
from face_mirror_au.models.attention_mesh import AttentionMesh
from face_mirror_au.models.blazeface import BlazeFace
from face_mirror_au.models.open_bank import PDM_FEATURES, OpenBank, read_open_bank
from face_mirror_au.models.openface_files import read_au_bank, read_pdm, read_triangles
from face_mirror_au.models.pfld import PFLD
from face_mirror_au.models.protocols import FaceDetector, LandmarkModel
from face_mirror_au.models.retinaface import MAX_SIDE, RetinaFace
from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_au.pipeline.describer import FaceDescriber
from face_mirror_au.records import INTENSITY_AUS, N_LANDMARKS, PRESENCE_AUS
from face_mirror_weights import Store, open_models
from face_mirror_weights.hashing import sha256_of

AUTO = "auto"
PROFILES = (AUTO, "openface", "open", "hybrid")
MODELS = (AUTO, "dynamic", "static")
OPENFACE_BANK = "OpenFace 2.2"

# Shape parameters of OpenFace's PDM and of ours; tables have a column for each.
N_MODES = PDM_FEATURES - 3 * N_LANDMARKS

_LISTS = {"dynamic": "AU_all_best.txt", "static": "AU_all_static.txt"}
_AU_SET = "openface-au"
_PREDICTORS = "AU_predictors/"
_PDM = _PREDICTORS + "In-the-wild_aligned_PDM_68.txt"
_TRIANGLES = _PREDICTORS + "tris_68_full.txt"


@dataclass(frozen=True)
class ModelPlan:
    """Paths of all models of a run.

    Attributes
    ----------
    profile : str
        "openface", "open" or "hybrid"; "explicit" when the caller named the files.
    reason : str
        Why this profile, for the person who reads the output.
    detector, landmarks : (str, Path)
        Name of the model and its file.
    pdm, triangles : Path
    bank : str
        Name of the AU bank.
    models : str
        "dynamic", "static", or "auto": static for a single image, which has no neutral face to be compared with, else dynamic.
    predictors : Path or Store
        Where the bank's files are: a folder, or the store; the file of an open bank.
    bank_version : str
        Version of the bank's files; empty where nobody knows.
    hashes : mapping of str to str
        SHA-256 of the networks by their key, and of the set of the AU files by its name.
    devices : mapping of str to str
        Where each network runs, by its name; "cpu" where it is not named.
    warnings : tuple of str
        What the user should know about the choice.
    """

    profile: str
    reason: str
    detector: tuple[str, Path]
    landmarks: tuple[str, Path]
    pdm: Path
    triangles: Path
    bank: str
    models: str
    predictors: Path | Store
    bank_version: str = ""
    hashes: Mapping[str, str] = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def load_detector(self, max_side: int = MAX_SIDE, *, on_cpu: bool = False) -> FaceDetector:
        """Open the detector's session, which scales a frame down to `max_side` px. `on_cpu`: whatever `devices` says."""
        name, path = self.detector
        device = "cpu" if on_cpu else self.devices.get(name, "cpu")
        return RetinaFace(path, max_side=max_side, device=device) if name == "retinaface" else BlazeFace(path, device=device)

    def load_landmark_model(self, *, on_cpu: bool = False) -> LandmarkModel:
        """Open the landmark model's session."""
        name, path = self.landmarks
        device = "cpu" if on_cpu else self.devices.get(name, "cpu")
        return PFLD(path, device=device) if name == "pfld" else AttentionMesh(path, device=device)

    def load_pdm(self) -> PDM:
        """Read the PDM."""
        return _load_pdm(self.pdm)

    def load_describer(self) -> FaceDescriber:
        """Read PDM and triangles."""
        fitter = self.load_pose_fitter()
        open_bank = self.open_bank
        return FaceDescriber(fitter.pdm, read_triangles(self.triangles), fitter, None if open_bank is None else open_bank.mesh_shape)

    @property
    def open_bank(self) -> OpenBank | None:
        """The open bank, read once in each process; None when the AU models are others."""
        if self.profile != "open" or not isinstance(self.predictors, Path):
            return None
        return _open_bank(self.predictors)

    def load_pose_fitter(self) -> PoseFitter:
        """The pose fitter of this process: one for all, so that landmarks which were fitted once are not fitted again."""
        return _pose_fitter(self.pdm)

    def models_for(self, *, single_image: bool) -> str:
        """Which models a source is measured with: "dynamic" or "static"."""
        if self.models != AUTO:
            return self.models
        return "static" if single_image else "dynamic"

    def described(self) -> dict[str, object]:
        """What metadata say of the models."""
        return {
            "profile": self.profile,
            "reason": self.reason,
            "detector": self.detector[0],
            "landmarks": self.landmarks[0],
            "au_bank": self.bank,
            "au_bank_version": self.bank_version,
            "sha256": dict(self.hashes),
        }

    def described_bank(self, models: str) -> dict[str, object]:
        """What metadata say of the bank's "dynamic" or "static" models."""
        return {
            "au_models": models,
            "aus_left_empty": list(self.left_empty(models)),
            "aus_without_sides": list(self.without_sides(models)),
        }

    def left_empty(self, models: str) -> tuple[str, ...]:
        """Action units that the bank's "dynamic" or "static" models do not measure; their columns are empty."""
        open_bank = self.open_bank
        return () if open_bank is None else (*open_bank.missing(models), *(name for name in PRESENCE_AUS if name not in INTENSITY_AUS))

    def without_sides(self, models: str) -> tuple[str, ...]:
        """Action units of which the bank has no left and right of one picture."""
        open_bank = self.open_bank
        return () if open_bank is None else open_bank.missing_sides(models)

    def load_bank(self, *, single_image: bool = False) -> AUBank:
        """Read the AU bank."""
        models = self.models_for(single_image=single_image)
        open_bank = self.open_bank
        return load_openface_bank(self.predictors, models) if open_bank is None else open_bank.au_bank(models)


@lru_cache(maxsize=2)
def _open_bank(path: Path) -> OpenBank:
    return read_open_bank(path)


@lru_cache(maxsize=2)
def _pose_fitter(pdm: Path) -> PoseFitter:
    return PoseFitter(_load_pdm(pdm))


def load_openface_bank(source: Path | Store, models: str) -> AUBank:
    """OpenFace's bank from a folder AU_predictors, or from the store.

    Parameters
    ----------
    source : Path or Store
    models : str
        "dynamic" or "static".

    Raises
    ------
    ModelFileError
        Also when the predictors look at other features than OpenFace's.
    """

    def resolve(relative: str) -> Path:
        return source / relative if isinstance(source, Path) else source.require(_PREDICTORS + relative)

    bank = read_au_bank(_LISTS[models], resolve, name=OPENFACE_BANK)
    if bank.n_features != HOG_SIZE + PDM_FEATURES:
        raise ModelFileError(
            f"the predictors of {_LISTS[models]} look at {bank.n_features} features, OpenFace's at {HOG_SIZE + PDM_FEATURES}; "
            "run 'face-mirror-au weights verify' and fetch them again"
        )
    return bank


def _load_pdm(path: Path) -> PDM:
    pdm = read_pdm(path)
    if pdm.n_modes != N_MODES:
        raise ModelFileError(
            f"{path.name} has {pdm.n_modes} shape parameters, not {N_MODES}: it is the PDM of another program; fetch it again"
        )
    return pdm


def load_openface_describer(store: Store) -> FaceDescriber:
    """Describer with OpenFace's PDM and triangles, for landmarks that the user brings."""
    return FaceDescriber(_load_pdm(store.require(_PDM)), read_triangles(store.require(_TRIANGLES)))


def plan_models(store: Store, profile: str = "auto", models: str = AUTO, bank: Path | None = None) -> ModelPlan:
    """Choose the files of a profile.

    Parameters
    ----------
    store : Store
    profile : str
        One of `PROFILES`. "auto" takes the best one whose files are present: hybrid, openface, open.
    models : str
        One of `MODELS`; see `ModelPlan`.
    bank : Path, optional
        Another open bank (docs/models/open-au.md) than the one that ships with this package; implies profile "open".

    Raises
    ------
    UsageError
        The profile or `models` is unknown, or `bank` does not go with the profile.
    ModelFileError
        The open bank is damaged.
    WeightsError
        Files are missing; the message names the command that gets them.
    """
    if profile not in PROFILES:
        raise UsageError(f"unknown profile {profile!r}; choose one of {', '.join(PROFILES)}")
    if models not in MODELS:
        raise UsageError(f"unknown models {models!r}; choose one of {', '.join(MODELS)}")
    reason = "asked for"
    if profile == AUTO:
        profile, reason = ("open", "an open AU bank was named") if bank is not None else _best_profile(store)
    if bank is not None and profile != "open":
        raise UsageError(f"is for profile open, not {profile}, whose AU models are OpenFace's", "au_bank")
    if profile == "openface":
        return _openface(store, reason, models)
    return _open(store, reason, models, bank or open_models.BANK) if profile == "open" else _hybrid(store, reason, models)


def _best_profile(store: Store) -> tuple[str, str]:
    has_bank = store.has_set(_AU_SET)
    has_open = store.find("blazeface") is not None and store.find("attention_mesh") is not None
    has_pfld = store.find("pfld") is not None and (store.find("retinaface") or store.find("blazeface")) is not None
    if has_bank and has_open:
        return "hybrid", "OpenFace's AU files are here, and the attention mesh, which keeps left and right apart better than PFLD"
    if has_bank and has_pfld:
        return "openface", "OpenFace's AU files and PFLD are here, the attention mesh is not"
    if has_open:
        return "open", f"{_why_not_openface(store)}; our own AU models serve"
    raise WeightsError(
        "no model set is complete; run 'face-mirror-au weights fetch open' for the freely usable models, "
        "or 'face-mirror-au weights list' to see what is missing"
    )


def _why_not_openface(store: Store) -> str:
    missing, total = store.missing(_AU_SET), store.total(_AU_SET)
    if len(missing) == total:
        return "OpenFace's AU files are not here"
    others = f" and {len(missing) - 1} more are missing" if len(missing) > 1 else " is missing"
    return f"{total - len(missing)} of OpenFace's {total} AU files are here, {missing[0]}{others}"


def _hybrid(store: Store, reason: str, models: str) -> ModelPlan:
    store.require_set(_AU_SET)
    detector, landmarks = store.require("blazeface"), store.require("attention_mesh")
    return _with_openface_bank(store, "hybrid", reason, models, ("blazeface", detector), ("attention_mesh", landmarks))


def _open(store: Store, reason: str, models: str, bank: Path) -> ModelPlan:
    detector, landmarks = store.require("blazeface"), store.require("attention_mesh")
    read = _open_bank(bank)
    return ModelPlan(
        profile="open",
        reason=reason,
        detector=("blazeface", detector),
        landmarks=("attention_mesh", landmarks),
        pdm=open_models.PDM,
        triangles=open_models.TRIANGLES,
        bank=read.name,
        models=models,
        predictors=bank,
        bank_version=read.version,
        hashes=_hashes(store, "blazeface", "attention_mesh") | {"open-au": sha256_of(bank)},
    )


def _hashes(store: Store, *models: str) -> dict[str, str]:
    return {name: store.sha256(name) for name in models}


def _openface(store: Store, reason: str, models: str) -> ModelPlan:
    warnings: tuple[str, ...] = ()
    detector = "retinaface"
    if store.find("retinaface") is None and store.find("blazeface") is not None:
        detector = "blazeface"
        warnings = ("RetinaFace is not here: faces are detected by BlazeFace instead",)
    found = detector, store.require(detector, fetch="openface")
    landmarks = "pfld", store.require("pfld", fetch="openface")
    store.require_set(_AU_SET)
    return _with_openface_bank(store, "openface", reason, models, found, landmarks, warnings)


def _with_openface_bank(
    store: Store,
    profile: str,
    reason: str,
    models: str,
    detector: tuple[str, Path],
    landmarks: tuple[str, Path],
    warnings: tuple[str, ...] = (),
) -> ModelPlan:
    """The plan of these two networks with OpenFace's PDM, triangles and predictors."""
    return ModelPlan(
        profile=profile,
        reason=reason,
        detector=detector,
        landmarks=landmarks,
        pdm=store.require(_PDM),
        triangles=store.require(_TRIANGLES),
        bank=OPENFACE_BANK,
        models=models,
        predictors=store,
        bank_version=store.manifest.sets[_AU_SET].version,
        hashes=_hashes(store, detector[0], landmarks[0]) | {_AU_SET: store.set_sha256(_AU_SET)},
        warnings=warnings,
    )
