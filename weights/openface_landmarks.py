"""OpenFace's landmark models by the names that its own list files use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from face_mirror_weights.store import Store

LANDMARKS_SET, CECLM_SET = "openface-landmarks", "openface-ceclm"
# Files that the action-unit models have, too: the manifest knows a content once.
_SHARED = {
    "pdms/In-the-wild_aligned_PDM_68.txt": "AU_predictors/In-the-wild_aligned_PDM_68.txt",
    "tris_68_full.txt": "AU_predictors/tris_68_full.txt",
}


def landmark_files(store: Store) -> Callable[[str], Path]:
    """Return what finds a file of OpenFace's folder `model` by its relative path, wherever it lies, e.g. "mtcnn_detector/PNet.dat".

    The function that is returned raises a `WeightsError` for a file that is not there or that OpenFace does not have.
    """

    def resolve(relative: str) -> Path:
        return store.require(_SHARED.get(relative, f"model/{relative}"))

    return resolve
