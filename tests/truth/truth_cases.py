"""The comparisons with C++ OpenFace 2.2, shared by the tests and by `python -m benchmarks.truth`.

Everything goes through the public paths: landmarks and video in, values out, as `au-from-landmarks` does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from face_mirror_au.api import LandmarkAUs, aus_from_landmarks
from face_mirror_au.media.video import open_source
from face_mirror_au.models.openface_files import read_au_bank, read_pdm, read_triangles
from face_mirror_au.numerics.alignment import Aligner
from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.fhog import extract_fhog
from face_mirror_au.numerics.running_median import NeutralReference
from face_mirror_au.pipeline.describer import FaceDescriber
from face_mirror_au.records import INTENSITY_AUS, PRESENCE_AUS, FaceDescriptor, FloatArray
from face_mirror_au.tables.landmarks_csv import read_landmarks

SHARED = Path(__file__).resolve().parents[3] / "shared"
TRUTH = SHARED / "truth"
PREDICTORS = SHARED / "weights" / "openface-2.2.0" / "AU_predictors"

# Largest |difference| of any intensity, and smallest share of equal presences, in every mode.
MAX_DIFFERENCE = 0.05
MIN_EQUAL = 0.999
MOVING = 0.05  # an AU whose standard deviation is above this has a correlation worth the name


@dataclass(frozen=True)
class Case:
    """One C++ result to compare with.

    Attributes
    ----------
    folder : str
        Below ../shared/truth: where the landmarks are.
    models : str
        "dynamic", "static" or "image".
    kind : str
        "final", "online", "repredicted" or "webcam".
    truth : str
        File with the C++ values, below `folder`.
    """

    folder: str
    models: str
    kind: str
    truth: str

    @property
    def name(self) -> str:
        """For tables and test ids."""
        return f"{self.folder} {self.models} {self.kind}"

    @property
    def media(self) -> str:
        """The video or folder that belongs to it, below ../shared/media."""
        return {"changeLighting": "changeLighting.wmv", "images": ""}.get(self.folder, "default.wmv")


EDGES = ("edge_A", "edge_B", "edge_short01", "edge_short02", "edge_short03", "edge_short04", "edge_short10", "edge_short20")
CASES = (
    *(Case("default", "dynamic", values, f"dynamic/au_{values}.csv.gz") for values in ("online", "repredicted", "final")),
    Case("default", "dynamic", "webcam", "dynamic_online/au_online.csv.gz"),
    Case("default", "dynamic", "final", "dynamic_online/au_final.csv.gz"),
    *(Case("default", "static", values, f"static_seq/au_{values}.csv.gz") for values in ("online", "repredicted", "final")),
    Case("default", "image", "final", "image/au_image.csv.gz"),
    *(Case("changeLighting", "dynamic", values, f"dynamic/au_{values}.csv.gz") for values in ("online", "repredicted", "final")),
    Case("images", "image", "final", "au_image.csv.gz"),
    *(Case(edge, "dynamic", values, f"au_{values}.csv.gz") for edge in EDGES for values in ("online", "final")),
)


@dataclass(frozen=True)
class Agreement:
    """How far a result lies from the C++ one."""

    frames: int
    maximum: float
    p999: float
    correlation: float  # the smallest of the AUs that move; NaN when none does or there are fewer than 40 frames
    equal: float


@lru_cache(maxsize=4)
def pdm_and_describer() -> FaceDescriber:
    """The describer with OpenFace's PDM and triangles."""
    return FaceDescriber(read_pdm(PREDICTORS / "In-the-wild_aligned_PDM_68.txt"), read_triangles(PREDICTORS / "tris_68_full.txt"))


@lru_cache(maxsize=2)
def bank(list_name: str) -> AUBank:
    """OpenFace's dynamic or static bank."""
    return read_au_bank(list_name, lambda relative: PREDICTORS / relative, name="OpenFace 2.2")


def compute(case: Case) -> LandmarkAUs:
    """Our values for a case, failed frames read as OpenFace reads them."""
    index = TRUTH / case.folder / "index.csv" if case.folder == "images" else None
    return aus_from_landmarks(
        SHARED / "media" / case.media,
        TRUTH / case.folder / "landmarks.csv.gz",
        models=case.models,
        values=case.kind,
        strict=True,
        weights_dir=SHARED / "weights",
        image_index=index,
    )


def compare(case: Case) -> Agreement:
    """Compute a case and compare it with the C++ values."""
    ours = compute(case)
    truth = pd.read_csv(TRUTH / case.folder / case.truth)
    return agreement(ours.intensity, ours.presence, truth)


