"""Which models a run uses: the profiles, what each needs, and how they are loaded.

A `ModelPlan` holds paths only. It is made once, in the parent; sessions are made from it where they are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from face_mirror_au.errors import ModelFileError, UsageError, WeightsError
from face_mirror_au.models.catalogue import BANKS, DETECTORS, FOLLOWERS, LANDMARKS, MTCNN, PDMS, PROFILES, Follower, Landmarks, Profile
from face_mirror_au.models.mtcnn import LIST as MTCNN_LIST
from face_mirror_au.models.open_bank import PDM_FEATURES
from face_mirror_au.models.openface_bank import AU_SET
from face_mirror_au.models.openface_files import read_pdm, read_triangles
from face_mirror_au.models.protocols import AUModels, FaceDetector, LandmarkModel
from face_mirror_au.models.retinaface import MAX_SIDE
from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.fhog import fhog_program
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_au.pipeline.confidence import MIN_CONFIDENCE
from face_mirror_au.pipeline.describer import FaceDescriber
from face_mirror_au.pipeline.openface_landmarks import OpenFaceLandmarks
from face_mirror_au.pipeline.views import REFLECT, MirrorSettings
from face_mirror_au.records import N_LANDMARKS
from face_mirror_weights import Store
from face_mirror_weights.hashing import sha256_of
from face_mirror_weights.openface_landmarks import landmark_files

AUTO = "auto"
MODELS = (AUTO, "dynamic", "static")

# Shape parameters of OpenFace's PDM and of ours; tables have a column for each.
N_MODES = PDM_FEATURES - 3 * N_LANDMARKS


@dataclass(frozen=True)
class ModelPlan:
    """Paths of all models of a run.

    Attributes
    ----------
    profile : str
        A key of `PROFILES`; "explicit" when the caller named the files.
    reason : str
        Why this profile, for the person who reads the output.
    detector, landmarks, pdm : (str, Path)
        Key of the model in the catalogue, and its file.
    triangles : Path
    bank_kind : str
        Key of the kind of AU models in the catalogue.
    models : str
        "dynamic", "static", or "auto": static for a single image, which has no neutral face to be compared with, else dynamic.
    predictors : Path or Store
        Where the AU models are: a folder, or the store; the file of an open bank.
    hashes : mapping of str to str
        SHA-256 of the networks by their key, and of the AU models.
    devices : mapping of str to str
        Where each network runs, by its name; "cpu" where it is not named.
    warnings : tuple of str
        What the user should know about the choice.
    """

    profile: str
    reason: str
    detector: tuple[str, Path]
    landmarks: tuple[str, Path]
    pdm: tuple[str, Path]
    triangles: Path
    bank_kind: str
    models: str
    predictors: Path | Store
    hashes: Mapping[str, str] = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def landmark_entry(self) -> Landmarks | Follower:
        """What the catalogue says of the landmark model."""
        return self.follower or LANDMARKS[self.landmarks[0]]

    @property
    def follower(self) -> Follower | None:
        """What finds and follows the face in one; None where that are a detector, a landmark model and our own tracking."""
        return FOLLOWERS.get(self.landmarks[0])

    @property
    def in_order(self) -> bool:
        """Whether the landmark model must see all frames of a video in one process."""
        return self.follower is None and LANDMARKS[self.landmarks[0]].in_order

    @property
    def min_confidence(self) -> float:
        """A frame is a success when its confidence is above this."""
        return MIN_CONFIDENCE if self.follower is None else self.follower.min_confidence

    def load_follower(self) -> OpenFaceLandmarks:
        """Read all files of the follower."""
        if self.follower is None or not isinstance(self.predictors, Store):
            raise RuntimeError(f"profile {self.profile} has no follower")
        return OpenFaceLandmarks.read(landmark_files(self.predictors), self.follower.file_list)

    def load_detector(self, max_side: int = MAX_SIDE, *, on_cpu: bool = False) -> FaceDetector:
        """Open the detector's session, which scales a frame down to `max_side` px. `on_cpu`: whatever `devices` says."""
        name, path = self.detector
        return DETECTORS[name].opens(path, "cpu" if on_cpu else self.devices.get(name, "cpu"), max_side)

    def load_landmark_model(self, *, on_cpu: bool = False) -> LandmarkModel:
        """Open the landmark model's session."""
        name, path = self.landmarks
        return LANDMARKS[name].opens(path, "cpu" if on_cpu else self.devices.get(name, "cpu"))

    def load_pdm(self) -> PDM:
        """Read the PDM."""
        return _load_pdm(*self.pdm)

    def load_describer(self) -> FaceDescriber:
        """Read PDM and triangles."""
        fitter = self.load_pose_fitter()
        return FaceDescriber(
            fitter.pdm,
            read_triangles(self.triangles),
            fitter,
            self.au_models.mesh_shape,
            self.fhog,
            more_signals=self.follower is None,
        )

    @property
    def au_models(self) -> AUModels:
        """The AU models, which answer for themselves."""
        return BANKS[self.bank_kind].opens(self.predictors)

    @property
    def fhog(self) -> str:
        """The program that computes FHOG: "own" or "pyfhog"."""
        return fhog_program(unrestricted=self.au_models.unrestricted)

    @property
    def bank(self) -> str:
        """Name of the AU models."""
        return self.au_models.name

    @property
    def needs_mesh(self) -> bool:
        """Whether the AU models look at a mesh: no other landmarks will do, and none that are reflected."""
        return self.au_models.mesh_shape is not None

    def load_pose_fitter(self) -> PoseFitter:
        """The pose fitter of this process: one for all, so that landmarks which were fitted once are not fitted again."""
        return _pose_fitter(*self.pdm)

    def check_mirror(self, mirror: MirrorSettings) -> None:
        """Raise UsageError where the landmarks of mirrored views must not be found in that way."""
        if mirror.redetect and self.follower is not None:
            raise UsageError(f"is not for {self.follower.title}, which follows each mirrored view as a video of its own", "redetect")
        if mirror.landmarks == REFLECT:
            self._check_reflect()

    def _check_reflect(self) -> None:
        if not self.landmark_entry.keeps_asymmetry:
            why = f"{self.landmark_entry.title}, which pulls faces towards symmetry; take locate, or a profile with the attention mesh"
        elif self.needs_mesh:
            why = f"the {self.bank_kind} AU bank, which measures the mesh of the mirrored picture; take locate, or profile hybrid"
        else:
            return
        raise UsageError(f"reflect is not for {why}", "landmarks", "--mirror-landmarks")

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
            "fhog": self.fhog,
            "au_bank": self.bank,
            "au_bank_version": self.au_models.version,
            "sha256": dict(self.hashes),
        }

    def described_bank(self, models: str) -> dict[str, object]:
        """What metadata say of the bank's "dynamic" or "static" models."""
        return {
            "au_models": models,
            "aus_left_empty": list(self.left_empty(models)),
            "aus_without_sides": list(self.au_models.without_sides(models)),
            "side_errors": dict(self.au_models.side_errors(models)),
        }

    def left_empty(self, models: str) -> tuple[str, ...]:
        """Action units that the bank's "dynamic" or "static" models do not measure; their columns are empty."""
        return self.au_models.left_empty(models)

    def load_bank(self, *, single_image: bool = False) -> AUBank:
        """Read the AU bank."""
        return self.au_models.au_bank(self.models_for(single_image=single_image))


