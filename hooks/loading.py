"""How plugins are found, and how they are made again in a spawned worker."""

from __future__ import annotations

import importlib
import inspect
import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from face_mirror_hooks.errors import PluginLoadError, PluginTransferError
from face_mirror_hooks.markers import PROJECT

Result = TypeVar("Result")

_FILE = ".py"


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """A plugin, for a list.

    Attributes
    ----------
    name : str
    origin : str
        Where it comes from, e.g. ``"built-in"`` or ``"some-distribution 1.2"``.
    hooks : tuple of str
        The hooks that it implements, in the order of the spec; empty when it is blocked, which leaves it unimported.
    blocked : bool
    """

    name: str
    origin: str
    hooks: tuple[str, ...]
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class PluginRecipe:
    """How to make one plugin again in another process.

    Attributes
    ----------
    name, origin : str
    reference : str or None
        As `import_plugin` takes it.
    folder : str
        The folder that was current when the plugin was found; a worker may have another.
    pickled : bytes or None
        The object itself, where there is no reference.
    """

    name: str
    origin: str
    reference: str | None
    pickled: bytes | None = None
    folder: str = ""

    def make(self) -> object:
        """Make the plugin in this process. Raises PluginLoadError."""
        if self.reference is not None:
            return import_plugin(self.reference, self.name, Path(self.folder))
        try:
            return pickle.loads(self.pickled or b"")  # noqa: S301 - the parent of this process pickled it
        except Exception as error:
            raise PluginLoadError(
                f"plugin {self.name} cannot be made again in a worker ({_text(error)}); make its class importable by name, or fork workers"
            ) from error


def plugin_name(reference: str) -> str:
    """What a plugin is called that is given by reference alone: a file's stem, or the reference itself. A name holds no path."""
    path, attribute = split_reference(reference)
    if path.endswith(_FILE):
        return f"{Path(path).stem}:{attribute}" if attribute else Path(path).stem
    return reference


def split_reference(reference: str) -> tuple[str, str]:
    """The file or module, and the attribute; empty when there is none. The colon of a Windows drive is no separator."""
    before, colon, attribute = reference.rpartition(":")
    return (before, attribute) if colon and attribute.replace(".", "_").isidentifier() else (reference, "")


def import_plugin(reference: str, name: str, folder: Path | None = None) -> object:
    """Import a plugin.

    Parameters
    ----------
    reference : str
        ``"package.module"`` or ``"path/to/file.py"``, either with ``":attribute"`` behind it. An attribute that is a class is called
        without arguments.
    name : str
        For the error.
    folder : Path, optional
        Where a file of a relative path is, and a module that is not installed; the current folder when not given.

    Raises
    ------
    PluginLoadError
        Whatever went wrong. Where there is no such file or module, it says where that was looked for.
    """
    wanted, attribute = split_reference(reference)
    folder = Path.cwd() if folder is None else folder
    try:
        found: object = _import_file(folder / wanted) if wanted.endswith(_FILE) else _import_module(wanted, folder)
        if attribute:
            found = attrgetter(attribute)(found)
        return found() if inspect.isclass(found) else found
    except Exception as error:
        where = _looked_for(wanted, folder) if _is_missing(error, wanted) else ""
        what = where or _text(error)
        raise PluginLoadError(f"plugin {name} ({reference}) cannot be loaded: {what}; repair it, remove it or block it") from error


def _import_module(name: str, folder: Path) -> ModuleType:
    """A module that is installed, or else one in the folder."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not _is_missing(error, name):
            raise
    return _with_folder(folder, lambda: importlib.import_module(name))


def _import_file(path: Path) -> ModuleType:
    """The file as a module of a name of its own: an installed module of the same name stays what it is. It may import its neighbours."""
    name = f"face_mirror_plugin_{path.stem}"
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__file__ == str(path):
        return loaded
    spec = spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise FileNotFoundError(str(path))
    module = module_from_spec(spec)
    sys.modules[name] = module  # what it describes faces with is pickled by this name
    try:
        _with_folder(path.parent, lambda: spec.loader.exec_module(module))  # type: ignore[union-attr]  # looked at above
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _with_folder(folder: Path, step: Callable[[], Result]) -> Result:
    """Import something with the folder on Python's path. It stays there, at the end: plugins import late, too."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
        importlib.invalidate_caches()
    return step()


def _is_missing(error: Exception, wanted: str) -> bool:
    """Whether it is the plugin's own file or module that is not there, and not one that it imports."""
    if isinstance(error, ModuleNotFoundError):
        return error.name is not None and f"{wanted}.".startswith(f"{error.name}.")
    return isinstance(error, FileNotFoundError) and wanted.endswith(_FILE) and str(error).endswith(Path(wanted).name)


def _looked_for(wanted: str, folder: Path) -> str:
    if wanted.endswith(_FILE):
        return f"there is no file '{folder / wanted}'"
    file = wanted.replace(".", "/")
    return f"no module {wanted!r} is installed, and '{folder}' holds neither {file}.py nor a folder {file}"


def find_entry_points() -> Iterator[tuple[str, str, str]]:
    """All plugins that installed distributions declare, by name.

    Yields
    ------
    name : str
    reference : str
        As `import_plugin` takes it.
    origin : str
        Distribution and version.
    """
    for entry_point in sorted(entry_points(group=PROJECT), key=lambda found: (found.name, found.value)):
        reference = f"{entry_point.module}:{entry_point.attr}" if entry_point.attr else entry_point.module
        yield entry_point.name, reference, _distribution(entry_point)


def describe_transfer(plugin: object, name: str, origin: str, reference: str | None) -> PluginRecipe:
    """Make the recipe of a plugin.

    Parameters
    ----------
    plugin : object
    name, origin : str
    reference : str or None
        Where it was imported from, if it was.

    Raises
    ------
    PluginTransferError
        It is neither importable nor can it be pickled.
    """
    if reference is None and isinstance(plugin, ModuleType):
        if plugin.__name__ == "__main__" or sys.modules.get(plugin.__name__) is not plugin:
            raise PluginTransferError(
                f"plugin {name} is the module {plugin.__name__}, which a spawned worker cannot import; make it a file"
            )
        reference = plugin.__name__
    if reference is not None:
        return PluginRecipe(name, origin, reference, folder=str(Path.cwd()))
    try:
        return PluginRecipe(name, origin, None, pickle.dumps(plugin))
    except Exception as error:
        raise PluginTransferError(
            f"plugin {name} cannot be sent to a spawned worker ({_text(error)}); "
            "define its class at the top of a module and open files and sessions in after_worker_start"
        ) from error


def _distribution(entry_point: EntryPoint) -> str:
    return f"{entry_point.dist.name} {entry_point.dist.version}" if entry_point.dist is not None else "entry point"


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
