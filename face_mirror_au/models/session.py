"""Open an ONNX file as an ONNX Runtime session that gives the same numbers in every process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from face_mirror_au.errors import ModelFileError, ModelRunError
from face_mirror_au.models.providers import FIXED_DIMENSIONS, PROVIDERS, devices_here, providers_for
from face_mirror_au.records import Float32Array

if TYPE_CHECKING:
    import onnxruntime as ort

# Rewrites of a network's graph when it is opened; the file stays what it is.
DEAD_WEIGHTS = "dead_weights"
OPENED_PRELU = "opened_prelu"  # on the CPU alone: other devices have a PRelu of their own
_ONNX_ERRORS_ONLY = 3  # onnxruntime's severity: 0 verbose, 1 info, 2 warning, 3 error, 4 fatal


class ModelSession:
    """A loaded network: arrays in by name, arrays out in a chosen order. Made by `open_session`.

    Attributes
    ----------
    path : Path
        The file it came from, for messages.
    """

    def __init__(self, path: Path, session: ort.InferenceSession, outputs: Sequence[str]) -> None:
        self.path = path
        self._session = session
        self._outputs = list(outputs)

    def run(self, **inputs: Float32Array) -> list[Float32Array]:
        """Run the network once.

        Raises
        ------
        ModelRunError
            When ONNX Runtime refuses the input or fails.
        """
        try:
            results = self._session.run(self._outputs, inputs)
        except Exception as error:  # onnxruntime raises many classes, some of them private, all for the same thing
            raise ModelRunError(f"{self.path}: the network failed: {_first_line(error)}") from error
        return [np.asarray(result, dtype=np.float32) for result in results]


@dataclass(frozen=True, slots=True)
class NetworkForm:
    """What goes into a network and comes out of it: enough to open it, and to try it on a device.

    Attributes
    ----------
    inputs : mapping of str to tuple of int
        Shapes by name.
    low, high : float
        Range of the inputs' values.
    limits : mapping of str to float
        The outputs in the order in which they are wanted; for each the largest difference between device and CPU that is put up with, in
        the output's unit.
    rewrites : tuple of str
        See `open_session`.
    """

    inputs: Mapping[str, tuple[int, ...]]
    low: float
    high: float
    limits: Mapping[str, float]
    rewrites: tuple[str, ...] = ()

    def open(self, path: Path, device: str = "cpu") -> ModelSession:
        """See `open_session`."""
        return open_session(path, inputs=list(self.inputs), outputs=list(self.limits), device=device, rewrites=self.rewrites)


def check_shape(values: Float32Array, shape: tuple[int, ...], name: str) -> Float32Array:
    """Return an output of a network; one of another shape is a ModelRunError: the file is another network than it says."""
    if values.shape != shape:
        raise ModelRunError(f"{name}: the network gave {values.shape} values where {shape} belong; fetch or import its file again")
    return values


def open_session(
    path: Path,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    device: str = "cpu",
    threads: int = 1,
    rewrites: Sequence[str] = (),
) -> ModelSession:
    """Load a network and check that it is the one expected.

    One thread by default: the workers are the parallelism, and sums must not depend on how they are split.

    Parameters
    ----------
    path : Path
        The ``.onnx`` file.
    inputs, outputs : sequence of str
        Names that the file must have. `ModelSession.run` returns arrays in the order of `outputs`.
    device : str
        A key of `PROVIDERS`. A device other than the CPU should have been probed first (`choose_device`): it may crash the process.
    threads : int
        Threads inside one operator.
    rewrites : sequence of str
        `DEAD_WEIGHTS`: leave out what cannot change the output. `OPENED_PRELU`: write PRelu in faster operators.

    Raises
    ------
    ModelFileError
        When the file is missing, cut short, not ONNX, or another network.
    ModelRunError
        When `device` is unknown or its provider cannot be used here.
    """
    if device not in PROVIDERS:
        raise ModelRunError(f"unknown device {device!r}; known are {', '.join(sorted(PROVIDERS))}")
    if not path.is_file():
        raise ModelFileError(f"{path}: no such model file; `face-mirror-au weights list` shows what is there")

    # Here, not above: the parent process must not load it before it forks (docs/architecture.md, Processes).
    import onnxruntime as ort

    if device not in devices_here():
        raise ModelRunError(f"device {device}: onnxruntime {ort.__version__} does not have it here (it has {', '.join(devices_here())})")
    options = cpu_options(threads)
    if device != "cpu":
        options.use_deterministic_compute = True
        for name, size in FIXED_DIMENSIONS.items():
            options.add_free_dimension_override_by_name(name, size)
    rewrites = [name for name in rewrites if device == "cpu" or name != OPENED_PRELU]
    source: str | bytes = _rewritten(path, rewrites) if rewrites else str(path)
    providers = providers_for(device, _sha256(source))
    try:
        # Without its fallback, by which a provider that fails is replaced by the CPU: slow and silent, where the supervisor should know.
        session = ort.InferenceSession(source, options, providers=providers, enable_fallback=0)
    except Exception as error:  # see ModelSession.run
        if device != "cpu":
            raise ModelRunError(f"{path}: device {device} does not take it: {_first_line(error)}") from error
        raise ModelFileError(f"{path}: not a usable ONNX file, fetch or import it again: {_first_line(error)}") from error
    if providers[0][0] not in session.get_providers():
        raise ModelRunError(f"{path}: device {device} could not be started (driver or libraries missing?)")
    _check_names(path, "input", inputs, [node.name for node in session.get_inputs()])
    _check_names(path, "output", outputs, [node.name for node in session.get_outputs()])
    return ModelSession(path, session, outputs)


def cpu_options(threads: int) -> ort.SessionOptions:
    """What every session is made with."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # What a full frame needs goes back to the system: as fast, and 12 MB less in each worker.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _ONNX_ERRORS_ONLY
    return options


def _rewritten(path: Path, rewrites: Sequence[str]) -> bytes:
    import onnx

    from face_mirror_au.models.dead_weights import drop_dead_weights
    from face_mirror_au.models.opened_prelu import open_prelu

    try:
        model = onnx.load(str(path))
        for name in rewrites:
            {DEAD_WEIGHTS: drop_dead_weights, OPENED_PRELU: open_prelu}[name](model)
        return bytes(model.SerializeToString())
    except Exception as error:  # protobuf's DecodeError and onnx's own classes share no base
        raise ModelFileError(f"{path}: not a usable ONNX file, fetch or import it again: {_first_line(error)}") from error


def _sha256(source: str | bytes) -> str:
    return sha256(source if isinstance(source, bytes) else Path(source).read_bytes()).hexdigest()


def _check_names(path: Path, kind: str, wanted: Sequence[str], present: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in present]
    if missing:
        raise ModelFileError(f"{path}: another network than expected: it has no {kind} {', '.join(missing)} (it has {', '.join(present)})")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
