"""The inner loops, each as a compiled kernel and as a NumPy twin with the same signature and the same results.

The modules to use are those of `NAMES`. They are the compiled ones where the build made them, else the twins.
FACE_MIRROR_AU_KERNELS=off asks for the twins; FACE_MIRROR_AU_REQUIRE_KERNELS=1 makes a missing kernel an error.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType

from face_mirror_au.errors import KernelsMissingError

NAMES = ("pose", "running_median", "mask", "fhog", "responses", "stage")


def _load(name: str) -> tuple[ModuleType, str]:
    required = os.environ.get("FACE_MIRROR_AU_REQUIRE_KERNELS") == "1"
    if os.environ.get("FACE_MIRROR_AU_KERNELS", "on") != "off":
        try:
            return importlib.import_module(f"{__name__}.{name}"), "compiled"
        except ImportError as error:
            if required:
                raise KernelsMissingError(
                    f"the compiled kernel {name!r} could not be loaded ({error}) and FACE_MIRROR_AU_REQUIRE_KERNELS=1 is set; "
                    "install a C compiler and install the package again, or unset the variable"
                ) from error
    return importlib.import_module(f"{__name__}.{name}_numpy"), "numpy"


loaded: dict[str, str] = {}
"""Which form of each kernel is in use: "compiled" or "numpy"."""

pose, loaded["pose"] = _load("pose")
running_median, loaded["running_median"] = _load("running_median")
mask, loaded["mask"] = _load("mask")
fhog, loaded["fhog"] = _load("fhog")
responses, loaded["responses"] = _load("responses")
stage, loaded["stage"] = _load("stage")
