"""From a checked TFLite file to an ONNX model with its receipt in the staging folder."""

from __future__ import annotations

import hashlib
import tempfile
from importlib.metadata import version
from pathlib import Path

from face_mirror_weights.errors import WeightsError
from face_mirror_weights.manifest import ModelFile
from face_mirror_weights.receipt import Receipt
from face_mirror_weights.staging import Staging


def stage_converted(file: ModelFile, tflite: bytes, staging: Staging) -> None:
    """Convert a TFLite model whose SHA-256 is checked, and stage the result and its receipt."""
    # Imported here: finding models must not load onnx (0.2 s, and a large library in every worker).
    from face_mirror_weights.tflite_to_onnx import CONVERTER_VERSION, convert_tflite

    with tempfile.TemporaryDirectory(prefix="face-mirror-au-") as folder:
        source = Path(folder) / "model.tflite"
        source.write_bytes(tflite)
        model = convert_tflite(source, file.key)
    place = staging.place(file.path)
    receipt = Receipt(
        key=file.key,
        source_sha256=hashlib.sha256(tflite).hexdigest(),
        result_size=len(model),
        result_sha256=hashlib.sha256(model).hexdigest(),
        converter_version=CONVERTER_VERSION,
        onnx_version=version("onnx"),
    )
    try:
        place.write_bytes(model)
        written = receipt.write(place)
    except OSError as error:
        raise WeightsError(f"cannot write {place}: {error.strerror or error}; make room, or choose another folder with --to") from error
    staging.finished(file.path)
    staging.finished(file.path.with_name(written.name))
