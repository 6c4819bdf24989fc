"""Reads all model files anew and says which are good, damaged or missing."""

from __future__ import annotations

from dataclasses import dataclass

from face_mirror_weights.hashing import forget_hashes
from face_mirror_weights.store import DamagedFile, Store


@dataclass(frozen=True)
class SetReport:
    """One set: its state (see `Store.state`), keys of good files, keys of required files that are missing, files whose content is wrong.

    A damaged file counts as missing unless a good one lies elsewhere.
    """

    name: str
    state: str
    good: tuple[str, ...]
    missing: tuple[str, ...]
    damaged: tuple[DamagedFile, ...]


def verify_store(store: Store) -> list[SetReport]:
    """Read every file of a store's folders anew and report on each set that holds files."""
    forget_hashes()
    fresh = Store(store.folders, store.manifest)
    reports = []
    for model_set in fresh.manifest.sets.values():
        if model_set.sets:
            continue
        keys = [file.key for file in fresh.manifest.files_of(model_set.name)]
        good = tuple(key for key in keys if fresh.find(key) is not None)
        missing, damaged = tuple(fresh.missing(model_set.name)), tuple(fresh.damaged(model_set.name))
        reports.append(SetReport(model_set.name, fresh.state(model_set.name), good, missing, damaged))
    return reports
