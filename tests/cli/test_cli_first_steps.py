"""What a newcomer stumbles over: images, earlier results, empty results, signals, closed pipes."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from face_mirror_au import AUPipeline
from face_mirror_au.cli import options
from face_mirror_au.cli.app import app
from face_mirror_au.cli.demo import _cell
from face_mirror_au.cli.terminal import ExitCode
from face_mirror_au.errors import UsageError, WeightsError
from face_mirror_au.media.video import open_source
from face_mirror_au.models.openface_bank import OpenFaceBank
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.pipeline.own_descriptor import descriptor_of
from face_mirror_au.pipeline.sequence import predict_image
from face_mirror_au.records import INTENSITY_AUS
from face_mirror_au.run.landmarks import aus_from_landmarks
from face_mirror_weights import Store, open_models

ROOT = Path(__file__).resolve().parents[2]
CLIP = ROOT / "tests" / "clips" / "smile_left.mp4"
INTENSITIES = [f"{name}_r" for name in INTENSITY_AUS]


@pytest.fixture(autouse=True)
def weights(shared_file, monkeypatch, tmp_path):
    folder = shared_file("weights")
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("OPENFACE_MODELS_DIR", raising=False)
    monkeypatch.setattr(options, "MAX_DEFAULT_WORKERS", 0)  # see test_cli_run.py
    return folder


@pytest.fixture
def images(tmp_path):
    """A folder with three images of the clip, and two files that are none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    with open_source(CLIP) as source:
        for frame in source:
            if frame.index in {0, 10, 25}:
                cv2.imwrite(str(folder / f"{frame.index}.png"), frame.image)
    (folder / "clip.MP4").write_bytes(b"x")
    (folder / "notes.txt").write_text("x")
    return folder


@pytest.fixture
def wall(tmp_path):
    path = tmp_path / "wall.png"
    cv2.imwrite(str(path), np.full((200, 200, 3), 99, np.uint8))
    return path


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def metadata_of(folder, stem):
    return json.loads((folder / stem / f"{stem}.metadata.json").read_text())


def test_a_single_image_has_no_neutral_face(images, tmp_path, weights):
    done = call("run", images / "25.png", "-o", tmp_path / "out", "--profile", "openface-pfld")
    assert done.exit_code == ExitCode.OK, done.output
    assert "1 frame decoded, 1 row, 0 failed" in done.stdout
    assert "a single image: static AU models" in done.stdout
    metadata = metadata_of(tmp_path / "out", "25")
    assert metadata["models"]["au_models"] == "static"
    assert any("single image" in note for note in metadata["notes"])

    pipeline = AUPipeline("openface-pfld", weights_dir=weights)
    record = pipeline.process_frame(cv2.imread(str(images / "25.png")))
    found = descriptor_of(record.views[0])
    expected, _ = predict_image(OpenFaceBank(Store([weights])).au_bank("static"), found.hog, found.geometry)
    table = pipeline.process_video(images / "25.png")
    # A video's descriptors are kept as float32.
    np.testing.assert_allclose(table[INTENSITIES].to_numpy()[0], expected, rtol=0, atol=1e-6)
    written = pd.read_csv(tmp_path / "out" / "25" / "25.csv")
    np.testing.assert_allclose(written[INTENSITIES].to_numpy()[0], expected, atol=0.005 + 1e-9)
    assert expected.max() > 0.5


def test_models_that_are_asked_for_are_taken(images, tmp_path):
    done = call("run", images / "25.png", images, "-o", tmp_path, "--profile", "openface-pfld", "--models", "dynamic")
    assert "1 frame only: the neutral face" in done.stderr
    assert "3 frames only" in done.stderr
    assert metadata_of(tmp_path, "25")["models"]["au_models"] == "dynamic"
    done = call("run", images, "-o", tmp_path, "--profile", "openface-pfld", "--models", "static")
    assert "frames only" not in done.stderr
    assert metadata_of(tmp_path, "photos")["models"]["au_models"] == "static"


