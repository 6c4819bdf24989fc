"""Facial action units in the frame loop: OpenFace 2.2's method in Python, for facial palsy.

`AUPipeline` measures recordings and frames, `aus_from_landmarks` takes landmarks that you bring, `asymmetry_of` and `compare_visits`
measure left against right in results, `table_agreement` compares two tables in OpenFace's columns, `write_workbook` makes an Excel
workbook of a result, `FullPythonAUPipeline` is the original design's call.
"""

from __future__ import annotations

import importlib
import os
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from face_mirror_au.api import (
        AUPipeline,
        FullPythonAUPipeline,
        LandmarkAUs,
        Result,
        asymmetry_of,
        aus_from_landmarks,
        compare_visits,
        table_agreement,
        write_workbook,
    )

__all__ = [
    "AUPipeline",
    "FullPythonAUPipeline",
    "LandmarkAUs",
    "Result",
    "__version__",
    "asymmetry_of",
    "aus_from_landmarks",
    "compare_visits",
    "table_agreement",
    "write_workbook",
]

# ONNX Runtime's official builds send usage data to their maker from the first import on, unless this is set. Nothing leaves this machine.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

try:
    __version__ = version("face-mirror-au")
except PackageNotFoundError:  # run from a source folder that was never installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:
    # The API brings OpenCV and pandas: loaded when first used, so that `import face_mirror_au` and the command line start at once.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from face_mirror_au.opencv import explaining_import_errors

    with explaining_import_errors():
        return getattr(importlib.import_module("face_mirror_au.api"), name)