def agreement(intensity: FloatArray, presence: FloatArray, truth: pd.DataFrame) -> Agreement:
    """Compare (N, 17) intensities and (N, 18) presences with a C++ table."""
    expected = truth[[f"{name}_r" for name in INTENSITY_AUS]].to_numpy()
    classes = truth[[f"{name}_c" for name in PRESENCE_AUS]].to_numpy()
    if intensity.shape != expected.shape:
        raise AssertionError(f"{intensity.shape} values for {expected.shape}")
    difference = np.abs(intensity - expected)
    moving = np.flatnonzero(expected.std(axis=0) > MOVING) if len(expected) >= 40 else []
    correlations = [np.corrcoef(intensity[:, k], expected[:, k])[0, 1] for k in moving]
    return Agreement(
        frames=len(expected),
        maximum=float(difference.max()),
        p999=float(np.quantile(difference, 0.999)),
        correlation=float(min(correlations)) if correlations else float("nan"),
        equal=float(np.mean(presence == classes)),
    )


def limits(case: Case, frames: int) -> tuple[float, float]:
    """Largest 99.9th percentile and smallest correlation that a case may have."""
    return (0.01, 0.9999) if case.kind == "final" and case.models != "image" and frames >= 80 else (0.03, 0.9995)


# --- stage by stage -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StageDifferences:
    """Largest |difference| of each stage from the C++ program's, over all frames or all stored frames of a clip."""

    scale: float
    rotation: float
    translation: float
    local: float
    aligned_bytes: int
    aligned_grey: int
    hog: float
    fhog_of_same_face: float
    geometry: float
    geometry_median: float
    hog_median_final: float
    from_stored: float


STAGE_CLIPS = ("default", "changeLighting")


@lru_cache(maxsize=4)
def _described(clip: str) -> tuple[list[NDArray[np.uint8]], FloatArray, list[FaceDescriptor]]:
    points = read_landmarks(TRUTH / clip / "landmarks.csv.gz").points
    with open_source(SHARED / "media" / f"{clip}.wmv") as source:
        images = [frame.image for frame in source]
    describer = pdm_and_describer()
    return images, points, [describer.describe(image, face) for image, face in zip(images, points, strict=True)]


def stage_differences(clip: str) -> StageDifferences:
    """Every stage of a clip against the stored C++ intermediate results."""
    images, points, descriptors = _described(clip)
    parameters = pd.read_csv(TRUTH / clip / "dynamic" / "pdm_params.csv.gz").to_numpy()[:, 2:]
    ours = np.array([np.concatenate([d.pose, d.geometry[204:]]) for d in descriptors])
    difference = np.abs(ours - parameters).max(axis=0)
    stored = np.load(TRUTH / clip / "dynamic" / "frames.npz")
    frames = stored["frame"] - 1
    describer = pdm_and_describer()
    aligner = Aligner(describer.pdm, read_triangles(PREDICTORS / "tris_68_full.txt"))
    faces = [aligner.align(images[i], points[i], descriptors[i].pose) for i in frames]
    grey = [np.abs(face.astype(int) - stored["aligned"][k]) for k, face in enumerate(faces)]
    neutral, medians = NeutralReference(4464, 238), {}
    for i, descriptor in enumerate(descriptors):
        neutral.update(descriptor.hog, descriptor.geometry)
        medians[i] = neutral.geometry.copy()
    return StageDifferences(
        scale=difference[0],
        rotation=difference[1:4].max(),
        translation=difference[4:6].max(),
        local=difference[6:].max(),
        aligned_bytes=max(int(np.count_nonzero(g)) for g in grey),
        aligned_grey=max(int(g.max()) for g in grey),
        hog=max(float(np.abs(descriptors[i].hog - stored["hog"][k]).max()) for k, i in enumerate(frames)),
        fhog_of_same_face=max(float(np.abs(extract_fhog(a) - h).max()) for a, h in zip(stored["aligned"], stored["hog"], strict=True)),
        geometry=max(float(np.abs(descriptors[i].geometry - stored["geometry"][k]).max()) for k, i in enumerate(frames)),
        geometry_median=max(float(np.abs(medians[i] - stored["geometry_median"][k]).max()) for k, i in enumerate(frames)),
        hog_median_final=float(np.abs(neutral.hog - stored["hog_median_final"]).max()),
        from_stored=_from_stored(clip),
    )


def _from_stored(clip: str) -> float:
    """Re-predicted values from the stored HOG, geometry and final medians, against the C++ values of those frames."""
    stored = np.load(TRUTH / clip / "dynamic" / "frames.npz")
    truth = pd.read_csv(TRUTH / clip / "dynamic" / "au_repredicted.csv.gz")
    dynamic = bank("AU_all_best.txt")
    offsets = dynamic.offsets(np.concatenate([stored["hog_median_final"], stored["geometry_median_final"]]))
    raw, presence = dynamic.predict(np.concatenate([stored["hog"], stored["geometry"]], axis=1, dtype=np.float64), offsets)
    rows = truth.iloc[stored["frame"] - 1]
    if not np.array_equal(presence, rows[[f"{name}_c" for name in PRESENCE_AUS]].to_numpy()):
        raise AssertionError("presences from the stored descriptors differ")
    return float(np.abs(raw - rows[[f"{name}_r" for name in INTENSITY_AUS]].to_numpy()).max())


def stages() -> Iterator[tuple[str, StageDifferences]]:
    """All clips with stored intermediate results."""
    for clip in STAGE_CLIPS:
        yield clip, stage_differences(clip)
