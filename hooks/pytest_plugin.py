"""Fixtures for authors of plugins: write ``pytest_plugins = ["face_mirror_hooks.pytest_plugin"]`` in your conftest.py."""

from __future__ import annotations

import pytest

from face_mirror_hooks.manager import PluginManager
from face_mirror_hooks.records import Image
from face_mirror_hooks.testing import TinyLoop, sample_images


@pytest.fixture
def face_mirror_manager() -> PluginManager:
    """A manager without plugins: register yours."""
    return PluginManager()


@pytest.fixture
def face_mirror_loop(face_mirror_manager: PluginManager) -> TinyLoop:
    """The tiny loop with the plugins of `face_mirror_manager`."""
    return TinyLoop(face_mirror_manager)


@pytest.fixture
def face_mirror_images() -> list[Image]:
    """Three synthetic pictures, (120, 160, 3) uint8 BGR."""
    return sample_images()
