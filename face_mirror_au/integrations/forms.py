"""Which form of the application a folder holds, told by its interface. The sources are read, not run: nothing of it is imported here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from face_mirror_au.errors import FaceMirrorAUError

MAIN = "main.py"
LOOP_MODULE, LOOP_CLASS = "video_processor", "VideoProcessor"
LOOP_METHODS = {"process_video": ("input_path", "output_dir"), "_process_frame_batch": ("frame_data",)}
DETECTOR_METHOD = "get_face_mesh"
AU_MODULE, AU_METHOD = "openface_integration", "process_video"
# The October 2025, November 2025 and 2026 forms.
FORMS = {
    "C": "98-point detector, AU network of its own",
    "D": "68-point detector, AUs by pyfaceau",
    "E": "68-point detector behind a lock, AUs by pyfaceau",
}


class UnknownFormError(FaceMirrorAUError):
    """A folder holds no application that this plugin knows how to bind to."""


@dataclass(frozen=True, slots=True)
class HostForm:
    """What was found.

    Attributes
    ----------
    name : str
        One of `FORMS`. All are bound alike: the number of points and their type are seen at run time.
    detectors : tuple of str
        Modules with a class that has the detector's method.
    """

    name: str
    detectors: tuple[str, ...]

    def __str__(self) -> str:
        return f"form {self.name} ({FORMS[self.name]})"


def recognise(folder: Path) -> HostForm:
    """Tell the form of the application in a folder.

    Raises
    ------
    UnknownFormError
        It is none of the three; the message says what was looked for, what was found, and what to do.
    """
    if not (folder / MAIN).is_file():
        found = "no such folder" if not folder.is_dir() else f"no {MAIN} in it"
        raise _unknown(f"a folder with {MAIN}", found)
    loop = _classes(folder / f"{LOOP_MODULE}.py").get(LOOP_CLASS)
    if loop is None:
        raise _unknown(f"{LOOP_MODULE}.py with a class {LOOP_CLASS}", "none")
    methods = _methods(loop)
    for name, parameters in LOOP_METHODS.items():
        got = _parameters(methods[name]) if name in methods else None
        if got is None or got[: len(parameters)] != parameters:
            wanted = f"{LOOP_CLASS}.{name}({', '.join(parameters)})"
            raise _unknown(wanted, "no such method" if got is None else f"{name}({', '.join(got)})")
    detectors = {path.stem: method for path in sorted(folder.glob("*.py")) for method in _detector_methods(path)}
    if not detectors:
        raise _unknown(f"a class with {DETECTOR_METHOD}(frame)", "none")
    au_file = folder / f"{AU_MODULE}.py"
    if not any(_takes_csv(found) for found in _classes(au_file).values()):
        raise _unknown(f"{AU_MODULE}.py with a class that has {AU_METHOD}(video, csv, progress_callback)", "none")
    with_au_network = "pyfaceau" not in _imports(au_file)
    name = "C" if with_au_network else "E" if any(_locks(method) for method in detectors.values()) else "D"
    return HostForm(name, tuple(detectors))


def _unknown(wanted: str, found: str) -> UnknownFormError:
    return UnknownFormError(
        f"this is no form of Face Mirror that the plugin knows: looked for {wanted}, found {found}; "
        "give the folder that holds its main.py, or add --anyway to start it all the same, without what is missing"
    )


def _tree(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


def _classes(path: Path) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in _tree(path).body if isinstance(node, ast.ClassDef)}


def _methods(found: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in found.body if isinstance(node, ast.FunctionDef)}


def _parameters(method: ast.FunctionDef) -> tuple[str, ...]:
    return tuple(argument.arg for argument in (*method.args.posonlyargs, *method.args.args))[1:]


def _detector_methods(path: Path) -> Iterator[ast.FunctionDef]:
    for found in _classes(path).values():
        method = _methods(found).get(DETECTOR_METHOD)
        if method is not None:
            yield method


def _takes_csv(found: ast.ClassDef) -> bool:
    method = _methods(found).get(AU_METHOD)
    parameters = _parameters(method) if method is not None else ()
    return len(parameters) > 1 and "csv" in parameters[1]


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names.add(node.module.partition(".")[0])
    return names


def _locks(method: ast.FunctionDef) -> bool:
    blocks = [node for node in ast.walk(method) if isinstance(node, ast.With)]
    return any("lock" in ast.unparse(item.context_expr).lower() for block in blocks for item in block.items)
