"""Imports model files that the user has already: an OpenFace checkout, a pyfaceau folder, any folder, by content."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from face_mirror_weights.conversion import stage_converted
from face_mirror_weights.errors import WeightsError
from face_mirror_weights.fetch import require_acceptance
from face_mirror_weights.hashing import sha256_of
from face_mirror_weights.manifest import Licence, Manifest, ModelFile, load_manifest
from face_mirror_weights.receipt import receipt_path
from face_mirror_weights.scan import MAX_LEVELS, scan_folder
from face_mirror_weights.staging import Staging
from face_mirror_weights.store import DamagedFile, FoundFile, Store


@dataclass(frozen=True)
class ImportPlan:
    """What a folder holds: finished files, TFLite models that must be converted, the licences of both, and files with a wrong content."""

    folder: Path
    files: tuple[tuple[ModelFile, FoundFile], ...]
    sources: tuple[tuple[ModelFile, Path], ...]
    licences: tuple[Licence, ...]
    damaged: tuple[DamagedFile, ...] = ()


@dataclass(frozen=True)
class ImportResult:
    """Keys now installed and keys that the target had before."""

    installed: tuple[str, ...]
    present: tuple[str, ...]


def plan_import(folder: Path, manifest: Manifest | None = None) -> ImportPlan:
    """Look through a folder, up to six levels deep; nothing is changed.

    Raises
    ------
    WeightsError
        The folder does not exist, or holds no model file.
    """
    manifest = manifest or load_manifest()
    if not folder.is_dir():
        raise WeightsError(f"{folder} is not a folder; name the folder that holds the model files")
    store = Store([folder], manifest)
    located = {file.key: store.locate(file.key) for file in manifest.files.values()}
    files = tuple((manifest.files[key], found) for key, found in located.items() if found is not None)
    sources = _convertible(folder, [file for file in manifest.files.values() if file.convert and located[file.key] is None])
    if not files and not sources:
        damaged = store.damaged()
        hint = f"; {damaged[0].path.name} has a model's name and another content" if damaged else ""
        raise WeightsError(f"{folder} holds no model file that the manifest knows ({MAX_LEVELS} levels deep){hint}")
    sets = {file.set_name: None for file, _ in (*files, *sources)}
    licences = {licence.id: licence for name in sets for licence in manifest.licences_of(name)}
    got = {file.key for file, _ in (*files, *sources)}
    others = tuple(each for each in store.damaged() if each.key not in got)
    return ImportPlan(folder, files, sources, tuple(licences.values()), others)


def import_files(plan: ImportPlan, target: Path, *, licence_accepted: bool = False, manifest: Manifest | None = None) -> ImportResult:
    """Copy what a plan found into a target folder, all of it or nothing.

    Raises
    ------
    LicenceNotAcceptedError
        A licence asks for acceptance; nothing was touched.
    WeightsError
        A file could not be copied or converted; nothing was installed.
    """
    require_acceptance(list(plan.licences), licence_accepted=licence_accepted)
    there = Store([target], manifest)
    staging = Staging(target, "import")
    installed: list[str] = []
    present: list[str] = []
    try:
        for file, found in plan.files:
            if there.find(file.key) is None:
                _stage_copy(file, found, staging)
            (present if there.find(file.key) else installed).append(file.key)
        for file, source in plan.sources:
            if there.find(file.key) is None:
                stage_converted(file, source.read_bytes(), staging)
            (present if there.find(file.key) else installed).append(file.key)
        if installed:
            staging.install()
    except OSError as error:
        raise WeightsError(f"cannot copy to {target}: {error.strerror or error}; make room, or choose another folder with --to") from error
    finally:
        staging.discard()
    return ImportResult(tuple(installed), tuple(present))


def _convertible(folder: Path, files: list[ModelFile]) -> tuple[tuple[ModelFile, Path], ...]:
    """TFLite files of the manifest's SHA-256 in a folder."""
    by_content = {(file.package.size, file.package.sha256): file for file in files if file.package is not None}
    sizes = {size for size, _ in by_content}
    found: dict[str, tuple[ModelFile, Path]] = {}
    for path, size in scan_folder(folder, sizes, ()).files:
        file = by_content.get((size, sha256_of(path)))
        if file is not None:
            found.setdefault(file.key, (file, path))
    return tuple(found.values())


def _stage_copy(file: ModelFile, found: FoundFile, staging: Staging) -> None:
    place = staging.place(file.path)
    shutil.copyfile(found.path, place)
    if sha256_of(place) != found.sha256:
        raise WeightsError(f"{found.path} changed while it was copied; try again")
    staging.finished(file.path)
    receipt = receipt_path(found.path)
    if file.convert and receipt.is_file():
        shutil.copyfile(receipt, receipt_path(place))
        staging.finished(file.path.with_name(receipt_path(place).name))
