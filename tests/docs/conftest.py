"""A folder in which the documentation's commands and code can be tried."""

from __future__ import annotations

import shutil

import pytest
from docs_pages import ROOT, command_lines
from typer.testing import CliRunner

from face_mirror_au import AUPipeline
from face_mirror_au.cli import options
from face_mirror_au.cli.app import app

CLIPS = ROOT / "tests" / "clips"


def call(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, f"face-mirror-au {' '.join(map(str, arguments))}\n{done.output}"
    return done


@pytest.fixture(scope="session")
def weights(shared_file):
    return shared_file("weights")


@pytest.fixture(scope="session")
def tried(weights, tmp_path_factory):
    """The folder after the tour's commands: patient.mp4 smiles on the left, visit2.mp4 on both sides. What each command said is in it."""
    folder = tmp_path_factory.mktemp("tour")
    (folder / "recordings").mkdir()
    for name, clip in {"patient": "smile_left", "visit2": "smile_both", "recordings/rest": "blink_left"}.items():
        shutil.copy(CLIPS / f"{clip}.mp4", folder / f"{name}.mp4")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("FACE_MIRROR_AU_WEIGHTS", str(weights))
        patch.setattr(options, "MAX_DEFAULT_WORKERS", 0)  # see tests/cli/test_cli_run.py
        said = {" ".join(line): call(*line).output for line in command_lines("docs/tour.md") if line[0] != "weights"}
    return folder, said


@pytest.fixture(scope="session")
def folder(tried, weights):
    """That folder with all other files that pages name."""
    folder, _ = tried
    table = AUPipeline("openface-pfld", weights_dir=weights).process_video(folder / "patient.mp4")
    points = table[["frame", "success", *(f"{axis}_{point}" for axis in "xy" for point in range(68))]]
    points.rename(columns=lambda name: name.replace("_", "")).to_csv(folder / "landmarks.csv", index=False)
    predictors = weights / "openface-2.2.0" / "AU_predictors"
    for name, target in {
        "retinaface.onnx": weights / "retinaface-pfld" / "retinaface_mobilenet025.onnx",
        "pfld.onnx": weights / "retinaface-pfld" / "pfld_cunjian.onnx",
        "AU_predictors": predictors,
        "In-the-wild_aligned_PDM_68.txt": predictors / "In-the-wild_aligned_PDM_68.txt",
        "tris_68_full.txt": predictors / "tris_68_full.txt",
    }.items():
        (folder / name).symlink_to(target)
    return folder


@pytest.fixture
def inside(folder, weights, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(weights))
    monkeypatch.setattr(options, "MAX_DEFAULT_WORKERS", 0)
    return folder
