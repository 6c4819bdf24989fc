"""OpenCV, imported at first use, and what to tell a person when it cannot be."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from face_mirror_au.errors import OpenCVMissingError


def opencv() -> ModuleType:
    """Import cv2 at first use, so that a parent process can load our modules fast and still fork safely (docs/architecture.md, Processes).

    Raises
    ------
    OpenCVMissingError
    """
    with explaining_import_errors():
        import cv2
    return cv2


def explain_import_error(error: ImportError) -> OpenCVMissingError | None:
    """Turn a failed `import cv2` into one line with the two remedies; None when `error` is about something else."""
    text = str(error)
    # What Debian's and Ubuntu's servers lack for opencv-python: libGL.so.1 and libgthread-2.0.so.0.
    if error.name != "cv2" and not any(word in text for word in ("cv2", "libGL", "libgthread")):
        return None
    return OpenCVMissingError(
        f"OpenCV cannot be loaded ({text.splitlines()[0]}); either install the system packages that it wants (Debian and Ubuntu: "
        "apt-get install libgl1 libglib2.0-0), or use the build without a display: "
        f"pip uninstall opencv-python; pip install 'opencv-python-headless{_version()}'"
    )


@contextmanager
def explaining_import_errors() -> Iterator[None]:
    """Raise `OpenCVMissingError` instead of the ImportError of a failed `import cv2` inside the block."""
    try:
        yield
    except ImportError as error:
        explained = explain_import_error(error)
        if explained is None:
            raise
        raise explained from error


def _version() -> str:
    try:
        return f"=={importlib.metadata.version('opencv-python')}"
    except importlib.metadata.PackageNotFoundError:
        return ">=4.10,<5"
