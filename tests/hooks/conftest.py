"""The fixtures that authors of plugins get. They write `pytest_plugins`, which pytest reads in a conftest.py at the top only."""

from __future__ import annotations

from face_mirror_hooks.pytest_plugin import face_mirror_images, face_mirror_loop, face_mirror_manager

__all__ = ["face_mirror_images", "face_mirror_loop", "face_mirror_manager"]
