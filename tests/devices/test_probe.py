"""Probing of devices with stand-ins that crash, hang, raise, are wrong, slow or fast. No real device is needed."""

from __future__ import annotations

import faulthandler
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from face_mirror_au.devices import probe, probe_memory
from face_mirror_au.devices.probe import DeviceChoice, ModelToProbe, ProbeSetup, choose_device, model_to_probe
from face_mirror_au.devices.probe_child import run_in_child, start_methods
from face_mirror_au.errors import ModelFileError, UsageError
from face_mirror_au.models.session import NetworkForm

FORK_AND_SPAWN = pytest.mark.skipif("fork" not in start_methods(), reason="no fork here")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals")
Choose = Callable[..., DeviceChoice]

SETUP = ProbeSetup(
    devices_here="probe_stand_ins:all_devices", time_limit_s=20, methods=("fork",) if "fork" in start_methods() else ("spawn",)
)


@pytest.fixture
def cache_file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "devices.json"


@pytest.fixture
def network(tmp_path: Path) -> ModelToProbe:
    return make_model(tmp_path, "first")


def make_model(folder: Path, name: str) -> ModelToProbe:
    path = folder / f"{name}.onnx"
    path.write_text(f"stands for the network {name}")
    return ModelToProbe(name, path, NetworkForm(inputs={"input": (1, 3, 16, 16)}, low=0, high=1, limits={"output": 0.01}))


def openings(model: ModelToProbe) -> list[str]:
    """Each line: device and start method of a session that a stand-in opened."""
    log = model.path.with_suffix(".log")
    return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def choose(network: ModelToProbe, cache_file: Path) -> Choose:
    def call(factory: str, request: str = "auto", models=None, **changes) -> DeviceChoice:
        setup = replace(SETUP, factory=f"probe_stand_ins:{factory}", cache_file=cache_file, **changes)
        return choose_device(request, models or [network], setup)

    return call


def test_a_faster_device_is_taken(choose: Choose) -> None:
    choice = choose("faster")
    assert choice.devices == {"first": "coreml"}
    assert choice.start_method == SETUP.methods[0]
    assert choice.messages == ()
    result = choice.probes["first"]
    assert result.device_ms < result.cpu_ms
    assert result.first_ms >= 1
    assert result.differences == {"output": 0}
    assert "faster" in choice.reasons["first"]


def test_a_slower_device_is_not_taken_by_auto(choose: Choose) -> None:
    choice = choose("slower")
    assert choice.devices == {"first": "cpu"}
    assert choice.start_method is None
    assert choice.messages == ()
    assert choice.reasons["first"].startswith("not faster")


def test_a_slower_device_is_taken_when_named_and_the_user_told(choose: Choose) -> None:
    choice = choose("slower", "coreml")
    assert choice.devices == {"first": "coreml"}
    assert len(choice.messages) == 1
    assert "runs on coreml: though not faster" in choice.messages[0]


@pytest.mark.parametrize("request_", ["auto", "coreml"])
@pytest.mark.parametrize(
    ("factory", "reason"),
    [
        pytest.param("crashes_when_loaded", r"SIGSEGV \(exit code 139\)", marks=POSIX),
        pytest.param("crashes_first", r"SIGSEGV \(exit code 139\)", marks=POSIX),
        pytest.param("crashes_later", r"SIGSEGV \(exit code 139\)", marks=POSIX),
        ("exits", r"without an answer \(exit code 3\)"),
        ("raises", "RuntimeError: the provider says no$"),
        ("wrong", r"output output is off by 0\.5 \(limit 0\.01\)"),
        ("not_a_number", "output output is not finite"),
    ],
)
def test_a_bad_device_leaves_the_model_on_the_cpu_and_says_why(choose: Choose, factory: str, reason: str, request_: str) -> None:
    choice = choose(factory, request_)
    assert choice.devices == {"first": "cpu"}
    assert choice.start_method is None
    assert len(choice.messages) == 1
    assert choice.messages[0].startswith("device coreml: first stays on the CPU: ")
    assert "\n" not in choice.messages[0]
    assert re.search(reason, choice.reasons["first"])


