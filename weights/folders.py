"""Where model files are looked for, and where ours are put."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs

from face_mirror_weights.errors import WeightsError

WEIGHTS_VARIABLE = "FACE_MIRROR_AU_WEIGHTS"
OPENFACE_VARIABLE = "OPENFACE_MODELS_DIR"  # the variable of pyfaceau and its sisters, whose folder is used as it lies


def own_folder() -> Path:
    """The target of fetch and import: this program's data folder of this user (it need not exist yet)."""
    return Path(platformdirs.user_data_dir("face-mirror-au", appauthor=False)) / "weights"


def openface_default_folder() -> Path:
    """Where pyfaceau keeps OpenFace's models when OPENFACE_MODELS_DIR is not set."""
    if sys.platform == "darwin":
        data = Path.home() / "Library" / "Application Support"
    elif sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        data = Path.home() / ".local" / "share"
    return data / "OpenFaceModels" / "2.2.0"


def search_folders(weights_dir: Path | None = None, *, origin: str = "weights_dir") -> list[Path]:
    """Folders in the order in which they are searched.

    Parameters
    ----------
    weights_dir
        Searched first.
    origin
        What the user knows `weights_dir` as, for a message.

    Returns
    -------
    list of Path
        `weights_dir`, FACE_MIRROR_AU_WEIGHTS, OPENFACE_MODELS_DIR, pyfaceau's default folder, our own folder; only those that are set.
        The last three may be absent on disk.

    Raises
    ------
    WeightsError
        A folder that the user named (`weights_dir` or FACE_MIRROR_AU_WEIGHTS) does not exist.
    """
    folders: list[Path] = []
    if weights_dir is not None:
        folders.append(_existing(weights_dir, origin))
    if named := os.environ.get(WEIGHTS_VARIABLE):
        folders.append(_existing(Path(named), WEIGHTS_VARIABLE))
    if named := os.environ.get(OPENFACE_VARIABLE):
        folders.append(Path(named).expanduser())
    return [*folders, openface_default_folder(), own_folder()]


def _existing(folder: Path, origin: str) -> Path:
    folder = folder.expanduser()
    if not folder.is_dir():
        raise WeightsError(f"{origin} names {folder}, which is not a folder; correct it or leave it out")
    return folder
