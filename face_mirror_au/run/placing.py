"""Where the networks of a run work, and how its workers must start for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from face_mirror_au.loop.launch import StartMethod
    from face_mirror_au.pipeline.model_set import ModelPlan


@dataclass(frozen=True)
class Placed:
    """A model plan with its devices.

    Attributes
    ----------
    plan : ModelPlan
    must_start : "fork", "spawn" or None
        How workers must start for them; None: as they like.
    metadata : mapping
        How the devices were chosen.
    messages : tuple of str
        What the user should know.
    """

    plan: ModelPlan
    must_start: StartMethod | None
    metadata: Mapping[str, object]
    messages: tuple[str, ...]


def place(plan: ModelPlan, device: str, start_method: str | None = None) -> Placed:
    """Decide where the networks run.

    Parameters
    ----------
    plan : ModelPlan
    device : str
        "auto", "cpu", "coreml" or "cuda".
    start_method : str, optional
        How workers shall start.

    Raises
    ------
    UsageError
        For a device that is not there.
    """
    from face_mirror_au.devices.probe import ProbeSetup, choose_device, model_to_probe

    if plan.follower is not None:  # it is no network of ONNX Runtime's
        asked = device not in {"auto", "cpu"}
        told = (f"device {device}: {plan.follower.title} and its detector run on the CPU",) if asked else ()
        return Placed(plan, None, choose_device("cpu", []).as_metadata(), told)
    setup = ProbeSetup(methods=(cast("StartMethod", start_method),)) if start_method is not None else ProbeSetup()
    choice = choose_device(device, [model_to_probe(*plan.detector), model_to_probe(*plan.landmarks)], setup)
    must_start = cast("StartMethod | None", choice.start_method)
    return Placed(replace(plan, devices=dict(choice.devices)), must_start, choice.as_metadata(), tuple(choice.messages))
