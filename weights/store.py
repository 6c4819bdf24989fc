"""The store: finds model files in folders of any layout, by content."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from face_mirror_weights import folders as folders_module
from face_mirror_weights.errors import WeightsError
from face_mirror_weights.hashing import sha256_of
from face_mirror_weights.manifest import Manifest, ModelFile, load_manifest
from face_mirror_weights.receipt import SUFFIX, read_receipt
from face_mirror_weights.scan import MAX_ENTRIES, MAX_LEVELS, ScanResult, scan_folder

logger = logging.getLogger(__name__)

# Bytes. CE-CLM's files have 430 MB together: whoever has them and asks for another model must not wait for their SHA-256.
LARGE = 30_000_000


@dataclass(frozen=True)
class FoundFile:
    """A verified file: where it is, its SHA-256, and the folder of the search order that it was found under."""

    path: Path
    sha256: str
    folder: Path


@dataclass(frozen=True)
class DamagedFile:
    """A file that has a model's name and not its content."""

    key: str
    path: Path
    size: int


def _is_large(file: ModelFile) -> bool:
    return max(version.size for version in file.versions) >= LARGE


class Store:
    """Model files in some folders, known by size and SHA-256.

    Folders may have any layout (the project's development data, an OpenFace checkout, a pyfaceau folder, our own); they are looked
    through once, at the first question, up to six levels down. Only files that have the size of a model are read; those of `LARGE`
    size and more when one of them is asked for.

    Parameters
    ----------
    folders
        In the order in which they are searched; absent ones are passed over.
    manifest
        What files there are; the one that ships with this package when not given.
    """

    def __init__(self, folders: Sequence[Path], manifest: Manifest | None = None) -> None:
        self.folders = list(dict.fromkeys(folder.absolute() for folder in folders))
        self.manifest = manifest or load_manifest()
        self._found: dict[bool, dict[str, FoundFile]] = {}  # of small files and of large ones
        self._damaged: list[DamagedFile] = []
        self._unfinished: list[Path] = []

    @classmethod
    def default(cls, weights_dir: Path | None = None, *, origin: str = "weights_dir") -> Store:
        """The store of the usual folders, `weights_dir` first (see `face_mirror_weights.folders.search_folders`).

        Parameters
        ----------
        weights_dir
        origin
            What the user knows `weights_dir` as, for a message.

        Raises
        ------
        WeightsError
            `weights_dir`, or the folder that FACE_MIRROR_AU_WEIGHTS names, does not exist.
        """
        return cls(folders_module.search_folders(weights_dir, origin=origin))

    def find(self, key: str) -> Path | None:
        """Path of a file whose content is verified, or None.

        Parameters
        ----------
        key
            A key of the manifest: "retinaface", "pfld", "blazeface", "attention_mesh", "demo_clip", or an OpenFace file by its name
            inside its folder, such as "AU_predictors/AU_all_best.txt".
        """
        found = self.locate(key)
        return found.path if found else None

    def locate(self, key: str) -> FoundFile | None:
        """As `find`, with the SHA-256 and the folder."""
        file = self.manifest.file(key)
        return self._index(large=_is_large(file)).get(key)

    def require(self, key: str, *, fetch: str | None = None) -> Path:
        """As `find`; a missing file is a `WeightsError` that names the command to run.

        Parameters
        ----------
        key
        fetch
            The sets that this command fetches; the file's own when not given.
        """
        path = self.find(key)
        if path is None:
            file = self.manifest.file(key)
            raise WeightsError(self._missing_message(file, fetch or file.set_name))
        return path

    def require_set(self, name: str) -> None:
        """Raise a `WeightsError` that names the first missing file of a set, and the command to run, unless the set is complete."""
        missing, total = self.missing(name), self.total(name)
        if not missing:
            return
        message = self._missing_message(self.manifest.file(missing[0]), name)
        raise WeightsError(
            message if self.state(name) == "absent" else f"{total - len(missing)} of the {total} files of {name} are here; {message}"
        )

    def sha256(self, key: str) -> str:
        """SHA-256 of the file that `require` returns."""
        self.require(key)
        found = self.locate(key)
        return found.sha256 if found else ""

    def set_sha256(self, name: str) -> str:
        """One SHA-256 for a complete set: over the lines `key SHA-256` of its required files, sorted by key."""
        self.require_set(name)
        lines = sorted(f"{file.key} {self.sha256(file.key)}\n" for file in self.manifest.files_of(name) if file.required)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def total(self, name: str) -> int:
        """Number of required files of a set."""
        return sum(file.required for file in self.manifest.files_of(name))

    def state(self, name: str) -> str:
        """The one word for a set, wherever it is told.

        "complete"; "damaged": a file of it has its name and another content, and no good one lies elsewhere; "incomplete": some of its
        files are here; "absent": none is but those that other sets hold, too.
        """
        missing = self.missing(name)
        if not missing:
            return "complete"
        if any(each.key in missing for each in self.damaged(name)):
            return "damaged"
        own = [file.key for file in self.manifest.files_of(name) if file.required and not file.also_in]
        return "incomplete" if set(own) - set(missing) else "absent"

    def missing(self, name: str) -> list[str]:
        """Keys of a set's required files that were not found; empty when the set is complete."""
        return [file.key for file in self.manifest.files_of(name) if file.required and self.locate(file.key) is None]

    def has_set(self, name: str) -> bool:
        """Whether every required file of a set was found."""
        return not self.missing(name)

    def damaged(self, name: str | None = None) -> list[DamagedFile]:
        """Files with a model's name and another content (of one set, or of all); a good one may lie elsewhere."""
        keys = {file.key for file in self.manifest.files_of(name)} if name else set(self.manifest.files)
        for key in keys:
            self.locate(key)
        return [each for each in self._damaged if each.key in keys]

    def _index(self, *, large: bool) -> dict[str, FoundFile]:
        if large not in self._found:
            index = self._found[large] = {}
            for folder in self.folders:
                self._add_folder(folder, index, large=large)
        return self._found[large]

    def _add_folder(self, folder: Path, index: dict[str, FoundFile], *, large: bool) -> None:
        """Look through one folder; what an earlier folder had stays, and an earlier version in the manifest wins within a folder."""
        sizes = {version.size for file, version in self.manifest.versions() if _is_large(file) == large}
        by_name = {name: file for name, file in self.manifest.files_by_name().items() if _is_large(file) == large}
        scanned = scan_folder(folder, sizes, by_name, (SUFFIX,))
        if scanned.bound_reached and folder not in self._unfinished:
            self._unfinished.append(folder)
            logger.warning("a weights folder has more than %d entries; the rest of it was not searched", MAX_ENTRIES)
        accepted = self._accepted_contents(scanned, large=large)
        here: dict[str, tuple[int, FoundFile]] = {}
        for path, size in scanned.files:
            rank_and_key = self._identify(path, size, accepted)
            if rank_and_key is None:
                if path.name in by_name:
                    self._damaged.append(DamagedFile(by_name[path.name].key, path, size))
                continue
            rank, key, digest = rank_and_key
            if key not in here or rank < here[key][0]:
                here[key] = (rank, FoundFile(path, digest, folder))
        for key, (_, found) in here.items():
            index.setdefault(key, found)

    def _accepted_contents(self, scanned: ScanResult, *, large: bool) -> dict[int, dict[str, tuple[int, str]]]:
        """Size -> SHA-256 -> (rank, key): the manifest's contents and those that a receipt vouches for."""
        accepted: dict[int, dict[str, tuple[int, str]]] = {}
        for file in (each for each in self.manifest.files.values() if _is_large(each) == large):
            for rank, version in enumerate(file.versions):
                accepted.setdefault(version.size, {})[version.sha256] = (rank, file.key)
        for path, _ in scanned.files:
            receipt = read_receipt(path) if path.name.endswith(SUFFIX) else None
            source = self.manifest.files.get(receipt.key) if receipt else None
            if receipt and source and source.convert and source.package and source.package.sha256 == receipt.source_sha256:
                accepted.setdefault(receipt.result_size, {}).setdefault(receipt.result_sha256, (len(source.versions), source.key))
        return accepted

    def _identify(self, path: Path, size: int, accepted: dict[int, dict[str, tuple[int, str]]]) -> tuple[int, str, str] | None:
        if size not in accepted:
            return None
        try:
            digest = sha256_of(path)
        except OSError:
            return None
        match = accepted[size].get(digest)
        return (*match, digest) if match else None

    def _missing_message(self, file: ModelFile, fetch: str) -> str:
        if self.manifest.sets[file.set_name].source:
            remedy = self.manifest.remedies([file.set_name])
        else:
            remedy = f"run `face-mirror-au weights fetch {fetch}`, or `face-mirror-au weights import FOLDER` if you have it somewhere"
        damaged = [each for each in self.damaged(file.set_name) if each.key == file.key]
        if damaged:
            return f"model file {file.key}: {damaged[0].path} ({damaged[0].size} bytes) is damaged or of another version; {remedy}"
        if self._unfinished:
            return (
                f"model file {file.key} was not found in the first {MAX_ENTRIES} entries of {self._unfinished[0]}; "
                f"name a folder nearer to the models, or {remedy}"
            )
        return f"model file {file.key} was not found (`face-mirror-au weights path` shows the folders, {MAX_LEVELS} levels deep); {remedy}"
