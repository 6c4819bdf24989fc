"""The marks on specs and implementations of hooks."""

from __future__ import annotations

from pluggy import HookimplMarker, HookspecMarker

PROJECT = "face_mirror"
"""pluggy's project name, and the entry-point group that plugins declare themselves in."""

hookspec = HookspecMarker(PROJECT)
hookimpl = HookimplMarker(PROJECT)
