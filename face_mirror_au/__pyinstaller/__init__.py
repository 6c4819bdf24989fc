"""What PyInstaller must know of these packages; it finds this folder by the entry point "pyinstaller40"."""

from __future__ import annotations

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """Folders with hook files."""
    return [str(Path(__file__).parent)]
