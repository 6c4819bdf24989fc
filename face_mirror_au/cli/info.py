"""`face-mirror-au info`: what a bug report needs."""

from __future__ import annotations

import json
import platform
from typing import Annotated

import typer

from face_mirror_au.cli.options import Weights
from face_mirror_au.cli.terminal import one_line_errors


@one_line_errors
def info(
    weights: Weights = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show versions, kernels, model sets and execution providers. Holds no path and no name: safe to paste into a bug report."""
    import onnxruntime

    from face_mirror_au.errors import WeightsError
    from face_mirror_au.io.metadata import versions
    from face_mirror_au.numerics import _kernels
    from face_mirror_au.pipeline.model_set import plan_models
    from face_mirror_weights import Store

    store = Store.default(weights)
    try:
        plan = plan_models(store)
        profile = f"{plan.profile} ({plan.reason})"
    except WeightsError as error:
        profile = f"none: {error}"
    found = {
        "versions": versions(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "kernels": _kernels.loaded,
        "providers": onnxruntime.get_available_providers(),
        "model sets": {name: "complete" if store.has_set(name) else "incomplete" for name in store.manifest.sets},
        "profile": profile,
    }
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for label, value in found.items():
        if isinstance(value, dict):
            typer.echo(f"{label}:")
            for key, part in value.items():
                typer.echo(f"  {key}: {part}")
        else:
            typer.echo(f"{label}: {', '.join(value) if isinstance(value, list) else value}")
