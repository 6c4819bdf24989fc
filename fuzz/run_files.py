"""The files of a small run, all of it made up: three frames, two sides, landmarks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache

import numpy as np

from face_mirror_au.records import View
from face_mirror_au.tables import columns
from face_mirror_au.tables.formats import FACE_MIRROR, RAW, SIDES

N_FRAMES = 3
METADATA = ".metadata.json"
# Tables in which the second frame has no face.
ENDINGS = (".csv", "_left_mirrored.csv", "_right_mirrored.csv", ".raw.csv", ".sides.csv")
MAIN_COLUMNS = ("frame", "timestamp", "success", "pose_Ry", *columns.points("x", "y"))
HEADERS = {
    ".csv": MAIN_COLUMNS,
    "_left_mirrored.csv": FACE_MIRROR.names,
    "_right_mirrored.csv": FACE_MIRROR.names,
    ".raw.csv": RAW.names,
    ".sides.csv": SIDES.names,
}


@cache
def run_files() -> dict[str, bytes]:
    """The files by their ending."""
    return {ending: header_line(ending) + table_rows(ending) for ending in ENDINGS} | {METADATA: json.dumps(run_metadata()).encode()}


def header_line(ending: str) -> bytes:
    """The first line of a table."""
    return (",".join(HEADERS[ending]) + "\n").encode()


def table_rows(ending: str) -> bytes:
    """The other lines of a table."""
    random = np.random.default_rng(len(ending))
    lines = []
    for frame in range(1, N_FRAMES + 1):
        for view in View if ending == ".raw.csv" else (View.ORIGINAL,):
            keys = {
                "frame": str(frame),
                "timestamp": f"{frame / 25:.3f}",
                "success": str(int(frame != 2)),
                "view": view.value,
                "reason": "",
            }
            numbers = iter(random.uniform(0, 5, len(HEADERS[ending])))
            lines.append(_line(keys[name] if name in keys else f"{next(numbers):.2f}" if frame != 2 else "" for name in HEADERS[ending]))
    return "".join(lines).encode()


def _line(cells: Iterable[str]) -> str:
    return ",".join(cells) + "\n"


def run_metadata() -> dict[str, object]:
    """What the run says of itself."""
    counts = {"rows": N_FRAMES, "failed": 1, "reasons": {"no face found": 1}}
    return {
        "versions": {"face-mirror-au": "0.1.0", "numpy": "2.0", "python": "3.11.7", "pyfhog": None},
        "input": {"kind": "video", "width": 64, "height": 48, "timestamps": "container", "flipped_input": False, "sha256": "ab" * 32},
        "models": {
            "profile": "open",
            "reason": "asked for",
            "detector": "blazeface",
            "landmarks": "attention_mesh",
            "au_bank": "open",
            "au_bank_version": "1",
            "au_models": "dynamic",
            "aus_left_empty": ["AU28"],
            "sha256": {"open-au": "cd" * 32},
        },
        "baseline": "own",
        "device": {"models": {"blazeface": {"device": "cpu"}}},
        "kernels": {"pose": "compiled"},
        "plugins": [],
        "settings": {"format": "openface", "mirror": {"landmarks": "detect", "redetect": False}, "strict": False, "views": ["original"]},
        "frames": {"decoded": N_FRAMES, **{view.value: counts for view in View}},
        "problems": ["a problem"],
        "warnings": ["a warning"],
        "notes": ["a note"],
        "worker_losses": [],
        "files": [".csv", METADATA],
    }
