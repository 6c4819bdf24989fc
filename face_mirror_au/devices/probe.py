"""Choose the device of each model: try it once per machine in a child process that may crash or hang, compare, measure, remember.

To be called before the workers are forked: the parent stays free of ONNX Runtime and of threads.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from face_mirror_au.devices.probe_child import COMPARE, Job, Outcome, run_in_child, start_methods
from face_mirror_au.devices.probe_memory import Memory
from face_mirror_au.errors import ModelFileError, UsageError
from face_mirror_au.models.catalogue import NETWORKS
from face_mirror_au.models.providers import PROVIDERS, onnxruntime_distributions, options_hash, user_cache
from face_mirror_au.models.session import NetworkForm

logger = logging.getLogger(__name__)

REQUESTS = ("auto", *PROVIDERS)
DEVICES_HERE = "face_mirror_au.devices.probe:answer_devices_here"


@dataclass(frozen=True, slots=True)
class ModelToProbe:
    """A network, and what its results may differ by.

    Attributes
    ----------
    name : str
    path : Path
    form : NetworkForm
    cpu_only : mapping of str to str
        Devices on which it is not tried, with the reason.
    """

    name: str
    path: Path
    form: NetworkForm
    cpu_only: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProbeSetup:
    """What a probe uses; tests put stand-ins here.

    Attributes
    ----------
    factory : str
        Dotted path "module:function" of what opens a session, called as `open_session`. A path, since it must reach a spawned child.
    devices_here : str
        Dotted path of a function that takes the job and returns the devices which onnxruntime has.
    cache_file : Path or None
        Where results are remembered; None: in the user's cache folder.
    time_limit_s : float
        For one model with one start method. CoreML's first inference takes up to tens of seconds.
    methods : tuple of str
        Start methods to try, in this order.
    """

    factory: str = "face_mirror_au.models.session:open_session"
    devices_here: str = DEVICES_HERE
    cache_file: Path | None = None
    time_limit_s: float = 90.0
    methods: tuple[str, ...] = field(default_factory=start_methods)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What probing one model on one device with one start method gave.

    Attributes
    ----------
    device, start_method : str
    survived : bool
        The child gave an answer: it neither died nor hung nor raised.
    failure : str
        Why the device must not be used, in one line; empty when it may.
    cpu_ms, device_ms, first_ms : float or None
        Median time of an inference; loading and first inference on the device.
    differences : mapping of str to float or None
        Largest absolute difference of each output from the CPU's; None where a value was not finite.
    remembered : bool
        From an earlier run.
    """

    device: str
    start_method: str
    survived: bool
    failure: str
    cpu_ms: float | None = None
    device_ms: float | None = None
    first_ms: float | None = None
    differences: Mapping[str, float | None] = field(default_factory=dict)
    remembered: bool = False


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """Where each model runs, and why.

    Attributes
    ----------
    requested : str
        One of `REQUESTS`.
    devices : mapping of str to str
        For each model by name, what `open_session` takes as `device`.
    reasons : mapping of str to str
        For each model.
    start_method : str or None
        With which the workers must be started, since the device held with it; None when everything is on the CPU.
    messages : tuple of str
        What the user should read, one line each.
    probes : mapping of str to ProbeResult
        For the models that were probed.
    """

    requested: str
    devices: Mapping[str, str]
    reasons: Mapping[str, str]
    start_method: str | None = None
    messages: tuple[str, ...] = ()
    probes: Mapping[str, ProbeResult] = field(default_factory=dict)

    def as_metadata(self) -> dict[str, Any]:
        """Everything, for the run's metadata (JSON)."""
        models = {
            name: {"device": device, "reason": self.reasons[name], "probe": asdict(self.probes[name]) if name in self.probes else None}
            for name, device in self.devices.items()
        }
        return {
            "requested": self.requested,
            "start_method": self.start_method,
            "onnxruntime": onnxruntime_distributions(),
            "models": models,
        }


