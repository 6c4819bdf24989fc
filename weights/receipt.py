"""The receipt beside a converted model: which source became which result, with which versions.

Another version of the onnx package may write the same model with other bytes, which the manifest's SHA-256 cannot know. The receipt says
that our converter made those bytes from the very TFLite file that the manifest names.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

SUFFIX = ".receipt.json"


@dataclass(frozen=True)
class Receipt:
    """One conversion."""

    key: str
    source_sha256: str
    result_size: int
    result_sha256: str
    converter_version: int
    onnx_version: str

    def write(self, model: Path) -> Path:
        """Write the receipt beside the model and return its path."""
        path = receipt_path(model)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        return path


def receipt_path(model: Path) -> Path:
    """Path of the receipt of a model file."""
    return model.with_name(model.name + SUFFIX)


def read_receipt(path: Path) -> Receipt | None:
    """Read a receipt; anything that is not one gives None."""
    try:
        receipt = Receipt(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return receipt if isinstance(receipt.result_size, int) and isinstance(receipt.result_sha256, str) else None
