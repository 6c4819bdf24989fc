"""Read by PyInstaller where a program imports `face_mirror_au`: what import statements do not show."""

from __future__ import annotations

from importlib.metadata import distributions

from PyInstaller.utils.hooks import collect_data_files, collect_entry_point, collect_submodules, copy_metadata

from face_mirror_au.models.providers import DISTRIBUTIONS
from face_mirror_au.results.metadata import PACKAGES
from face_mirror_hooks.markers import PROJECT

# This folder needs PyInstaller.
_LEFT_OUT = "face_mirror_au.__pyinstaller"


def _is_needed(name: str) -> bool:
    return not name.startswith(_LEFT_OUT)


# The program's own modules are found by import statements, but for the kernels, the API and what child processes are told by name.
hiddenimports = collect_submodules("face_mirror_au", filter=_is_needed)
datas = collect_data_files("face_mirror_au", includes=["**/*.j2", "**/*.css"])

# Plugins that are installed where the program is frozen, as `face-mirror-au plugins` lists them there.
_plugin_datas, _plugins = collect_entry_point(PROJECT)
hiddenimports += _plugins
datas += _plugin_datas

# What metadata files and `info` say of versions.
_told = {*DISTRIBUTIONS, *(name for names in PACKAGES.values() for name in names)}
for _name in _told & {found.name for found in distributions()}:
    datas += copy_metadata(_name)

excludedimports = [_LEFT_OUT]