def test_a_folder_of_images_is_one_recording(images, wall, tmp_path):
    done = call("run", images, "-o", tmp_path / "out", "--profile", "openface-pfld", "--format", "minimal")
    assert "2 other files were left out, 1 of them a video" in done.stderr
    assert "FOLDER/*.jpg" not in done.stderr
    folder = tmp_path / "out" / "photos"
    assert (folder / "photos.images.csv").read_text() == "row,image\n1,0.png\n2,10.png\n3,25.png\n"
    assert metadata_of(tmp_path / "out", "photos")["models"]["au_models"] == "dynamic"
    dictionary = pd.read_csv(folder / "photos.columns.csv")
    assert dictionary.loc[dictionary["column"] == "frame", "file"].tolist() == ["photos.csv", "photos.raw.csv; photos.online.csv"]
    assert dictionary.loc[dictionary["column"] == "image", "file"].tolist() == ["photos.images.csv"]
    for name in "abcd":
        (images / f"{name}.png").write_bytes(wall.read_bytes())
    assert "FOLDER/*.jpg" in call("run", images, "-o", tmp_path / "out", "--profile", "openface-pfld").stderr


def test_an_earlier_result_is_replaced_as_a_whole(images, tmp_path):
    first = call("mirror", CLIP, "-o", tmp_path / "out", "--profile", "openface-pfld", "--max-frames", 3)
    assert "replaces" not in first.output
    folder = tmp_path / "out" / "smile_left"
    assert {"smile_left_left_mirrored.mp4", "smile_left_left_mirrored.csv"} <= {path.name for path in folder.iterdir()}
    (folder / "smile_left.notes.txt").write_text("mine")
    second = call("run", CLIP, "-o", tmp_path / "out", "--profile", "openface-pfld", "--max-frames", 2)
    assert second.stdout.count("replaces an earlier result") == 1
    endings = (".csv", ".raw.csv", ".columns.csv", ".metadata.json", ".online.csv", ".notes.txt")
    assert {path.name for path in folder.iterdir()} == {f"smile_left{ending}" for ending in endings}
    assert metadata_of(tmp_path / "out", "smile_left")["files"] == [".csv", ".raw.csv", ".columns.csv", ".metadata.json", ".online.csv"]


def test_an_input_that_cannot_be_opened_leaves_the_earlier_result(tmp_path):
    video = tmp_path / "v.mp4"
    video.write_bytes(CLIP.read_bytes())
    call("run", video, "-o", tmp_path, "--profile", "openface-pfld", "--max-frames", 2)
    before = {path: path.read_bytes() for path in (tmp_path / "v").iterdir()}
    video.write_bytes(b"")
    assert call("run", video, "-o", tmp_path, "--profile", "openface-pfld").exit_code == ExitCode.FAILED
    assert {path: path.read_bytes() for path in (tmp_path / "v").iterdir()} == before


def test_no_face_in_any_frame_is_told_even_when_quiet(wall, tmp_path):
    done = call("run", wall, "-o", tmp_path, "--profile", "openface-pfld", "--quiet")
    assert done.exit_code == ExitCode.PARTIAL
    assert done.stdout == ""
    assert done.stderr == "partial: wall.png: no face was found in any frame: the table has no measurement\n"
    assert metadata_of(tmp_path, "wall")["problems"] == ["no face was found in any frame: the table has no measurement"]


def test_open_values_are_never_called_openfaces(tmp_path):
    done = call("run", CLIP, "-o", tmp_path, "--profile", "open", "--max-frames", 2)
    assert done.exit_code == ExitCode.OK
    assert "action units: face-mirror-au open bank, on a scale of its own" in done.stdout
    models = metadata_of(tmp_path, "smile_left")["models"]
    assert models["au_bank"] == "face-mirror-au open bank"
    assert models["sha256"]["open-au"] == hashlib.sha256(open_models.BANK.read_bytes()).hexdigest()
    dictionary = pd.read_csv(tmp_path / "smile_left" / "smile_left.columns.csv")
    units = dictionary[dictionary["column"].str.startswith("AU")]
    assert units["meaning"].str.endswith("models: face-mirror-au open bank").all()
    said = units.set_index("column")["meaning"]
    assert "above 1" in said["AU12_c"]
    assert "left empty by the models" in said["AU05_c"]
    assert "left empty" not in said["AU12_r"]
    assert models["aus_left_empty"] == ["AU05", "AU07", "AU23"]
    assert {"AU16_r", "AU18_r", "AU22_r", "AU28_r", "AU34_r"} <= set(said.index)
    assert models["side_errors"]["AU12"] > 0
    assert {"AU17", "AU26"} <= set(models["aus_without_sides"])
    assert "left empty by these AU models: " + ", ".join(models["aus_left_empty"]) in done.stdout
    assert set(units["file"].str.extract(r"(smile_left\.sides\.csv)")[0].dropna()) == {"smile_left.sides.csv"}
    sides = pd.read_csv(tmp_path / "smile_left" / "smile_left.sides.csv")
    assert sides[["AU17_left", "AU26_right"]].isna().all(axis=None), "one piece: no sides"
    assert not [
        name
        for name in pd.read_csv(tmp_path / "smile_left" / "smile_left.csv")
        if name.startswith("AU") and ("left" in name or "right" in name)
    ]


