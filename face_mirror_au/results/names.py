"""What the files of a result are called: its stem and one of these endings."""

from __future__ import annotations

# All endings that we write behind a stem. Nothing else is ever removed.
# Not the table of movements, either: a person has written in it.
REPORT, ASYMMETRY = ".report.html", ".asymmetry.csv"
TABLES = ("_left_mirrored.csv", "_right_mirrored.csv", ".raw.csv", ".sides.csv", ".columns.csv", ".images.csv", REPORT, ASYMMETRY)
METADATA, ONLINE = ".metadata.json", ".online.csv"
VIDEOS = ("_left_mirrored.mp4", "_right_mirrored.mp4")
OVERLAY = ".overlay.mp4"
DESCRIPTORS = ".descriptors"
# Beside an application's loop only. Never removed: other programs may have files of such names.
SIDES_OF_HOST = (".left.csv", ".right.csv")
LONGEST_ENDING = max(*TABLES, METADATA, ONLINE, *VIDEOS, OVERLAY, key=len)
