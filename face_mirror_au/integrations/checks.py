"""What `face-mirror-au host --check` says of a folder: nothing of the application is started or imported."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from face_mirror_au.integrations.forms import UnknownFormError, bound_parts, missing_modules, recognise

_RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-silicon")


@dataclass
class HostCheck:
    """What was found.

    Attributes
    ----------
    lines : list of str
    problems : list of str
        What keeps the plugin from working.
    """

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def check_application(folder: Path) -> HostCheck:
    """Look which form of the application a folder holds, what binds, and what is missing.

    Parameters
    ----------
    folder : Path
        With the application's main.py.
    """
    check = HostCheck()
    try:
        check.lines.append(f"application: {recognise(folder)}")
    except UnknownFormError as error:
        check.lines.append(f"application: {error}")
        check.problems.append("the application is of no form that the plugin knows")
    for part in bound_parts(folder):
        check.lines.append(f"{part.name}: {f'binds ({part.found})' if part.binds else f'does not bind: no {part.wanted}'}")
    check.lines.append(f"Python: {platform.python_version()}, {sys.executable}")
    missing = missing_modules(folder)
    check.lines.append(f"the application's modules: {'missing here: ' + ', '.join(missing) if missing else 'all there'}")
    if missing:
        check.problems.append("this Python is not the one that the application runs with")
    check.lines.append(f"ONNX Runtime: {_runtimes()}")
    return check


def _runtimes() -> str:
    import onnxruntime

    held = [name for name in _RUNTIMES if _version(name)]
    found = f"{', '.join(f'{name} {_version(name)}' for name in held)}; {', '.join(onnxruntime.get_available_providers())}"
    if len(held) > 1:
        # They share one folder: the one that was installed last wins.
        found += "; more than one is installed, and CPU may hide CUDA (docs/face-mirror.md, Install)"
    return found


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
