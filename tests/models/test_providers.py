"""Provider options as data, and that sessions get them."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from face_mirror_au.errors import ModelFileError, ModelRunError
from face_mirror_au.models import providers
from face_mirror_au.models.providers import (
    PROVIDERS,
    coreml_cache,
    devices_here,
    onnxruntime_version,
    options_hash,
    providers_for,
)
from face_mirror_au.models.session import DEAD_WEIGHTS, OPENED_PRELU, open_session

ANY_HASH = "ab" * 32


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(providers, "user_cache", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """y = x * w, with a batch size left open."""
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch_size", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch_size", 2])],
        [numpy_helper.from_array(np.array([2, 1e-40], dtype=np.float32), "w")],
    )
    path = tmp_path / "product.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8), str(path))
    return path


class Recorder:
    """Stands in for `onnxruntime.InferenceSession`: runs on the CPU, keeps what it was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, starts: bool = True, failure: str = "") -> None:
        self.source: str | bytes = ""
        self.providers: list[tuple[str, dict[str, str]]] = []
        self.options: ort.SessionOptions = None
        self.keywords: dict[str, object] = {}
        self._real, self._starts, self._failure = ort.InferenceSession, starts, failure
        monkeypatch.setattr(ort, "InferenceSession", self)
        monkeypatch.setattr(ort, "get_available_providers", lambda: [device[0][0] for device in PROVIDERS.values()])

    def __call__(self, source, options, *, providers, **keywords):
        self.source, self.options, self.providers, self.keywords = source, options, providers, keywords
        if self._failure:
            raise RuntimeError(self._failure)
        session = self._real(source, options, providers=["CPUExecutionProvider"])
        if self._starts:
            session.get_providers = lambda: [name for name, _ in providers]
        return session


@pytest.mark.parametrize("device", PROVIDERS)
def test_the_cpu_stands_behind_every_device(device: str) -> None:
    assert providers_for(device, ANY_HASH)[-1] == ("CPUExecutionProvider", {})


