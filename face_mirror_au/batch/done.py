"""Whether a recording has its result already: measured from this very content, in this very way, and with all its files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from face_mirror_au.batch.state import BatchState
from face_mirror_au.batch.table import success_rate
from face_mirror_au.results.earlier import listed_files, read_metadata
from face_mirror_au.results.names import ASYMMETRY, DESCRIPTORS, REPORT, VIDEOS
from face_mirror_au.run.delivery import VIEWS_FOR_A_PAGE

# The numbers do not depend on these: only reading the results does, and how the work was shared out.
_OTHER_VERSIONS = frozenset({"python", "pandas"})
_OTHER_SETTINGS = frozenset({"workers", "start_method"})
# `report` writes them anew: any size will do.
_REWRITTEN = frozenset({REPORT, ASYMMETRY})
_MODEL_KEYS = ("profile", "detector", "landmarks", "au_bank", "au_bank_version", "sha256")


@dataclass(frozen=True)
class Wanted:
    """How results are to be: `settings_of` what a run would write into its metadata, and the files that are asked for."""

    settings: dict[str, Any]
    write_videos: bool
    page: bool
    keep_descriptors: bool = False


@dataclass(frozen=True)
class Finished:
    """What the table of a batch says of a result that is there already; `frames` are the decoded ones."""

    problems: tuple[str, ...]
    frames: int
    success_rate: float | None

    @classmethod
    def told(cls, metadata: Mapping[str, Any]) -> Finished:
        """As the metadata tell it. Raises KeyError, TypeError, ValueError or ArithmeticError when they are not those of a run."""
        problems, frames = tuple(map(str, metadata["problems"])), metadata["frames"]
        return cls(problems, int(frames["decoded"]), success_rate(frames))


def settings_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a run's metadata that the numbers depend on, beside the video itself.

    Raises
    ------
    KeyError, TypeError, AttributeError
        When it is not the metadata of a run.
    """
    devices = metadata["device"].get("models", {})
    return {
        "versions": {name: version for name, version in metadata["versions"].items() if name not in _OTHER_VERSIONS},
        "kernels": metadata["kernels"],
        "models": {key: metadata["models"][key] for key in _MODEL_KEYS},
        "devices": {name: model["device"] for name, model in devices.items()},
        "settings": {name: value for name, value in metadata["settings"].items() if name not in _OTHER_SETTINGS},
        "baseline": metadata["baseline"],
        "plugins": metadata["plugins"],
        "flipped_input": metadata["input"]["flipped_input"],
    }


def sizes_of(csv: Path, endings: Collection[str]) -> dict[str, int] | None:
    """Bytes of each file of a result, by ending; None when one is missing, empty or no file."""
    sizes = {}
    for ending in endings:
        path = csv.with_name(csv.stem + ending)
        try:
            sizes[ending] = path.stat().st_size if path.is_file() else 0
        except OSError:
            return None
        if not sizes[ending]:
            return None
    return sizes


def finished(path: Path, csv: Path, wanted: Wanted, state: BatchState) -> Finished | None:
    """What came of the result of which `csv` is the table, if `path` needs no measuring; else None.

    The input is hashed last, and only when everything else is as wanted.

    Raises
    ------
    VideoError
        When the input cannot be read.
    """
    metadata = read_metadata(csv)
    if metadata is None:
        return None
    try:
        as_wanted = settings_of(metadata) == wanted.settings and _has_wanted_files(metadata, wanted)
        sha256, told = metadata["input"]["sha256"], Finished.told(metadata)
    except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError):
        return None
    sizes = sizes_of(csv, listed_files(metadata))
    # Sizes are unknown of a result that `run` wrote, or when the state is lost: then it counts that all files are there.
    if not as_wanted or sizes is None or _lasting(state.inputs[str(path)].sizes or sizes) != _lasting(sizes):
        return None
    if state.hash(path) != sha256:
        return None
    state.inputs[str(path)].sizes = sizes
    return told


def _lasting(sizes: Mapping[str, int]) -> dict[str, int]:
    return {ending: size for ending, size in sizes.items() if ending not in _REWRITTEN}


def _has_wanted_files(metadata: Mapping[str, Any], wanted: Wanted) -> bool:
    settings = metadata["settings"]
    videos = [ending for ending in VIDEOS if any(ending == f"_{view}.mp4" for view in settings["views"])] if wanted.write_videos else []
    measured = len(metadata["frames"]) - 1  # views; the other entry is how many frames were decoded
    page = [REPORT, ASYMMETRY] if wanted.page and measured >= VIEWS_FOR_A_PAGE else []
    descriptors = [DESCRIPTORS] if wanted.keep_descriptors else []
    return set(listed_files(metadata)) >= {*videos, *page, *descriptors}
