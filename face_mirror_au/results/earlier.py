"""An earlier result under the same names: it is replaced as a whole, so that no file of one run ever lies beside files of another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from face_mirror_au.results.metadata import in_todays_words
from face_mirror_au.results.names import DESCRIPTORS, METADATA, ONLINE, OVERLAY, PARQUET, TABLES, VIDEOS
from face_mirror_au.tables.formats import RAW


def earlier_files(csv: Path) -> tuple[Path, ...]:
    """The files of the result of which `csv` is the table; empty when there is none, or the files of that name are not ours.

    They are ours when the metadata or the online table say so. Tables then count as ours by their names; videos, and tables in another form
    than `csv`, only when the metadata list them: other programs of the trade write mirrored videos of the same names.
    """
    listed = _listed(csv)
    if listed is None and not _is_online_table(csv.with_name(csv.stem + ONLINE)):
        return ()
    said = (ending for ending in (*VIDEOS, OVERLAY, ".csv", *PARQUET) if ending in (listed or ()))
    found = (csv.with_name(csv.stem + ending) for ending in (csv.suffix, *TABLES, METADATA, ONLINE, DESCRIPTORS, *said))
    return tuple(dict.fromkeys(path for path in found if path.is_file()))


def read_metadata(csv: Path) -> dict[str, Any] | None:
    """The metadata beside a result's table; None where there is none that can be read."""
    try:
        content = json.loads(csv.with_name(csv.stem + METADATA).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # JSON may be nested too deeply to read
        return None
    return in_todays_words(content) if isinstance(content, dict) else None


def listed_files(metadata: object) -> tuple[str, ...]:
    """Endings of the files that metadata list; none where they are not as a run writes them."""
    files = metadata.get("files") if isinstance(metadata, dict) else None
    return tuple(ending for ending in files if isinstance(ending, str)) if isinstance(files, list) else ()


def _listed(csv: Path) -> tuple[str, ...] | None:
    """Endings of the files that our metadata list; None when they are not ours."""
    content = read_metadata(csv) or {}
    try:
        return listed_files(content) if "face-mirror-au" in content["versions"] else None
    except (KeyError, TypeError):
        return None


def _is_online_table(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as handle:
            return handle.readline().rstrip("\n") == ",".join(RAW.names)
    except (OSError, UnicodeDecodeError):
        return False
