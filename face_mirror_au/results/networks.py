"""Which networks and plugins found the face and its landmarks, as metadata tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from face_mirror_au.models.catalogue import landmark_entry, title
from face_mirror_au.records import View


def detectors(models: Mapping[str, Any]) -> list[str]:
    """Who detected the face, most often first; who was to, where nobody counted. `models` is that part of the metadata."""
    return _answered(models, "detector") or _planned(models, "detector")


def landmark_sources(models: Mapping[str, Any], view: View = View.ORIGINAL) -> list[str]:
    """Who located the landmarks of a view, most often first; who was to, where nobody counted."""
    return _answered(models, "landmarks", view.value) or _planned(models, "landmarks")


def towards_symmetry(models: Mapping[str, Any]) -> list[str]:
    """Titles of the landmark models whose landmarks of the unmirrored face lean towards symmetry."""
    entries = map(landmark_entry, landmark_sources(models))
    return [entry.title for entry in entries if entry is not None and not entry.keeps_asymmetry]


def not_for_sides(models: Mapping[str, Any]) -> str:
    """Why left and right of the unmirrored face must not be compared by its landmarks; empty where they may."""
    leaning = towards_symmetry(models)
    unknown = [name for name in landmark_sources(models) or ["an unknown model"] if landmark_entry(name) is None]
    again = "run the recording again with both mirrored views"
    if leaning:
        return f"{titles(leaning)}'s landmarks of the unmirrored face lean towards symmetry: {again}"
    if unknown:
        return f"whether the landmarks of {titles(unknown)} keep left and right of the unmirrored face apart is not known: {again}"
    return ""


def titles(names: list[str]) -> str:
    """Names as people know them."""
    return " and ".join(map(title, names))


def _answered(models: Mapping[str, Any], *keys: str) -> list[str]:
    counts: object = models
    for key in ("answered", *keys):
        counts = counts.get(key) if isinstance(counts, Mapping) else None
    found = {name: count for name, count in counts.items() if isinstance(count, int)} if isinstance(counts, Mapping) else {}
    return sorted(found, key=lambda name: (-found[name], name))


def _planned(models: Mapping[str, Any], role: str) -> list[str]:
    return [str(models[role])] if models.get(role) else []
