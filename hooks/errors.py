"""What can go wrong with plugins. A host wraps `HookError` in an error of its own."""

from __future__ import annotations

from face_mirror_hooks.records import PluginFailure


class HookError(Exception):
    """Any mistake that this package reports."""


class PluginLoadError(HookError):
    """A plugin cannot be imported or made."""


class PluginNameError(HookError):
    """Two plugins have one name, or no plugin has that name."""


class PluginContractError(HookError):
    """A plugin implements a hook that does not exist, or with other arguments."""


class PluginTransferError(HookError):
    """A plugin cannot be made again in a spawned worker."""


class PluginError(HookError):
    """A plugin raised, or returned what it must not, where its result is needed: the frame fails.

    Attributes
    ----------
    failure : PluginFailure
    """

    def __init__(self, failure: PluginFailure) -> None:
        super().__init__(str(failure))
        self.failure = failure

    def __reduce__(self) -> tuple[type[PluginError], tuple[PluginFailure]]:
        return type(self), (self.failure,)
