"""`face-mirror-au plugins`: who takes part in the frame loop."""

from __future__ import annotations

import json

from face_mirror_au.cli import options
from face_mirror_au.cli.terminal import one_line_errors, say, say_table


@one_line_errors
def plugins(
    profile: options.Profile = "auto",
    plugin: options.Plugins = None,
    block_plugin: options.Blocked = None,
    weights: options.Weights = None,
    as_json: options.AsJson = False,
) -> None:
    """List the plugins of a run, where they come from, and the hooks that they implement. Later ones are asked first."""
    from rich.table import Table

    from face_mirror_au.pipeline.model_set import plan_models
    from face_mirror_au.run.runner import VideoRunner
    from face_mirror_au.run.settings import RunSettings

    settings = RunSettings(plugins=tuple(plugin or ()), blocked=tuple(block_plugin or ()))
    with VideoRunner(plan_models(options.open_store(weights), profile), settings) as runner:
        found = runner.manager.plugins()
    if as_json:
        say(json.dumps([{"name": each.name, "origin": each.origin, "hooks": each.hooks, "blocked": each.blocked} for each in found]))
        return
    table = Table("plugin", "from", "hooks")
    for each in found:
        table.add_row(each.name, each.origin, "blocked" if each.blocked else ", ".join(each.hooks))
    say_table(table)
