"""Which form of the application a folder holds, told by its interface. The sources are read, not run: nothing of it is imported here."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable, Iterator
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
    if _is_packaged(folder):
        raise UnknownFormError(
            f"'{folder.name}' is a packaged application, which no plugin can join; "
            "give the folder of Face Mirror's sources, the one that holds its main.py"
        )
    if not (folder / MAIN).is_file():
        found = "no such folder" if not folder.is_dir() else f"no {MAIN} in it"
        raise _unknown(f"a folder with {MAIN}", found)
    parts = bound_parts(folder)
    for part in parts:
        if not part.binds:
            raise _unknown(part.wanted, part.found)
    au_file = folder / f"{AU_MODULE}.py"
    detectors = dict(_detectors(folder))
    with_au_network = "pyfaceau" not in _imports(au_file)
    name = "C" if with_au_network else "E" if any(_locks(method) for method in detectors.values()) else "D"
    return HostForm(name, tuple(detectors))


@dataclass(frozen=True, slots=True)
class HostPart:
    """A part of the application that the plugin binds to.

    Attributes
    ----------
    name, wanted, found : str
        Found is what is there: where it binds, the methods; where not, why not.
    binds : bool
    """

    name: str
    wanted: str
    found: str
    binds: bool


def bound_parts(folder: Path) -> tuple[HostPart, HostPart, HostPart]:
    """What the plugin binds to: frame loop, detectors, AU stage."""
    return _loop_part(folder), _detector_part(folder), _au_part(folder)


def _loop_part(folder: Path) -> HostPart:
    name, loop = "frame loop", _classes(folder / f"{LOOP_MODULE}.py").get(LOOP_CLASS)
    if loop is None:
        return HostPart(name, f"{LOOP_MODULE}.py with a class {LOOP_CLASS}", "none", binds=False)
    methods = _methods(loop)
    for method, parameters in LOOP_METHODS.items():
        got = _parameters(methods[method]) if method in methods else None
        if got is None or got[: len(parameters)] != parameters:
            wanted = f"{LOOP_CLASS}.{method}({', '.join(parameters)})"
            return HostPart(name, wanted, "no such method" if got is None else f"{method}({', '.join(got)})", binds=False)
    return HostPart(name, LOOP_CLASS, f"{LOOP_MODULE}.{LOOP_CLASS}, {' and '.join(LOOP_METHODS)}", binds=True)


def _detector_part(folder: Path) -> HostPart:
    found = ", ".join(dict(_detectors(folder)))
    return HostPart(
        "detectors", f"a class with {DETECTOR_METHOD}(frame)", f"{DETECTOR_METHOD} in {found}" if found else "none", bool(found)
    )


def _au_part(folder: Path) -> HostPart:
    wanted = f"{AU_MODULE}.py with a class that has {AU_METHOD}(video, csv, progress_callback)"
    names = [name for name, found in _classes(folder / f"{AU_MODULE}.py").items() if _takes_csv(found)]
    return HostPart("AU stage", wanted, f"{AU_MODULE}.{', '.join(names)}, {AU_METHOD}" if names else "none", bool(names))


def _detectors(folder: Path) -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted(folder.glob("*.py")):
        yield from ((path.stem, method) for method in _detector_methods(path))


def missing_modules(folder: Path) -> list[str]:
    """What main.py and the application's modules that it imports need, and this Python does not have.

    Only imports that always happen count: not those inside of a function or a `try`.
    """
    waiting, seen, missing = [MAIN.removesuffix(".py")], set(), set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        for name in _names_of(_tree(folder / f"{module}.py").body):
            if (folder / f"{name}.py").is_file():
                waiting.append(name)
            elif not (folder / name).is_dir() and importlib.util.find_spec(name) is None:
                missing.add(name)
    return sorted(missing)


def _is_packaged(folder: Path) -> bool:
    """A .app or .exe, or the folder in which an installer put one."""
    if folder.suffix.lower() in {".app", ".exe"} or any(part.lower().endswith(".app") for part in folder.parts):
        return True
    return not (folder / MAIN).is_file() and any(folder.glob("*.exe"))


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
    return set(_names_of(ast.walk(_tree(path))))


def _names_of(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The packages that import statements name."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            yield node.module.partition(".")[0]


def _locks(method: ast.FunctionDef) -> bool:
    blocks = [node for node in ast.walk(method) if isinstance(node, ast.With)]
    return any("lock" in ast.unparse(item.context_expr).lower() for block in blocks for item in block.items)