@pytest.mark.parametrize(
    ("content", "word"), [(None, "No such file"), (b"", "empty or no .npz file"), (b"a,b\n1,2\n", "empty or no .npz file")]
)
def test_a_file_that_is_no_bank_is_told_in_words(tmp_path, content, word):
    path = tmp_path / "mine.npz"
    if content is not None:
        path.write_bytes(content)
    done = call("run", CLIP, "-o", tmp_path, "--au-bank", path)
    assert done.exit_code == ExitCode.FAILED
    assert done.stderr.count("\n") == 1
    assert "mine.npz" in done.stderr
    assert word in done.stderr


def _weights_without(weights, tmp_path, name):
    folder = tmp_path / "partly"
    for path in weights.rglob("*"):
        if path.is_file() and path.name != name:
            place = folder / path.relative_to(weights)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(path)
    return folder


def test_an_incomplete_set_is_not_absent(weights, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(_weights_without(weights, tmp_path, "AU_all_best.txt")))
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    store = Store.default()
    total = store.total("openface-au")
    reason = f"{total - 1} of OpenFace's {total} AU files are here, AU_predictors/AU_all_best.txt is missing"
    assert plan_models(store).reason == f"{reason}; our own AU models serve"
    table = pd.DataFrame([[1, 1, *range(136)]], columns=["frame", "success", *(f"{axis}{i}" for axis in "xy" for i in range(68))])
    table.to_csv(tmp_path / "landmarks.csv", index=False)
    given = ("au-from-landmarks", CLIP, tmp_path / "landmarks.csv", "-o", tmp_path / "au.csv")
    for arguments in (("run", CLIP, "--profile", "hybrid", "-o", tmp_path / "out"), given):
        done = call(*arguments)
        assert done.exit_code == ExitCode.FAILED
        assert f"{total - 1} of the {total} files of openface-au are here" in done.stderr
        assert "`face-mirror-au weights fetch openface-au`" in done.stderr
    info = json.loads(call("info", "--json").stdout)
    assert info["model sets"]["openface-au"] == "incomplete"
    assert reason in info["profile"]


def test_info_without_its_weights_folder_still_tells_the_rest(tmp_path, monkeypatch):
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(tmp_path / "absent"))
    done = call("info")
    assert done.exit_code == ExitCode.OK
    assert "FACE_MIRROR_AU_WEIGHTS names a folder that is not there" in done.stdout
    assert "onnxruntime:" in done.stdout
    assert str(tmp_path) not in done.stdout
    monkeypatch.delenv("FACE_MIRROR_AU_WEIGHTS")
    assert "--weights names a folder" in call("info", "--weights", tmp_path / "absent").stdout


def test_the_output_folder_is_tried_before_the_models(tmp_path, monkeypatch):
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(tmp_path / "absent"))
    (tmp_path / "file").write_text("")
    done = call("run", CLIP, "-o", tmp_path / "file" / "x")
    assert f"the output folder '{tmp_path / 'file' / 'x'}' cannot be written to: '{tmp_path / 'file'}' is a file" in done.stderr


def test_landmarks_of_an_earlier_run_are_taken(tmp_path):
    call("run", CLIP, "-o", tmp_path, "--profile", "openface-pfld", "--max-frames", 12)
    done = call("au-from-landmarks", CLIP, tmp_path / "smile_left" / "smile_left.csv", "-o", tmp_path / "au.csv")
    assert done.exit_code == ExitCode.PARTIAL, done.output
    found, expected = pd.read_csv(tmp_path / "au.csv"), pd.read_csv(tmp_path / "smile_left" / "smile_left.csv")
    # The table's landmarks are rounded to 0.1 px.
    np.testing.assert_allclose(found["AU12_r"], expected["AU12_r"], atol=0.3)
    dictionary = pd.read_csv(tmp_path / "au.columns.csv")
    assert set(found.columns) == set(dictionary["column"])
    assert set(dictionary["file"]) == {"au.csv"}