@pytest.mark.parametrize("method", start_methods())
def test_a_hang_ends_at_the_time_limit(choose: Choose, method: str) -> None:
    choice = choose("hangs", time_limit_s=1.5, methods=(method,))
    assert choice.devices == {"first": "cpu"}
    assert "no answer within 1.5 s" in choice.reasons["first"]


def test_small_differences_are_put_up_with(choose: Choose) -> None:
    choice = choose("nearly_right")
    assert choice.devices == {"first": "coreml"}
    assert choice.probes["first"].differences["output"] == pytest.approx(0.001, rel=0.01)


@FORK_AND_SPAWN
def test_fork_is_tried_first_then_spawn(choose: Choose, network: ModelToProbe) -> None:
    choice = choose("crashes_forked", methods=("fork", "spawn"))
    assert choice.devices == {"first": "coreml"}
    assert choice.start_method == "spawn"
    assert openings(network) == ["cpu fork", "coreml fork", "cpu spawn", "coreml spawn"]


@FORK_AND_SPAWN
def test_spawn_is_not_tried_when_fork_holds(choose: Choose, network: ModelToProbe) -> None:
    assert choose("crashes_spawned", methods=("fork", "spawn")).start_method == "fork"
    assert openings(network) == ["cpu fork", "coreml fork"]


@FORK_AND_SPAWN
def test_then_the_cpu(choose: Choose, network: ModelToProbe) -> None:
    choice = choose("crashes_first", methods=("fork", "spawn"))
    assert choice.devices == {"first": "cpu"}
    assert openings(network) == ["cpu fork", "coreml fork", "cpu spawn", "coreml spawn"]


@FORK_AND_SPAWN
def test_one_start_method_for_all_models(choose: Choose, network: ModelToProbe, tmp_path: Path) -> None:
    second = make_model(tmp_path, "second")
    choice = choose("crashes_forked_if_second", models=[network, second], methods=("fork", "spawn"))
    assert choice.devices == {"first": "coreml", "second": "coreml"}
    assert choice.start_method == "spawn"
    assert choice.probes["first"].start_method == "spawn"
    assert "coreml spawn" in openings(network)


@FORK_AND_SPAWN
def test_a_model_that_never_holds_does_not_spoil_the_other(choose: Choose, network: ModelToProbe, tmp_path: Path) -> None:
    choice = choose("crashes_if_second", models=[network, make_model(tmp_path, "second")], methods=("fork", "spawn"))
    assert choice.devices == {"first": "coreml", "second": "cpu"}
    assert choice.start_method == "fork"


def test_results_are_remembered(choose: Choose, network: ModelToProbe) -> None:
    first, second = choose("faster"), choose("faster")
    assert len(openings(network)) == 2
    assert second.devices == first.devices
    assert second.probes["first"] == replace(first.probes["first"], remembered=True)


@POSIX
def test_failures_are_remembered(choose: Choose, network: ModelToProbe) -> None:
    first, second = choose("crashes_first"), choose("crashes_first")
    assert len(openings(network)) == 2
    assert second.reasons == first.reasons
    assert second.messages == first.messages


def test_what_a_result_holds_for(choose: Choose, network: ModelToProbe, monkeypatch: pytest.MonkeyPatch) -> None:
    choose("faster")
    network.path.write_text("another network")
    choose("faster")
    assert len(openings(network)) == 4
    monkeypatch.setattr(probe, "onnxruntime_distributions", lambda: {"onnxruntime": "0.0.1"})
    choose("faster")
    assert len(openings(network)) == 6
    monkeypatch.setattr(probe, "options_hash", lambda device: "other options")
    choose("faster")
    assert len(openings(network)) == 8
    monkeypatch.setattr(probe.platform, "release", lambda: "99.0")
    choose("faster")
    assert len(openings(network)) == 10
    choose("faster")
    assert len(openings(network)) == 10


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1, "entries": 3}', '{"format": 99, "entries": {}}', "\x00\xff"])
def test_a_damaged_file_is_ignored_and_rewritten(choose: Choose, network: ModelToProbe, cache_file: Path, content: str) -> None:
    cache_file.parent.mkdir()
    cache_file.write_bytes(content.encode("latin-1"))
    assert choose("faster").devices == {"first": "coreml"}
    choose("faster")
    assert len(openings(network)) == 2
    assert json.loads(cache_file.read_text())["format"] == probe_memory.FORMAT


