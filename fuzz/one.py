"""`python -m fuzz.one TARGET [libFuzzer options] FOLDER...`: one target under atheris, until its limits or the first finding."""

from __future__ import annotations

import hashlib
import logging
import resource
import sys
import warnings
from pathlib import Path

import atheris

# Heavy libraries first: what is imported below is instrumented, and they are not what is tried.
import av
import cv2
import jinja2  # noqa: F401
import matplotlib.figure  # noqa: F401
import numpy as np  # noqa: F401
import onnxruntime  # noqa: F401
import pandas as pd  # noqa: F401
import pyarrow.parquet  # noqa: F401

with atheris.instrument_imports(include=["face_mirror_au", "face_mirror_weights", "tomllib", "zipfile"]):
    from fuzz.contract import FINDINGS, run
    from fuzz.targets import TARGETS

# More than this on top of what the process has at its start is an error of memory: also what is asked for and never touched.
HEADROOM_BYTES = 1 << 30


def main() -> None:
    """Run a target; ends the process."""
    name, *arguments = sys.argv[1:]
    target = TARGETS[name]
    # What warns, warns the user of a command: a reader must know better.
    warnings.simplefilter("error")
    logging.disable()
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    av.logging.set_level(None)
    statistics = Path("/proc/self/statm")
    if statistics.exists():  # Linux
        pages = int(statistics.read_text(encoding="ascii").split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + HEADROOM_BYTES, resource.RLIM_INFINITY))

    def once(data: bytes) -> None:
        try:
            run(target, data)
        except BaseException:
            # libFuzzer keeps it, too, unless its own alarm comes first.
            keep = FINDINGS / name / f"crash-{hashlib.sha1(data).hexdigest()}"  # noqa: S324 - libFuzzer's name for it
            keep.parent.mkdir(parents=True, exist_ok=True)
            keep.write_bytes(data)
            raise

    atheris.Setup([sys.argv[0], *arguments], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
