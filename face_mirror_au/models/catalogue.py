"""Our detectors, landmark models, PDMs, kinds of AU models and profiles, each described once. A new one is its file and an entry here.

Nobody else asks for a name: what depends on a network or a bank is a field of its entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from face_mirror_au.models import attention_mesh, blazeface, clnf, pfld, retinaface
from face_mirror_au.models.open_bank import read_open_bank
from face_mirror_au.models.openface_bank import AU_SET, OPENFACE_BANK, PREDICTORS, OpenFaceBank
from face_mirror_au.models.protocols import AUModels, FaceDetector, LandmarkModel
from face_mirror_au.models.session import NetworkForm
from face_mirror_au.numerics.clnf.face import MIN_CERTAINTY
from face_mirror_weights import Store, open_models


@dataclass(frozen=True, kw_only=True)
class Network:
    """What a detector and a landmark model have in common.

    Attributes
    ----------
    key : str
        In the manifest, the metadata, and as the name of its plugin.
    title : str
        For people.
    form : NetworkForm
    cpu_only : mapping of str to str
        Devices on which it is not tried, with the reason.
    """

    key: str
    title: str
    form: NetworkForm
    cpu_only: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Detector(Network):
    """A face detector. Its detections say themselves what of a face their boxes hold.

    Attributes
    ----------
    opens : callable
        Makes it of a file, a device and the longest side of a frame that it is shown, px.
    """

    opens: Callable[[Path, str, int], FaceDetector]


@dataclass(frozen=True)
class Calibration:
    """How sure landmarks are, for one landmark model and one PDM: a logistic regression of "the landmarks are right".

    Attributes
    ----------
    intercept : float
    by_score : float
        Slope for the logit of the presence score.
    by_error : float
        Slope for the error of the PDM's fit, mm.
    across : float or None
        Outer-eye distance, px, to which landmarks are scaled before they are fitted for this. None: as large as they are; the fit weighs
        its prior against pixels, so that the error grows as faces shrink.
    """

    intercept: float
    by_score: float
    by_error: float
    across: float | None = None


@dataclass(frozen=True, kw_only=True)
class Landmarks(Network):
    """A landmark model.

    Attributes
    ----------
    opens : callable
        Makes it of a file and a device.
    keeps_asymmetry : bool
        Left and right landmarks follow an asymmetric face. Of a model without, they must not be reflected, nor compared in one picture.
    calibration : mapping of str to Calibration
        For each PDM by name, see `pipeline.confidence`.
    in_order : bool
        It carries something from frame to frame, and must see every frame of a video, in order.
    """

    opens: Callable[[Path, str], LandmarkModel]
    keeps_asymmetry: bool
    calibration: Mapping[str, Calibration]
    in_order: bool = False


@dataclass(frozen=True, kw_only=True)
class Follower:
    """Landmarks that come with a detector and a validator of their own, and are followed from frame to frame by their own rules.

    Attributes
    ----------
    key, title : str
        See `Network`.
    file_list : str
        OpenFace's list of its files.
    sets : tuple of str
        Of the store, that it needs.
    keeps_asymmetry : bool
        See `Landmarks`.
    min_confidence : float
        A frame is a success above it.
    """

    key: str
    title: str
    file_list: str
    sets: tuple[str, ...]
    keeps_asymmetry: bool = False
    min_confidence: float = MIN_CERTAINTY


@dataclass(frozen=True)
class BankKind:
    """A kind of AU models.

    Attributes
    ----------
    files : str
        What the metadata call the hash of its files.
    opens : callable
        Makes the models of where they are.
    name : str
        What such models are called, where the file does not say it.
    own_scale : bool
        Its numbers must not be compared with OpenFace's.
    scale : str
        What its intensities are, for people.
    neutral, is_neutral : str
        What it calls no movement, and what that is, for people.
    shipped : Path, optional
        The file that comes with this package, in whose place the user may name another. None: a set of the store, `files`.
    """

    files: str
    opens: Callable[[Any], AUModels]
    name: str
    own_scale: bool
    scale: str
    neutral: str
    is_neutral: str
    shipped: Path | None = None


@dataclass(frozen=True)
class Profile:
    """What a profile consists of, by the keys of this catalogue.

    Attributes
    ----------
    detectors : tuple of str
        The first that is here serves.
    landmarks, pdm, bank : str
        A follower in the place of `landmarks` serves where no better one is here.
    fetch : str or None
        The set to fetch when a network is missing; the network's own when None.
    better : str or None
        A follower that serves instead of `landmarks` where it is here.
    serves : str
        What it is to be taken for, in words; measured in docs/method.md.
    """

    detectors: tuple[str, ...]
    landmarks: str
    pdm: str
    bank: str
    serves: str
    fetch: str | None = None
    better: str | None = None


DETECTORS: Mapping[str, Detector] = {
    entry.key: entry
    for entry in (
        Detector(
            key=retinaface.RetinaFace.name,
            title="RetinaFace",
            form=retinaface.FORM,
            opens=lambda path, device, max_side: retinaface.RetinaFace(path, device=device, max_side=max_side),
            cpu_only={
                "coreml": "its input has the size of the video, and CoreML is slow or crashes with sizes that change; "
                "it runs at a chunk's first frame only"
            },
        ),
        Detector(
            key=blazeface.BlazeFace.name,
            title="BlazeFace",
            form=blazeface.FORM,
            opens=lambda path, device, max_side: blazeface.BlazeFace(path, device=device),  # noqa: ARG005  (it scales frames as it likes)
        ),
    )
}

# Calibrations with OpenFace's PDM: made from 1,440 located faces for each model in frames of OpenFace's three sample clips, the region
# shifted, scaled and turned at random or put on background; right: mean distance to the undisturbed landmarks below 0.1 of the outer-eye
# distance. They classed 90 % (PFLD) and 94 % (attention mesh) of them rightly. They stay, since tables of these profiles must.
# The mesh with our PDM: 2,304 faces of 24 rendered people, 30 to 400 px, at rest, drooping, smiling on one side; see
# benchmarks.rest_and_eyes. The other PDM makes other errors: with OpenFace's numbers, 4 of 10 right faces were refused.
LANDMARKS: Mapping[str, Landmarks] = {
    entry.key: entry
    for entry in (
        Landmarks(
            key=pfld.PFLD.name,
            title="PFLD",
            form=pfld.FORM,
            opens=lambda path, device: pfld.PFLD(path, device=device),
            keeps_asymmetry=False,  # trained on symmetric faces, it pulls every face towards symmetry
            calibration=dict.fromkeys(("openface", "open"), Calibration(3.6, 0.31, -5.1)),
        ),
        Landmarks(
            key=attention_mesh.AttentionMesh.name,
            title="MediaPipe's attention mesh",
            form=attention_mesh.FORM,
            opens=lambda path, device: attention_mesh.AttentionMesh(path, device=device),
            keeps_asymmetry=True,
            calibration={"openface": Calibration(4.0, 0.35, -2.55), "open": Calibration(3.85, 0.58, -3.07, across=150.0)},
        ),
    )
}

NETWORKS: Mapping[str, Network] = {**DETECTORS, **LANDMARKS}

MTCNN = "mtcnn"
"""Key of the detector of all followers."""

FOLLOWERS: Mapping[str, Follower] = {
    entry.key: entry
    for entry in (
        Follower(key="clnf", title="OpenFace's CLNF", file_list=clnf.CLNF_LIST, sets=("openface-landmarks",)),
        Follower(key="ceclm", title="OpenFace's CE-CLM", file_list=clnf.CECLM_LIST, sets=("openface-landmarks", "openface-ceclm")),
    )
}

# For each PDM its file and its face mask.
PDMS: Mapping[str, Callable[[Store], tuple[Path, Path]]] = {
    "openface": lambda store: (
        store.require(PREDICTORS + "In-the-wild_aligned_PDM_68.txt"),
        store.require(PREDICTORS + "tris_68_full.txt"),
    ),
    "open": lambda store: (open_models.PDM, open_models.TRIANGLES),  # noqa: ARG005  (they come with the package)
}

BANKS: Mapping[str, BankKind] = {
    "openface": BankKind(
        files=AU_SET,
        opens=OpenFaceBank,
        name=OPENFACE_BANK,
        own_scale=False,
        scale="0 (no movement) to 5 (as strong as can be), OpenFace's scale",
        neutral="neutral face",
        is_neutral="the median of its frames",
    ),
    "open": BankKind(
        files="open-au",
        opens=lru_cache(maxsize=2)(read_open_bank),
        name="",
        own_scale=True,
        scale="0 to 5 on this bank's own scale: the numbers are not OpenFace's and must not be compared with OpenFace's",
        neutral="face at rest",
        is_neutral="what its quietest frames show",
        shipped=open_models.BANK,
    ),
}

PROFILES: Mapping[str, Profile] = {
    "open": Profile(("blazeface",), "attention_mesh", "open", "open", "left against right; free for any use"),
    "hybrid": Profile(("blazeface",), "attention_mesh", "openface", "openface", "left against right, on OpenFace's scale"),
    "openface": Profile(
        (MTCNN,),
        "clnf",
        "openface",
        "openface",
        "going on with what was measured by OpenFace; not left against right",
        fetch="openface",
        better="ceclm",
    ),
    "openface-pfld": Profile(
        ("retinaface", "blazeface"), "pfld", "openface", "openface", "going on with results of version 0.1.0", fetch="openface-pfld"
    ),
}


def title(name: str) -> str:
    """What people call a network; a plugin that is none of ours by its own name."""
    if name == MTCNN:
        return "MTCNN"
    entry = NETWORKS.get(name) or FOLLOWERS.get(name)
    return name if entry is None else entry.title


def landmark_entry(name: str) -> Landmarks | Follower | None:
    """What is known of a landmark model; None of one that is none of ours."""
    return LANDMARKS.get(name) or FOLLOWERS.get(name)


def bank_of(models: Mapping[str, Any]) -> BankKind:
    """The kind of AU models that metadata speak of; `models` is that part of them."""
    hashes = models.get("sha256") or {}
    return next((kind for kind in BANKS.values() if kind.files in hashes or kind.name == models.get("au_bank")), BANKS["open"])
