"""Do what may crash or hang in a child process: the job in the child, and in the parent the waiting for it.

The parent imports neither ONNX Runtime nor OpenCV for this, starts no thread that stays, and nothing that a child prints is seen. Run as
``python -m face_mirror_au.devices.probe_child`` the module is the child of the start method "spawn".
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from face_mirror_au.records import Float32Array

Job = Mapping[str, Any]  # JSON: a dotted path "package.module:function" under "call", what it takes beside it
Answer = dict[str, Any]  # JSON

COMPARE = "face_mirror_au.devices.probe_child:compare"
INFERENCES = 20
PICTURES = 5  # different inputs among the inferences
COARSE = 8  # inputs are smooth: random values at this many points along each side
EXIT_TIME_S = 10.0  # for a child that has answered


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a child ended.

    Attributes
    ----------
    answer : dict or None
        What the job returned, None when it failed.
    failure : str
        Why there is no answer, in one line; empty when there is one.
    """

    answer: Answer | None
    failure: str = ""


def start_methods() -> tuple[str, ...]:
    """Ways to start a process here, in the order in which a run would like to use them."""
    return ("fork", "spawn") if "fork" in multiprocessing.get_all_start_methods() else ("spawn",)


def run_in_child(job: Job, method: str, time_limit_s: float) -> Outcome:
    """Do a job in a child process, which may die or hang.

    Parameters
    ----------
    job : mapping
        ``job["call"]`` names the function; it is called with the job and returns what goes through JSON.
    method : str
        "fork" or "spawn".
    time_limit_s : float
        Then the child is killed.
    """
    return _run_forked(job, time_limit_s) if method == "fork" else _run_spawned(job, time_limit_s)


def _run_forked(job: Job, time_limit_s: float) -> Outcome:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_forked_child, args=(job, sender), daemon=True)
    with receiver:
        with sender, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 counts the threads of NumPy's BLAS too; these are harmless
            child.start()
        try:
            if not receiver.poll(time_limit_s):
                return Outcome(None, _hung(time_limit_s))
            try:
                reply = receiver.recv()
            except EOFError:  # it died
                reply = None
            child.join(EXIT_TIME_S)
            return _outcome(reply, child.exitcode)
        finally:
            child.kill()
            child.join()
            child.close()


def _forked_child(job: Job, sender: Connection) -> None:
    _silence()
    sender.send(_reply(job))
    sender.close()


def _run_spawned(job: Job, time_limit_s: float) -> Outcome:
    command = [sys.executable, "-m", __name__ if __name__ != "__main__" else "face_mirror_au.devices.probe_child"]
    message = json.dumps({**job, "sys_path": sys.path})  # as multiprocessing does
    try:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # noqa: S603  (ourselves)
    except OSError as error:
        return Outcome(None, f"no child process could be started: {error}")
    with child:
        try:
            said, _ = child.communicate(message, timeout=time_limit_s)
        except subprocess.TimeoutExpired:
            return Outcome(None, _hung(time_limit_s))
        finally:
            child.kill()
    try:
        reply = json.loads(said)
    except ValueError:
        reply = None
    return _outcome(reply, child.returncode)


def _outcome(reply: Answer | None, exit_code: int | None) -> Outcome:
    if exit_code is None:
        return Outcome(None, "did not end after its answer")
    if exit_code < 0:
        return Outcome(None, f"died of {_signal_name(-exit_code)} (exit code {128 - exit_code})")
    if exit_code > 0 or reply is None:
        return Outcome(None, f"ended without an answer (exit code {exit_code})")
    if "failure" in reply:
        return Outcome(None, str(reply["failure"]))
    return Outcome(reply["answer"])


def _hung(time_limit_s: float) -> str:
    return f"no answer within {time_limit_s:g} s"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


# In the child.


