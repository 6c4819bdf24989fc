"""What the files of a result are called: its stem and one of these endings."""

from __future__ import annotations

import os
from pathlib import Path

from face_mirror_au.records import View

# All endings that we write behind a stem. Nothing else is ever removed.
# Not the table of movements, either: a person has written in it.
REPORT, ASYMMETRY = ".report.html", ".asymmetry.csv"
TABLES = ("_left_mirrored.csv", "_right_mirrored.csv", ".raw.csv", ".sides.csv", ".columns.csv", ".images.csv", REPORT, ASYMMETRY)
# Final tables of `--format parquet`. Ours only when the metadata list them: people keep converted tables under such names.
PARQUET = (".parquet", "_left_mirrored.parquet", "_right_mirrored.parquet")
METADATA, ONLINE = ".metadata.json", ".online.csv"
VIDEOS = ("_left_mirrored.mp4", "_right_mirrored.mp4")
OVERLAY = ".overlay.mp4"
DESCRIPTORS = ".descriptors"
# Beside an application's loop only. Never removed: other programs may have files of such names.
SIDES_OF_HOST = (".left.csv", ".right.csv")
SOURCES_OF_HOST = ".sources.csv"
OF_HOST = (*SIDES_OF_HOST, SOURCES_OF_HOST)
LONGEST_ENDING = max(*TABLES, METADATA, ONLINE, *VIDEOS, OVERLAY, key=len)
LONGEST_PARQUET = max(LONGEST_ENDING, *PARQUET, key=len)


def view_table(folder: Path, stem: str, view: View) -> Path:
    """The final table of a view, in the form in which it is there; as CSV where there is none."""
    name = stem if view is View.ORIGINAL else f"{stem}_{view.value}"
    csv, parquet = (folder / f"{name}{ending}" for ending in (".csv", ".parquet"))
    # os.path: a name that is too long for the system is no file.
    return parquet if os.path.exists(parquet) and not os.path.exists(csv) else csv  # noqa: PTH110
