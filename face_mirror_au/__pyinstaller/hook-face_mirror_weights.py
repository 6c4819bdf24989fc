"""Read by PyInstaller where a program imports `face_mirror_weights`: the manifest and the open models lie beside the code."""

from __future__ import annotations

from PyInstaller.utils.hooks import collect_data_files

datas = collect_data_files("face_mirror_weights")
