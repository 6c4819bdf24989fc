"""What ONNX Runtime is told for each device: execution providers and their options, as data.

Options and values as in ONNX Runtime's pages "CoreML Execution Provider" and "CUDA Execution Provider".
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import platformdirs

logger = logging.getLogger(__name__)

Provider = tuple[str, Mapping[str, str]]

# Execution provider and its options for each device, in the order in which ONNX Runtime shall try them: what the first cannot do, the CPU
# does. CoreML gets a model cache besides (`providers_for`).
PROVIDERS: Mapping[str, Sequence[Provider]] = {
    "cpu": (("CPUExecutionProvider", {}),),
    "coreml": (
        (
            "CoreMLExecutionProvider",
            {
                "ModelFormat": "MLProgram",
                "MLComputeUnits": "ALL",
                "RequireStaticInputShapes": "1",  # with shapes that change it is slow, and crashes have been reported (onnxruntime #21227)
                "EnableOnSubgraphs": "0",  # none of the models has a loop or a condition
            },
        ),
        ("CPUExecutionProvider", {}),
    ),
    "cuda": (
        (
            "CUDAExecutionProvider",
            {
                "device_id": "0",
                "arena_extend_strategy": "kSameAsRequested",  # the other strategy doubles what it holds at each step
                "gpu_mem_limit": str(2 * 1024**3),  # bytes, for each worker
                "cudnn_conv_algo_search": "HEURISTIC",  # EXHAUSTIVE times the algorithms, and may choose others in the next run
                "use_tf32": "0",  # ten bits of mantissa move landmarks
            },
        ),
        ("CPUExecutionProvider", {}),
    ),
}

# Dimensions that the model files leave open and we never vary: fixed for every device but the CPU, so that shapes are static.
FIXED_DIMENSIONS: Mapping[str, int] = {"batch_size": 1}

# Distributions that bring the module `onnxruntime`. They overwrite each other's files: never both.
DISTRIBUTIONS = ("onnxruntime", "onnxruntime-gpu")


def providers_for(device: str, model_sha256: str) -> list[tuple[str, dict[str, str]]]:
    """Return what `onnxruntime.InferenceSession` takes as `providers`.

    Parameters
    ----------
    device : str
        A key of `PROVIDERS`.
    model_sha256 : str
        Of the bytes that the session is made from; names the folder of CoreML's compiled model, which is made here. Where it cannot be
        made the option is left out: CoreML then compiles anew for each session.
    """
    providers = [(name, dict(options)) for name, options in PROVIDERS[device]]
    if device == "coreml":
        folder = coreml_cache(model_sha256)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            logger.warning("the cache of compiled models cannot be made, CoreML compiles anew for each session: %s", error.strerror)
        else:
            providers[0][1]["ModelCacheDirectory"] = str(folder)
    return providers


def coreml_cache(model_sha256: str) -> Path:
    """Folder of a compiled model.

    ONNX Runtime names the compiled model after the file's path, or after the names of inputs and outputs when it is given bytes, and does
    not notice when the model, the options, itself or macOS have changed. So there is one folder for each of them.
    """
    built_for = f"onnxruntime-{onnxruntime_version()}-{platform.system()}-{platform.release()}"
    return user_cache() / "coreml" / built_for / f"{model_sha256}-{options_hash('coreml')[:8]}"


def options_hash(device: str) -> str:
    """SHA-256 of a device's providers, options and fixed dimensions."""
    return sha256(repr((PROVIDERS[device], FIXED_DIMENSIONS)).encode()).hexdigest()


def user_cache() -> Path:
    """Folder for what can be made again."""
    return Path(platformdirs.user_cache_dir("face-mirror-au", appauthor=False))


def onnxruntime_distributions() -> dict[str, str]:
    """Name and version of the installed distributions that bring `onnxruntime`, without importing it."""
    installed = {name: _installed_version(name) for name in DISTRIBUTIONS}
    return {name: number for name, number in installed.items() if number is not None}


def _installed_version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def onnxruntime_version() -> str:
    """Version of the installed onnxruntime, without importing it; "unknown" when it was not installed by a package manager."""
    return next(iter(onnxruntime_distributions().values()), "unknown")


def devices_here() -> list[str]:
    """Devices whose provider the installed onnxruntime has. Imports onnxruntime: for workers and probes, not for the parent.

    That a provider is there does not say that it works.
    """
    import onnxruntime as ort

    present = set(ort.get_available_providers())
    return [device for device, providers in PROVIDERS.items() if providers[0][0] in present]
