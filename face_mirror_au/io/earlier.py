"""An earlier result under the same names: it is replaced as a whole, so that no file of one run ever lies beside files of another."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from face_mirror_au.io.raw_log import RAW_COLUMNS

# All endings that we write behind a stem. Nothing else is ever removed.
# Not the table of movements, either: a person has written in it.
TABLES = (
    "_left_mirrored.csv", "_right_mirrored.csv", ".raw.csv", ".sides.csv", ".columns.csv", ".images.csv", ".report.html", ".asymmetry.csv",
)  # fmt: skip
METADATA, ONLINE = ".metadata.json", ".online.csv"
VIDEOS = ("_left_mirrored.mp4", "_right_mirrored.mp4")
OVERLAY = ".overlay.mp4"
DESCRIPTORS = ".descriptors"
# Beside an application's loop only. Never removed: other programs may have files of such names.
SIDES_OF_HOST = (".left.csv", ".right.csv")
LONGEST_ENDING = max(*TABLES, METADATA, ONLINE, *VIDEOS, OVERLAY, key=len)


@dataclass(frozen=True)
class EarlierResult:
    """Files of an earlier run.

    Attributes
    ----------
    files : tuple of Path
        Those that exist; empty when there is no earlier result, or the files of that name are not ours.
    """

    files: tuple[Path, ...]

    @classmethod
    def find(cls, csv: Path) -> EarlierResult:
        """Look for the result of which `csv` is the table. It is ours when its metadata or its online table says so.

        Tables then count as ours by their names; videos only when the metadata list them: other programs of the trade write mirrored videos
        of the same names.
        """
        stem = csv.stem
        listed = _listed(csv.with_name(stem + METADATA))
        if listed is None and not _is_online_table(csv.with_name(stem + ONLINE)):
            return cls(())
        endings = (
            csv.suffix,
            *TABLES,
            METADATA,
            ONLINE,
            DESCRIPTORS,
            *(ending for ending in (*VIDEOS, OVERLAY) if ending in (listed or ())),
        )
        found = (csv.with_name(stem + ending) for ending in endings)
        return cls(tuple(dict.fromkeys(path for path in found if path.is_file())))


def _listed(metadata: Path) -> Iterable[str] | None:
    """Endings of the files that our metadata file lists; None when it is not ours."""
    try:
        content = json.loads(metadata.read_text(encoding="utf-8"))
        ours = "face-mirror-au" in content["versions"]
        return [str(ending) for ending in content.get("files", ())] if ours else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _is_online_table(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as handle:
            return handle.readline().rstrip("\n") == ",".join(RAW_COLUMNS)
    except (OSError, UnicodeDecodeError):
        return False
