"""How plugins are found, and how they are made again in a spawned worker."""

from __future__ import annotations

import inspect
import pickle
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from operator import attrgetter
from types import ModuleType

from face_mirror_hooks.errors import PluginLoadError, PluginTransferError
from face_mirror_hooks.markers import PROJECT


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
        ``"package.module"`` or ``"package.module:attribute"``.
    pickled : bytes or None
        The object itself, where there is no reference.
    """

    name: str
    origin: str
    reference: str | None
    pickled: bytes | None = None

    def make(self) -> object:
        """Make the plugin in this process. Raises PluginLoadError."""
        if self.reference is not None:
            return import_plugin(self.reference, self.name)
        try:
            return pickle.loads(self.pickled or b"")  # noqa: S301 - the parent of this process pickled it
        except Exception as error:
            raise PluginLoadError(
                f"plugin {self.name} cannot be made again in a worker ({_text(error)}); make its class importable by name, or fork workers"
            ) from error


def import_plugin(reference: str, name: str) -> object:
    """Import a plugin.

    Parameters
    ----------
    reference : str
        ``"package.module"`` or ``"package.module:attribute"``. An attribute that is a class is called without arguments.
    name : str
        For the error.

    Raises
    ------
    PluginLoadError
        Whatever went wrong.
    """
    module_name, _, attribute = reference.partition(":")
    try:
        found: object = import_module(module_name)
        if attribute:
            found = attrgetter(attribute)(found)
        return found() if inspect.isclass(found) else found
    except Exception as error:
        raise PluginLoadError(f"plugin {name} ({reference}) cannot be loaded: {_text(error)}; repair it, remove it or block it") from error


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
        return PluginRecipe(name, origin, reference)
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
