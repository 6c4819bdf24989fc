"""Paths of the open models that ship with this package. They are our own work, fitted to ICT-FaceKit (MIT)."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent / "open"

PDM = _FOLDER / "pdm_68.txt"
"""Point distribution model of the 68 landmarks, in the text form that OpenFace's readers know."""

TRIANGLES = _FOLDER / "triangles_68.txt"
"""Face mask: triangles of landmark indices."""

BANK = _FOLDER / "open_au.npz"
"""Action unit models, trained on renders of ICT-FaceKit (docs/models/open-au.md)."""
