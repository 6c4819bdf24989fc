"""The fixtures that authors of plugins get, and records to fill hooks with."""

from __future__ import annotations

pytest_plugins = ["face_mirror_hooks.pytest_plugin"]
