"""The report page as `deliver` takes it."""

from __future__ import annotations

from pathlib import Path


def write_page(folder: Path, stem: str) -> Path:
    """See `write_report`, which is imported when it is needed: it is slow to import, and a run needs it at its end."""
    from face_mirror_au.report.write import write_report

    return write_report(folder, stem)