def _silence() -> None:
    """Let nothing reach the terminal, neither from Python nor from below, and leave no core file."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (until the process ends)
    logging.disable(logging.CRITICAL)
    faulthandler.disable()  # it may write to a terminal by a descriptor of its own, pytest's does
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _reply(job: Job) -> Answer:
    try:
        return {"answer": resolve(job["call"])(job)}
    except Exception as error:  # noqa: BLE001  (whatever it is, it is why the device cannot be used)
        first_line = (str(error).strip().splitlines() or [""])[0]
        return {"failure": f"{type(error).__name__}: {first_line}"}


def resolve(dotted: str) -> Callable[..., Any]:
    """Return the function that "package.module:function" names."""
    module, _, name = dotted.partition(":")
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]


def compare(job: Job) -> Answer:
    """Run a network on the CPU and on a device, with the same inputs.

    Parameters
    ----------
    job : mapping
        `factory` (dotted path of what `open_session` is), `model`, `inputs` (shapes by name), `outputs`, `low` and `high` (range of the
        input's values), `rewrites`, `device`.

    Returns
    -------
    dict
        `differences`: the largest of each output over all inferences, None where a value was not finite; `cpu_ms`, `device_ms`: median of
        an inference; `first_ms`: loading and first inference on the device, which is when CoreML compiles.
    """
    factory = resolve(job["factory"])
    outputs = list(job["outputs"])
    options = {"inputs": list(job["inputs"]), "outputs": outputs, "rewrites": job["rewrites"]}
    pictures = [_picture(job, number) for number in range(PICTURES)]

    on_cpu = factory(Path(job["model"]), device="cpu", **options)
    expected = [on_cpu.run(**picture) for picture in pictures]
    cpu_ms = [_timed(on_cpu.run, pictures[number % PICTURES])[1] for number in range(INFERENCES)]

    started = time.perf_counter()
    on_device = factory(Path(job["model"]), device=job["device"], **options)
    on_device.run(**pictures[0])
    first_ms = (time.perf_counter() - started) * 1e3
    device_ms, worst = [], np.zeros(len(outputs))
    for number in range(INFERENCES):
        results, elapsed = _timed(on_device.run, pictures[number % PICTURES])
        device_ms.append(elapsed)
        # A NaN in either stays one.
        worst = np.maximum(worst, [np.abs(a - b).max() for a, b in zip(results, expected[number % PICTURES], strict=True)])
    differences = {name: float(value) if np.isfinite(value) else None for name, value in zip(outputs, worst, strict=True)}
    return {
        "differences": differences,
        "cpu_ms": round(float(np.median(cpu_ms)), 3),
        "device_ms": round(float(np.median(device_ms)), 3),
        "first_ms": round(first_ms, 3),
    }


def _timed(run: Callable[..., list[Float32Array]], picture: Mapping[str, Float32Array]) -> tuple[list[Float32Array], float]:
    started = time.perf_counter()
    results = run(**picture)
    return results, (time.perf_counter() - started) * 1e3


def _picture(job: Job, seed: int) -> dict[str, Float32Array]:
    random = np.random.default_rng(seed)
    low, high = job["low"], job["high"]
    return {name: (low + (high - low) * _smooth(random, tuple(shape))).astype(np.float32) for name, shape in job["inputs"].items()}


def _smooth(random: np.random.Generator, shape: tuple[int, ...]) -> Float32Array:
    """Random values from 0 to 1 that change slowly along the long axes, as pictures do."""
    values = random.random([min(side, COARSE) for side in shape])
    for axis, side in enumerate(shape):
        if side > COARSE:
            positions = np.linspace(0, COARSE - 1, side)
            below = np.minimum(positions.astype(int), COARSE - 2)
            share = (positions - below).reshape([-1 if other == axis else 1 for other in range(len(shape))])
            values = np.take(values, below, axis) * (1 - share) + np.take(values, below + 1, axis) * share
    return values.astype(np.float32)


def main() -> None:
    """The child of "spawn": a job on standard input, its answer on what was standard output."""
    job = json.loads(sys.stdin.read())
    sys.path[:] = job["sys_path"]
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as to_parent:
        _silence()
        json.dump(_reply(job), to_parent)


if __name__ == "__main__":
    main()