def test_the_api_speaks_of_parameters(weights):
    with pytest.raises(UsageError, match=r"^detect_every must be 1 or more, not 0$"):
        AUPipeline("openface-pfld", weights_dir=weights, detect_every=0)
    with pytest.raises(WeightsError, match=r"^weights_dir names "):
        AUPipeline(weights_dir=weights / "absent")
    with pytest.raises(UsageError, match=r"^models must be one of dynamic, static, image, not 'x'$"):
        aus_from_landmarks("v", "l", models="x")
    with pytest.raises(UsageError, match=r"^values must be one of .*, not 'y'$"):
        aus_from_landmarks("v", "l", values="y")


def test_the_demo_shows_nothing_where_nothing_is():
    assert _cell(pd.Series({"AU12_r": np.nan}), "AU12_r") == ""
    assert _cell(pd.Series({"frame": 3.0}), "frame") == "3"


def test_everything_of_a_run_is_in_the_docs(tmp_path):
    call("mirror", CLIP, "-o", tmp_path, "--profile", "openface-pfld", "--max-frames", 2)
    text = (ROOT / "docs" / "outputs.md").read_text()
    metadata = metadata_of(tmp_path, "smile_left")

    def keys(content, inside=()):
        for key, value in content.items():
            yield key
            if isinstance(value, dict) and key not in {"sha256", "versions", "reasons", "device", "answered"}:
                yield from keys(value, (*inside, key))

    missing = [key for key in keys(metadata) if f"`{key}`" not in text]
    missing += [path.name for path in (tmp_path / "smile_left").iterdir() if f"<stem>{path.name.removeprefix('smile_left')}`" not in text]
    assert not missing


def _start(video, *arguments, **streams):
    command = [
        sys.executable,
        "-m",
        "face_mirror_au",
        "run",
        str(video),
        "--profile",
        "openface-pfld",
        "--workers",
        "1",
        *map(str, arguments),
    ]
    return subprocess.Popen(command, text=True, **streams)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(("number", "code", "word"), [(signal.SIGTERM, 143, "stopped by SIGTERM"), (signal.SIGINT, 130, "interrupted")])
def test_a_stopped_run_tells_where_its_rows_are(tmp_path, shared_file, number, code, word):
    video = shared_file("media/2015-10-15-15-14.avi")
    process = _start(video, "-o", "out", "--json", cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    online = Path("out") / f"{video.stem}.unfinished" / f"{video.stem}.online.csv"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not ((tmp_path / online).exists() and (tmp_path / online).read_text().count("\n") > 20):
        time.sleep(0.05)
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False).stdout.split()
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert f"{word}; the rows measured so far are in {online}" in errors
    (report,) = json.loads(output)["videos"]
    assert report["files"] == [str(online)]
    assert report["frames"] == len(pd.read_csv(tmp_path / online))
    assert {path.name for path in (tmp_path / online).parent.iterdir()} == {".lock", online.name}
    assert [path.name for path in (tmp_path / "out").iterdir()] == [online.parent.name]
    assert children, "there must have been a worker, else this says nothing"
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_reader_that_goes_away_is_no_failure(tmp_path):
    process = _start(CLIP, "-o", tmp_path, "--max-frames", 3, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == ExitCode.OK, errors
    assert "Traceback" not in errors
    assert "Broken" not in errors
    assert (tmp_path / "smile_left" / "smile_left.metadata.json").exists()


@pytest.mark.parametrize("name", ["-name.mp4", "--name.mp4"])
def test_a_name_with_a_leading_dash_is_told_from_an_option(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(f"./{name}").write_bytes(b"x")
    done = CliRunner().invoke(app, ["run", name, "-o", "out"])
    assert done.exit_code == ExitCode.USAGE
    assert f"'{name}' begins with a dash, as options do; say './{name}'" in " ".join(done.output.replace("│", "").split())
    for words in (["run", "-o", "out", "--", name], ["run", f"./{name}", "-o", "out"]):
        assert "begins with a dash" not in CliRunner().invoke(app, words).output
    assert "No such option" in CliRunner().invoke(app, ["run", "-x.mp4"]).output