def model_to_probe(name: str, path: Path) -> ModelToProbe:
    """Return what a probe must know of one of our models.

    Parameters
    ----------
    name : str
        A key of the catalogue's networks.
    path : Path
        Its ONNX file.
    """
    entry = NETWORKS[name]
    return ModelToProbe(name, path, entry.form, entry.cpu_only)


def choose_device(request: str, models: Sequence[ModelToProbe], setup: ProbeSetup | None = None) -> DeviceChoice:
    """Choose where each model runs.

    "cpu" probes nothing. A device that is named is taken for the models that pass the probe, even if slower; the others run on the CPU and
    the messages say why. "auto" takes a device only for models that pass and are faster than on the CPU.

    The choice does not depend on the number of workers, so that the results of a run do not either.

    Parameters
    ----------
    request : str
        One of `REQUESTS`.
    models : sequence of ModelToProbe
    setup : ProbeSetup, optional

    Raises
    ------
    UsageError
        When `request` is unknown or onnxruntime does not have that device here.
    ModelFileError
        When a model's file cannot be read.
    """
    if request not in REQUESTS:
        raise UsageError(f"unknown device {request!r}; choose one of {', '.join(REQUESTS)}")
    if request == "cpu":
        return _all_on_cpu(request, models, "asked for")
    setup = setup or ProbeSetup()
    memory = Memory(setup.cache_file or user_cache() / "devices.json")
    here = _devices_here(setup, memory)
    if request == "auto":
        device = next((name for name in here if name != "cpu"), "cpu")
        if device == "cpu":
            return _all_on_cpu(request, models, "onnxruntime has no other device here")
    elif request in here:
        device = request
    else:
        raise UsageError(f"--device {request}: onnxruntime has no such device here; it has {', '.join(here)}. {_HINTS[request]}")

    to_probe = [model for model in models if device not in model.cpu_only]
    method, probes = _probe_with_each_method(device, to_probe, setup, memory)
    devices, reasons, messages = {}, {}, list(_package_warnings())
    for model in models:
        taken, reason, matters = _decide(request, device, model, probes.get(model.name))
        devices[model.name], reasons[model.name] = (device if taken else "cpu"), reason
        if matters:
            where = f"runs on {device}" if taken else "stays on the CPU"
            messages.append(f"device {device}: {model.name} {where}: {reason}")
    any_taken = any(name != "cpu" for name in devices.values())
    return DeviceChoice(request, devices, reasons, method if any_taken else None, tuple(messages), probes)


_HINTS = {
    "coreml": "CoreML comes with the onnxruntime package of macOS (see docs/devices.md).",
    "cuda": "CUDA needs the package onnxruntime-gpu in place of onnxruntime (see docs/devices.md).",
}


def _all_on_cpu(request: str, models: Sequence[ModelToProbe], reason: str) -> DeviceChoice:
    return DeviceChoice(request, {model.name: "cpu" for model in models}, {model.name: reason for model in models})


def _package_warnings() -> list[str]:
    found = onnxruntime_distributions()
    return (
        [f"{' and '.join(found)} are both installed and overwrite each other: uninstall both, then install one"] if len(found) > 1 else []
    )


def _decide(request: str, device: str, model: ModelToProbe, probe: ProbeResult | None) -> tuple[bool, str, bool]:
    """Whether to take the device, why, and whether the user should read it."""
    named = request != "auto"
    if probe is None:
        return False, model.cpu_only[device], named
    if probe.failure:
        return False, probe.failure, True
    assert probe.device_ms is not None and probe.cpu_ms is not None  # noqa: S101, PT018  (there is no failure)
    times = f"{probe.device_ms:.2f} ms, on the CPU {probe.cpu_ms:.2f} ms"
    if probe.device_ms < probe.cpu_ms:
        return True, f"faster: {times}", False
    return named, f"{'though ' if named else ''}not faster: {times}", named


