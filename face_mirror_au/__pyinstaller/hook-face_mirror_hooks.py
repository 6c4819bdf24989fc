"""Read by PyInstaller where a program imports `face_mirror_hooks`: plugins may need any part of it."""

from __future__ import annotations

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules("face_mirror_hooks")