@lru_cache(maxsize=2)
def _pose_fitter(name: str, path: Path) -> PoseFitter:
    return PoseFitter(_load_pdm(name, path))


def _load_pdm(name: str, path: Path) -> PDM:
    pdm = read_pdm(path, name=name)
    if pdm.n_modes != N_MODES:
        raise ModelFileError(
            f"{path.name} has {pdm.n_modes} shape parameters, not {N_MODES}: it is the PDM of another program; fetch it again"
        )
    return pdm


def load_openface_describer(store: Store) -> FaceDescriber:
    """Describer with OpenFace's PDM and triangles, for landmarks that the user brings."""
    pdm, triangles = PDMS["openface"](store)
    return FaceDescriber(_load_pdm("openface", pdm), read_triangles(triangles))


def plan_models(store: Store, profile: str = "auto", models: str = AUTO, bank: Path | None = None) -> ModelPlan:
    """Choose the files of a profile.

    Parameters
    ----------
    store : Store
    profile : str
        "auto" or one of `PROFILES`. "auto" takes the best one whose files are present: hybrid, openface-pfld, open.
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
    if profile not in {AUTO, *PROFILES}:
        raise UsageError(f"unknown profile {profile!r}; choose one of {', '.join((AUTO, *PROFILES))}")
    if models not in MODELS:
        raise UsageError(f"unknown models {models!r}; choose one of {', '.join(MODELS)}")
    reason = "asked for"
    if profile == AUTO:
        profile, reason = ("open", "an open AU bank was named") if bank is not None else _best_profile(store)
    parts = PROFILES[profile]
    if bank is not None and BANKS[parts.bank].shipped is None:
        raise UsageError(f"is for profile open, not {profile}, whose AU models are OpenFace's", "au_bank")
    if parts.landmarks in FOLLOWERS:
        return _following(store, profile, reason, parts, models)
    detector = next((key for key in parts.detectors if store.find(key) is not None), parts.detectors[0])
    networks = {key: store.require(key, fetch=parts.fetch) for key in (detector, parts.landmarks)}
    predictors, bank_hash = _bank_files(store, parts.bank, bank)
    pdm, triangles = PDMS[parts.pdm](store)
    return ModelPlan(
        profile=profile,
        reason=reason,
        detector=(detector, networks[detector]),
        landmarks=(parts.landmarks, networks[parts.landmarks]),
        pdm=(parts.pdm, pdm),
        triangles=triangles,
        bank_kind=parts.bank,
        models=models,
        predictors=predictors,
        hashes={key: store.sha256(key) for key in networks} | {BANKS[parts.bank].files: bank_hash},
        warnings=_about_detector(parts.detectors[0], detector),
    )


def _following(store: Store, profile: str, reason: str, parts: Profile, models: str) -> ModelPlan:
    """The plan of a profile whose face is found and followed in one."""
    better = FOLLOWERS[parts.better] if parts.better is not None else None
    follower = better if better is not None and all(map(store.has_set, better.sets)) else FOLLOWERS[parts.landmarks]
    for name in (parts.fetch, *follower.sets):
        if name is not None:
            store.require_set(name)
    resolve = landmark_files(store)
    predictors, bank_hash = _bank_files(store, parts.bank, None)
    pdm, triangles = PDMS[parts.pdm](store)
    return ModelPlan(
        profile=profile,
        reason=reason,
        detector=(MTCNN, resolve(MTCNN_LIST)),
        landmarks=(follower.key, resolve(follower.file_list)),
        pdm=(parts.pdm, pdm),
        triangles=triangles,
        bank_kind=parts.bank,
        models=models,
        predictors=predictors,
        hashes={name: store.set_sha256(name) for name in follower.sets} | {BANKS[parts.bank].files: bank_hash},
    )


def _bank_files(store: Store, key: str, named: Path | None) -> tuple[Path | Store, str]:
    """Where the AU models of a kind are, and their hash: a set of the store, or a file."""
    kind = BANKS[key]
    if kind.shipped is None:
        return store, store.set_sha256(kind.files)
    path = named or kind.shipped
    kind.opens(path)  # one that is damaged is told here
    return path, sha256_of(path)


def _about_detector(wanted: str, taken: str) -> tuple[str, ...]:
    if taken == wanted:
        return ()
    return (f"{DETECTORS[wanted].title} is not here: faces are detected by {DETECTORS[taken].title} instead",)


def _best_profile(store: Store) -> tuple[str, str]:
    has_bank = store.has_set(AU_SET)
    has_networks = {
        name: store.find(parts.landmarks) is not None and any(store.find(key) is not None for key in parts.detectors)
        for name, parts in PROFILES.items()
        if parts.landmarks in LANDMARKS
    }
    if has_bank and has_networks["hybrid"]:
        return "hybrid", "OpenFace's AU files are here, and the attention mesh, which keeps left and right apart better than PFLD"
    if has_bank and has_networks["openface-pfld"]:
        return "openface-pfld", "OpenFace's AU files and PFLD are here, the attention mesh is not"
    if has_networks["open"]:
        return "open", f"{_why_not_openface(store)}; our own AU models serve"
    raise WeightsError(
        "no model set is complete; run 'face-mirror-au weights fetch open' for the freely usable models, "
        "or 'face-mirror-au weights list' to see what is missing"
    )


def _why_not_openface(store: Store) -> str:
    missing, total = store.missing(AU_SET), store.total(AU_SET)
    if len(missing) == total:
        return "OpenFace's AU files are not here"
    others = f" and {len(missing) - 1} more are missing" if len(missing) > 1 else " is missing"
    return f"{total - len(missing)} of OpenFace's {total} AU files are here, {missing[0]}{others}"
