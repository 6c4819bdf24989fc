"""Target: the file of descriptors that a stopped run has left, as `recover` reads it."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from face_mirror_au.errors import ResultError, WeightsError
from face_mirror_au.pipeline.own_descriptor import descriptor_of
from face_mirror_au.records import View
from face_mirror_au.report.page_writer import write_page
from face_mirror_au.results.descriptors import _LENGTH_BYTES, StoredDescriptors, record_type
from face_mirror_au.results.descriptors import _MAGIC as MAGIC
from face_mirror_au.results.publish import ENDING, LOCK
from face_mirror_au.run.recovery import recover
from face_mirror_weights import Store
from fuzz.contract import folder
from fuzz.run_files import run_metadata

GEOMETRY, N_FRAMES = 3, 3
_CHANGE = 12  # bytes of the input: where (4), and what is there then (8)


def header() -> dict[str, Any]:
    """What a run writes before its records."""
    run = run_metadata()
    return {
        "table": {"format": "openface", "groups": ["pose", "aus"], "page": True},
        "run": {**run, "input": {**run["input"], "kind": "video"}, "settings": {**run["settings"], "models": "auto"}},
        "baseline": ["own", 0.0, 0.0],
        "images": [],
        "views": [View.ORIGINAL.value],
        "geometry": GEOMETRY,
    }


@cache
def _records() -> bytes:
    records = np.zeros(N_FRAMES, record_type(GEOMETRY))
    for name in ("frame", "time_s"):
        records[name] = np.arange(N_FRAMES)
    for name in ("success", "located", "described", "confidence"):
        records[name] = 1
    return records.tobytes()


@cache
def _stopped() -> Path:
    place = folder() / f"p{ENDING}"
    place.mkdir(mode=0o700)
    (place / LOCK).write_text(json.dumps({"table": "p.csv", "own_folder": True}), encoding="ascii")
    return place


def descriptors(data: bytes) -> None:
    """By the first byte: the whole file; what follows its first line; or the header up to a zero byte, then changes to good records."""
    kind, rest = (data[0] % 4, data[1:]) if data else (0, b"")
    content = rest if kind == 0 else MAGIC + rest
    if kind > 1:
        text, _, changes = rest.partition(b"\0")
        records = bytearray(_records())
        for place in range(0, len(changes) - _CHANGE + 1, _CHANGE):
            start = int.from_bytes(changes[place : place + 4], "little") % len(records)
            records[start : start + 8] = changes[place + 4 : place + _CHANGE]
        content = MAGIC + len(text).to_bytes(_LENGTH_BYTES, "little") + text + records
    path = _stopped() / "p.descriptors"
    path.write_bytes(content)
    with suppress(ResultError, WeightsError):  # there are no models here: up to them, all of the header is read
        recover(path.parent, Store([]), write_page=write_page)
    stored = StoredDescriptors.open(path)
    for index, frame in enumerate(stored.frames()):
        assert frame.index == index
        assert tuple(view.view for view in frame.views) == stored.views
        for found in map(descriptor_of, frame.views):
            assert found is None or (np.isfinite(found.hog).all() and np.isfinite(found.geometry).all())