@pytest.mark.parametrize("damage", [{"answer": {}, "failure": ""}, {"answer": None, "failure": ""}, {"answer": 3, "failure": ""}, {}])
def test_a_damaged_entry_is_tried_again(choose: Choose, network: ModelToProbe, cache_file: Path, damage: dict[str, object]) -> None:
    choose("faster")
    content = json.loads(cache_file.read_text())
    damaged = {key: damage if "answer" in entry else {"devices": 7} for key, entry in content["entries"].items()}
    cache_file.write_text(json.dumps({**content, "entries": damaged}))
    assert choose("faster").devices == {"first": "coreml"}
    assert len(openings(network)) == 4


def test_a_cache_that_cannot_be_written_fails_no_run(choose: Choose, cache_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache_file.parent.write_text("a file where the folder should be")
    assert choose("faster").devices == {"first": "coreml"}
    assert "cannot be written" in caplog.text


@POSIX
@pytest.mark.parametrize("method", start_methods())
def test_nothing_of_a_crash_reaches_the_terminal(choose: Choose, capfd: pytest.CaptureFixture[str], method: str) -> None:
    choose("crashes_first", methods=(method,))
    assert capfd.readouterr() == ("", "")


@FORK_AND_SPAWN
def test_no_crash_report_of_a_forked_child(choose: Choose, tmp_path: Path) -> None:
    with (tmp_path / "report").open("w+") as report:
        enabled = faulthandler.is_enabled()
        faulthandler.enable(report)
        try:
            choose("crashes_first", methods=("fork",))
        finally:
            faulthandler.disable()
            if enabled:
                faulthandler.enable(sys.__stderr__)
    assert (tmp_path / "report").read_text() == ""


PARENT = """
import os, sys, threading
from pathlib import Path
from face_mirror_au.devices.probe import ProbeSetup, choose_device, model_to_probe
model, method = Path(sys.argv[1]), sys.argv[2]
setup = ProbeSetup("probe_stand_ins:faster", "probe_stand_ins:all_devices", model.with_name("devices.json"), 20, (method,))
choice = choose_device("auto", [model_to_probe("pfld", model)], setup)
loaded = {"onnxruntime", "onnx", "cv2", "av"} & set(sys.modules)
try:
    os.waitpid(-1, os.WNOHANG)
    children = "some"
except ChildProcessError:
    children = "none"
print(choice.devices["pfld"], loaded, threading.active_count(), children)
"""


@POSIX
@pytest.mark.parametrize("method", start_methods())
def test_the_parent_is_left_clean_to_fork(network: ModelToProbe, method: str) -> None:
    command = [sys.executable, "-c", PARENT, str(network.path), method]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.split("\n")[0] == "coreml set() 1 none"
    assert result.stderr == ""


def test_the_cpu_is_not_probed(choose: Choose, network: ModelToProbe, cache_file: Path) -> None:
    choice = choose("crashes_first", "cpu")
    assert choice == DeviceChoice("cpu", {"first": "cpu"}, {"first": "asked for"})
    assert openings(network) == []
    assert not cache_file.exists()


def test_auto_where_there_is_only_the_cpu(choose: Choose, network: ModelToProbe) -> None:
    choice = choose("faster", devices_here="probe_stand_ins:cpu_only")
    assert choice.devices == {"first": "cpu"}
    assert choice.messages == ()
    assert openings(network) == []


@pytest.mark.parametrize(("request_", "hint"), [("coreml", "macOS"), ("cuda", "onnxruntime-gpu in place of onnxruntime")])
def test_a_device_that_is_not_here_is_a_mistake_of_the_user(choose: Choose, request_: str, hint: str) -> None:
    with pytest.raises(UsageError, match=rf"--device {request_}: .* it has cpu\. .*{hint}"):
        choose("faster", request_, devices_here="probe_stand_ins:cpu_only")


def test_an_unknown_device(choose: Choose) -> None:
    with pytest.raises(UsageError, match="unknown device 'abacus'; choose one of auto, cpu, coreml, cuda"):
        choose("faster", "abacus")


@POSIX
def test_onnxruntime_that_dies_when_asked_is_not_believed_for_ever(choose: Choose, caplog: pytest.LogCaptureFixture) -> None:
    assert choose("faster", devices_here="probe_stand_ins:dies_when_asked").devices == {"first": "cpu"}
    assert "could not be asked for its devices: died of SIGSEGV" in caplog.text
    caplog.clear()
    choose("faster", devices_here="probe_stand_ins:dies_when_asked")
    assert "could not be asked" in caplog.text


def test_a_missing_model_file(choose: Choose, network: ModelToProbe) -> None:
    network.path.unlink()
    with pytest.raises(ModelFileError, match=r"first\.onnx: the model file cannot be read"):
        choose("faster")


@pytest.mark.parametrize(
    ("request_", "devices_here", "device", "told"),
    [("auto", "all_devices", "cpu", 0), ("coreml", "all_devices", "cpu", 1), ("auto", "cuda_here", "cuda", 0)],
)
def test_retinaface_under_coreml_and_cuda(
    choose: Choose, network: ModelToProbe, request_: str, devices_here: str, device: str, told: int
) -> None:
    retinaface = replace(model_to_probe("retinaface", network.path), form=network.form)
    choice = choose("faster", request_, models=[retinaface], devices_here=f"probe_stand_ins:{devices_here}")
    assert choice.devices == {"retinaface": device}
    assert len(choice.messages) == told
    assert len(openings(network)) == (0 if device == "cpu" else 2)


def test_both_packages_are_a_warning(choose: Choose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "onnxruntime_distributions", lambda: {"onnxruntime": "1.20", "onnxruntime-gpu": "1.20"})
    (message,) = choose("faster").messages
    assert "onnxruntime and onnxruntime-gpu are both installed" in message


@pytest.mark.parametrize("factory", ["faster", "not_a_number", "raises"])
def test_metadata_are_strict_json(choose: Choose, factory: str) -> None:
    choice = choose(factory)
    metadata = json.loads(json.dumps(choice.as_metadata(), allow_nan=False))
    assert metadata["requested"] == "auto"
    assert metadata["models"]["first"]["device"] == choice.devices["first"]
    assert metadata["models"]["first"]["reason"] == choice.reasons["first"]
    assert metadata["models"]["first"]["probe"]["start_method"] == SETUP.methods[0]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("pfld", "retinaface-pfld/pfld_cunjian.onnx"),
        ("retinaface", "retinaface-pfld/retinaface_mobilenet025.onnx"),
        ("blazeface", "mediapipe-open/blazeface_short_fp16w.onnx"),
        ("attention_mesh", "mediapipe-open/face_landmark_attention_fp16w.onnx"),
    ],
)
def test_our_networks_go_through_the_probe(shared_file: Callable[[str], Path], name: str, file: str) -> None:
    model = model_to_probe(name, shared_file(f"weights/{file}"))
    job = probe.job_for(model, "cpu", ProbeSetup().factory)
    outcome = run_in_child(job, "spawn", 20)
    assert outcome.failure == ""
    assert outcome.answer["differences"] == dict.fromkeys(model.form.limits, 0.0)
    assert outcome.answer["device_ms"] > 0
    assert outcome.answer["first_ms"] > 0


def test_the_real_onnxruntime_is_asked_in_a_child() -> None:
    outcome = run_in_child({"call": probe.DEVICES_HERE}, "spawn", 20)
    assert "cpu" in outcome.answer
