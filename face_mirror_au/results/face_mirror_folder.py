"""How Face Mirror's next programs pair the files of a folder: a recording and its tables have one base."""

from __future__ import annotations

from pathlib import Path

# What they cut off behind the base. Any other CSV has its whole name as base.
_OF_RECORDINGS = ("_source", "_rotated", "")
_VIDEO_ENDINGS = frozenset({".mp4", ".mov", ".avi", ".mkv", ".m4v"})
_OF_TABLES = ("_left_mirrored.csv", "_right_mirrored.csv", ".csv")


def base_of_table(name: str) -> str:
    """Which recording they take a CSV for."""
    return next(name.removesuffix(ending) for ending in _OF_TABLES if name.endswith(ending))


def recording_beside(csv: Path) -> Path | None:
    """A video in the folder of `<stem>.csv` that they would pair with that table; None when there is none."""
    try:
        names = sorted(path for path in csv.parent.iterdir() if path.suffix.lower() in _VIDEO_ENDINGS)
    except OSError:
        return None
    return next((path for path in names if path.stem in {csv.stem + ending for ending in _OF_RECORDINGS}), None)
