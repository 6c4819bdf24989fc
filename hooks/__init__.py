"""The contract between a face-mirroring frame loop and its plugins. Needs pluggy and NumPy only, so that a host can depend on it alone.

A plugin imports `hookimpl` from here and its data from `face_mirror_hooks.records`; a host imports `PluginManager`.
"""

from face_mirror_hooks.manager import PluginManager
from face_mirror_hooks.markers import hookimpl

__all__ = ["PluginManager", "hookimpl"]
