"""The plugins of a run, and what its workers do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from face_mirror_au.errors import PluginProblemError
from face_mirror_au.loop.hook_task import HookedProcessing, required_plugins
from face_mirror_au.pipeline.own_descriptor import AU_PLUGIN
from face_mirror_au.run.own_plugins import register_own
from face_mirror_hooks import PluginManager
from face_mirror_hooks.errors import HookError

if TYPE_CHECKING:
    from face_mirror_au.pipeline.model_set import ModelPlan
    from face_mirror_au.run.protocols import Drawing
    from face_mirror_au.run.settings import RunSettings


def gather_plugins(
    plan: ModelPlan, settings: RunSettings, drawing: Drawing | None = None, given: Sequence[object] = ()
) -> tuple[PluginManager, HookedProcessing]:
    """Register all plugins in their fixed order: our own, installed ones, those that the user names, what draws.

    Returns
    -------
    PluginManager
        The parent's.
    HookedProcessing
        For the workers.

    Raises
    ------
    PluginProblemError
        When a plugin cannot be loaded, or a blocked name is nobody's.
    """
    manager = PluginManager()
    try:
        manager.block(settings.blocked)
        register_own(manager, plan, settings.max_side)
        manager.load_entry_points()
        for reference in settings.plugins:
            manager.register_import(reference)
        for plugin in given:
            manager.register(plugin, type(plugin).__name__, "given")
        if drawing is not None:
            drawing.register(manager)
        manager.check_pending()
        _check_finders(plan, manager)
        own = (plan.detector[0], plan.landmarks[0], AU_PLUGIN)
        return manager, HookedProcessing(manager.for_worker(), plan, settings.views, settings.mirror, required_plugins(own, manager))
    except HookError as error:
        raise PluginProblemError(str(error)) from error


def _check_finders(plan: ModelPlan, manager: PluginManager) -> None:
    """Raise PluginProblemError for a plugin that would find faces where nobody asks it."""
    for plugin in manager.plugins() if plan.follower is not None else ():
        asked = sorted({"detect_faces", "locate_landmarks"} & set(plugin.hooks))
        if asked and not plugin.blocked:
            raise PluginProblemError(
                f"plugin {plugin.name} has {' and '.join(asked)}, which profile {plan.profile} asks nobody: it follows the face itself; "
                "take another profile, or block the plugin"
            )