def _probe_with_each_method(
    device: str, models: Sequence[ModelToProbe], setup: ProbeSetup, memory: Memory
) -> tuple[str, dict[str, ProbeResult]]:
    """Probe all models with each start method until one lets all survive; all workers of a run are started in one way.

    When none does, the first of those by which most survive.
    """
    best: tuple[str, dict[str, ProbeResult]] = ("", {})
    most = -1
    for method in setup.methods:
        results = {model.name: _probe(device, model, method, setup, memory) for model in models}
        survivors = sum(result.survived for result in results.values())
        if survivors > most:
            best, most = (method, results), survivors
        if survivors == len(models):
            break
    return best


def _probe(device: str, model: ModelToProbe, method: str, setup: ProbeSetup, memory: Memory) -> ProbeResult:
    key = {
        **_machine(),
        "model": _sha256(model.path),
        "rewrites": model.form.rewrites,
        "device": device,
        "options": options_hash(device),
        "start_method": method,
        "factory": setup.factory,
    }
    known = memory.recall(key)
    if known is not None:
        try:
            return _judge(device, model, method, Outcome(known["answer"], known["failure"]), remembered=True)
        except (KeyError, TypeError, ValueError):
            logger.debug("what was remembered of %s is damaged", model.name)
    logger.info("trying %s on %s (%s), once for this machine", model.name, device, method)
    job = job_for(model, device, setup.factory)
    outcome = run_in_child(job, method, setup.time_limit_s)
    memory.remember(key, {"model_name": model.name, "answer": outcome.answer, "failure": outcome.failure})
    return _judge(device, model, method, outcome, remembered=False)


def job_for(model: ModelToProbe, device: str, factory: str) -> Job:
    """The job of a child that compares a device with the CPU."""
    return {
        "call": COMPARE,
        "factory": factory,
        "model": str(model.path),
        "inputs": model.form.inputs,
        "outputs": list(model.form.limits),
        "low": model.form.low,
        "high": model.form.high,
        "rewrites": list(model.form.rewrites),
        "device": device,
    }


def _judge(device: str, model: ModelToProbe, method: str, outcome: Outcome, *, remembered: bool) -> ProbeResult:
    if outcome.answer is None:
        if not outcome.failure:
            raise ValueError("neither an answer nor a failure")
        return ProbeResult(device, method, survived=False, failure=f"its trial failed: {outcome.failure}", remembered=remembered)
    differences: Mapping[str, float | None] = outcome.answer["differences"]
    failure = ""
    for name, limit in model.form.limits.items():
        difference = differences[name]
        if difference is None or not difference <= limit:
            shown = "not finite" if difference is None else f"off by {difference:.3g}"
            failure = f"its results are wrong: output {name} is {shown} (limit {limit:.3g})"
    times = {name: float(outcome.answer[name]) for name in ("cpu_ms", "device_ms", "first_ms")}
    return ProbeResult(device, method, survived=True, failure=failure, differences=differences, remembered=remembered, **times)


def answer_devices_here(_job: Mapping[str, Any]) -> list[str]:
    """`devices_here`, as a job for a child."""
    from face_mirror_au.models.providers import devices_here

    return devices_here()


def _devices_here(setup: ProbeSetup, memory: Memory) -> list[str]:
    key = {**_machine(), "devices_here": setup.devices_here}
    known = memory.recall(key)
    if known is not None and isinstance(known.get("devices"), list) and all(name in PROVIDERS for name in known["devices"]):
        return list(known["devices"])
    outcome = run_in_child({"call": setup.devices_here}, "spawn", setup.time_limit_s)
    if outcome.answer is None:
        logger.warning("onnxruntime could not be asked for its devices: %s", outcome.failure)
        return ["cpu"]
    memory.remember(key, {"devices": outcome.answer})
    return list(outcome.answer)


def _machine() -> dict[str, Any]:
    """What a result holds for: after a change of any of these it is tried anew."""
    return {
        "onnxruntime": onnxruntime_distributions(),
        "system": [platform.system(), platform.release(), platform.machine(), platform.node()],
    }


def _sha256(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelFileError(f"{path}: the model file cannot be read: {error.strerror}") from error
