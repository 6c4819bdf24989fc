"""`face-mirror-au info`: what a bug report needs."""

from __future__ import annotations

import json
import platform
from typing import Annotated

import typer

from face_mirror_au.cli.options import Weights, open_store
from face_mirror_au.cli.terminal import one_line_errors, say, say_block


@one_line_errors
def info(
    weights: Weights = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show versions, kernels, model sets and execution providers. Holds no path and no name: safe to paste into a bug report."""
    import onnxruntime

    from face_mirror_au.errors import WeightsError
    from face_mirror_au.numerics import _kernels
    from face_mirror_au.pipeline.model_set import plan_models
    from face_mirror_au.results.metadata import versions
    from face_mirror_weights.folders import WEIGHTS_VARIABLE

    sets: dict[str, str] = {}
    try:
        store = open_store(weights)
    except WeightsError:
        # Its own message has the folder's path, which is nobody's business here.
        wrong = WEIGHTS_VARIABLE if weights is None or weights.expanduser().is_dir() else "--weights"
        profile = f"none: {wrong} names a folder that is not there; correct it or leave it out"
    else:
        sets = {name: store.state(name) for name in store.manifest.sets}
        try:
            plan = plan_models(store)
            profile = f"{plan.profile} ({plan.reason}); FHOG: {plan.fhog}"
        except WeightsError as error:
            profile = f"none: {error}"
    found = {
        "versions": versions(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "kernels": _kernels.loaded,
        "providers": onnxruntime.get_available_providers(),
        "model sets": sets or "not looked for",
        "profile": profile,
    }
    if as_json:
        say_block(json.dumps(found, indent=2))
        return
    for label, value in found.items():
        if isinstance(value, dict):
            say(f"{label}:")
            for key, part in value.items():
                say(f"  {key}: {part}")
        else:
            say(f"{label}: {', '.join(value) if isinstance(value, list) else value}")
