"""The inner loops, each as a compiled kernel and as a NumPy twin with the same signature and the same results.

`pose`, `running_median`, `mask` and `fhog` are the modules to use. They are the compiled ones where the build made them, else the twins.
FACE_MIRROR_AU_KERNELS=off asks for the twins; FACE_MIRROR_AU_REQUIRE_KERNELS=1 makes a missing kernel an error.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType

from face_mirror_au.errors import KernelsMissingError

NAMES = ("pose", "running_median", "mask", "fhog")


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


pose, _pose_kind = _load("pose")
running_median, _running_median_kind = _load("running_median")
mask, _mask_kind = _load("mask")
fhog, _fhog_kind = _load("fhog")

loaded: dict[str, str] = {"pose": _pose_kind, "running_median": _running_median_kind, "mask": _mask_kind, "fhog": _fhog_kind}
"""Which form of each kernel is in use: "compiled" or "numpy"."""