def test_coreml_options(cache: Path) -> None:
    (name, options), _ = providers_for("coreml", ANY_HASH)
    folder = Path(options.pop("ModelCacheDirectory"))
    assert name == "CoreMLExecutionProvider"
    assert options == {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL", "RequireStaticInputShapes": "1", "EnableOnSubgraphs": "0"}
    assert folder.is_relative_to(cache / "coreml")
    assert folder.is_dir()


def test_coreml_goes_without_a_cache_that_cannot_be_made(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache.write_text("a file where the folder should be")
    (_, options), _ = providers_for("coreml", ANY_HASH)
    assert options == PROVIDERS["coreml"][0][1]
    assert "compiles anew" in caplog.text


def test_cuda_options() -> None:
    (name, options), _ = providers_for("cuda", ANY_HASH)
    assert name == "CUDAExecutionProvider"
    assert options["device_id"] == "0"
    assert options["arena_extend_strategy"] == "kSameAsRequested"
    assert int(options["gpu_mem_limit"]) <= 4 * 1024**3
    assert options["cudnn_conv_algo_search"] == "HEURISTIC"
    assert options["use_tf32"] == "0"


@pytest.mark.parametrize("device", PROVIDERS)
def test_options_are_text_as_onnxruntime_wants_them(device: str) -> None:
    assert all(isinstance(value, str) for _, options in providers_for(device, ANY_HASH) for value in options.values())


def test_what_a_caller_does_to_the_options_does_not_stay() -> None:
    providers_for("cuda", ANY_HASH)[0][1]["device_id"] = "7"
    assert providers_for("cuda", ANY_HASH)[0][1]["device_id"] == "0"


def test_a_coreml_cache_folder_for_each_model_and_version(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {coreml_cache(ANY_HASH), coreml_cache("cd" * 32)}
    monkeypatch.setattr(providers, "onnxruntime_version", lambda: "0.0.1")
    folders.add(coreml_cache(ANY_HASH))
    monkeypatch.setattr(providers.platform, "release", lambda: "99.0")
    folders.add(coreml_cache(ANY_HASH))
    monkeypatch.setattr(providers, "FIXED_DIMENSIONS", {"batch_size": 2})
    folders.add(coreml_cache(ANY_HASH))
    assert len(folders) == 5


def test_the_options_hash_tells_devices_apart() -> None:
    assert len({options_hash(device) for device in PROVIDERS}) == len(PROVIDERS)


def test_the_version_without_importing() -> None:
    code = "import sys; from face_mirror_au.models.providers import *; print(onnxruntime_version(), 'onnxruntime' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == [ort.__version__, "False"]


def test_the_version_of_neither_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "DISTRIBUTIONS", ("no-such-onnxruntime",))
    assert onnxruntime_version() == "unknown"


def test_devices_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider", "OtherExecutionProvider", "CPUExecutionProvider"])
    assert devices_here() == ["cpu", "cuda"]


@pytest.mark.parametrize("device", ["coreml", "cuda"])
def test_a_session_gets_providers_options_and_static_shapes(product: Path, monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    recorder = Recorder(monkeypatch)
    session = open_session(product, inputs=["x"], outputs=["y"], device=device)
    assert recorder.providers == providers_for(device, sha256(product.read_bytes()).hexdigest())
    assert recorder.keywords["enable_fallback"] == 0
    assert recorder.options.use_deterministic_compute
    with pytest.raises(ModelRunError, match="network failed"):  # the batch size is fixed at one
        session.run(x=np.ones((2, 2), dtype=np.float32))


def test_a_session_on_the_cpu_keeps_its_open_dimensions(product: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(monkeypatch)
    session = open_session(product, inputs=["x"], outputs=["y"])
    assert recorder.providers == [("CPUExecutionProvider", {})]
    assert not recorder.options.use_deterministic_compute
    assert session.run(x=np.ones((2, 2), dtype=np.float32))[0].shape == (2, 2)


def test_the_coreml_cache_of_flushed_weights_is_named_after_the_bytes(product: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(monkeypatch)
    open_session(product, inputs=["x"], outputs=["y"], device="coreml", rewrites=[DEAD_WEIGHTS, OPENED_PRELU])
    assert isinstance(recorder.source, bytes)
    flushed = sha256(recorder.source).hexdigest()
    assert flushed != sha256(product.read_bytes()).hexdigest()
    assert Path(recorder.providers[0][1]["ModelCacheDirectory"]) == coreml_cache(flushed)


@pytest.mark.parametrize(("device", "kind"), [("cpu", bytes), ("coreml", str), ("cuda", str)])
def test_prelu_is_opened_on_the_cpu_alone(product: Path, monkeypatch: pytest.MonkeyPatch, device: str, kind: type) -> None:
    recorder = Recorder(monkeypatch)
    open_session(product, inputs=["x"], outputs=["y"], device=device, rewrites=[OPENED_PRELU])
    assert isinstance(recorder.source, kind)


@pytest.mark.parametrize("device", ["coreml", "cuda"])
def test_a_device_that_is_not_here(product: Path, monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ModelRunError, match=rf"device {device}: .* does not have it here \(it has cpu\)"):
        open_session(product, inputs=["x"], outputs=["y"], device=device)


def test_a_provider_that_gives_way_to_the_cpu_in_silence(product: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Recorder(monkeypatch, starts=False)
    with pytest.raises(ModelRunError, match="device cuda could not be started"):
        open_session(product, inputs=["x"], outputs=["y"], device="cuda")


@pytest.mark.parametrize(("device", "error"), [("cpu", ModelFileError), ("cuda", ModelRunError)])
def test_whose_fault_a_refused_model_is(product: Path, monkeypatch: pytest.MonkeyPatch, device: str, error: type[Exception]) -> None:
    Recorder(monkeypatch, failure="no kernel image\nand a stack")
    with pytest.raises(error, match="no kernel image") as caught:
        open_session(product, inputs=["x"], outputs=["y"], device=device)
    assert "\n" not in str(caught.value)
