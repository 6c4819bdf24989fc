"""`recover`: what a stopped run has stored becomes the result that the run would have had, or it is said what cannot be had."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from face_mirror_au.api import AUPipeline
from face_mirror_au.cli import options
from face_mirror_au.cli.app import app
from face_mirror_au.cli.terminal import ExitCode
from face_mirror_au.errors import OutputError
from face_mirror_au.results import publish as publishing
from face_mirror_au.results.descriptors import StoredDescriptors
from face_mirror_au.run.measuring import Measurement

CLIP = Path(__file__).resolve().parents[1] / "clips" / "smile_left_right_both.mp4"
STEM = CLIP.stem
N = 9


@pytest.fixture(autouse=True)
def weights(shared_file, monkeypatch, tmp_path):
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "4000")
    # No workers: this process has threads by now, and a fork would take over locks that they hold.
    monkeypatch.setattr(options, "MAX_DEFAULT_WORKERS", 0)


def stop_at(patch, frame, error=KeyboardInterrupt):
    """Have the next runs end at a frame, with an exception; what is returned lets them go on again."""
    before = Measurement.append

    def append(self, result):
        if result.index == frame:
            raise error
        return before(self, result)

    patch.setattr(Measurement, "append", append)
    return lambda: patch.setattr(Measurement, "append", before)


@pytest.fixture
def stop(monkeypatch):
    return partial(stop_at, monkeypatch)


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def tables(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix == ".csv"}


def metadata(folder):
    return json.loads((folder / f"{STEM}.metadata.json").read_text())


@pytest.fixture(scope="module")
def stopped(shared_file, tmp_path_factory):
    """The output folder of a run with three views that was interrupted after N frames."""
    out = tmp_path_factory.mktemp("stopped") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
        stop_at(patch, N)
        done = call("mirror", CLIP, "-o", out, "--profile", "open", "--workers", 0, "--keep-descriptors", "--no-report")
        assert done.exit_code == ExitCode.INTERRUPTED
        assert "makes a result of them" in done.stderr
    return out


@pytest.fixture
def left(stopped, tmp_path):
    """A copy of what that run left."""
    return shutil.copytree(stopped, tmp_path / "out") / f"{STEM}.unfinished"


def test_a_stopped_run_gives_what_a_run_of_so_many_frames_gives(left, tmp_path):
    assert {path.name for path in left.iterdir()} == {".lock", f"{STEM}.online.csv", f"{STEM}.descriptors"}
    done = call("recover", left)
    assert done.exit_code == ExitCode.PARTIAL, done.stderr
    problem = (
        f"recovered from the {N} frames, of about 152, that a stopped run had measured; "
        "videos, and pictures on the page, cannot be recovered"
    )
    assert f"partial: {problem}" in done.stderr
    assert not left.exists()
    call("run", CLIP, "-o", tmp_path / "short", "--profile", "open", "--views", "original,left,right", "--max-frames", N, "--no-report")
    result = left.parent / STEM
    assert tables(result) == tables(tmp_path / "short" / STEM)
    assert len(tables(result)) == 7
    ours, theirs = metadata(result), metadata(tmp_path / "short" / STEM)
    assert ours["problems"] == [problem]
    assert ours["recovered"] == {"frames": N}
    assert set(ours["files"]) == {*theirs["files"], ".descriptors"}
    for same in ("frames", "models", "versions", "input", "baseline", "device"):
        assert ours[same] == theirs[same], same


def as_version_0_1_0(descriptors):
    """Give the file the header that version 0.1.0 wrote."""
    with descriptors.open("rb") as file:
        magic, length = file.readline(), int.from_bytes(file.read(8), "little")
        header, records = json.loads(file.read(length)), file.read()
    del header["run"]["schema"]
    assert header["run"]["models"]["profile"] == "openface-pfld"
    header["run"]["models"]["profile"] = "openface"
    text = json.dumps(header).encode("ascii")
    descriptors.write_bytes(magic + len(text).to_bytes(8, "little") + text + records)


def test_descriptors_of_version_0_1_0_are_measured_with_the_profile_of_today(tmp_path):
    call("run", CLIP, "-o", tmp_path, "--profile", "openface-pfld", "--max-frames", 4, "--workers", 0, "--keep-descriptors")
    folder = tmp_path / STEM
    before = tables(folder)
    as_version_0_1_0(folder / f"{STEM}.descriptors")
    done = call("recover", folder)
    assert done.exit_code == ExitCode.OK, done.stderr
    assert tables(folder) == before
    assert (metadata(folder)["models"]["profile"], metadata(folder)["schema"]) == ("openface-pfld", 2)


def test_the_report_page_comes_where_the_run_would_have_had_one(tmp_path, stop):
    stop(2)
    call("run", CLIP, "-o", tmp_path, "--profile", "open", "--views", "original,left,right", "--keep-descriptors")
    page = tmp_path / STEM / f"{STEM}.report.html"
    assert f"left against right: {page}" in call("recover", tmp_path / f"{STEM}.unfinished").stdout
    assert "recovered from the 2 frames" in page.read_text()
    assert {".report.html", ".asymmetry.csv"} <= set(metadata(page.parent)["files"])


def test_a_record_that_was_cut_off_costs_its_frame(left, tmp_path):
    stored = left / f"{STEM}.descriptors"
    with stored.open("r+b") as file:
        file.truncate(stored.stat().st_size - 1000)
    assert f"{N - 1} frames recovered" in call("recover", left).stdout
    with (left.parent / STEM / f"{STEM}.online.csv").open() as online:
        assert len(online.readlines()) == 1 + 3 * (N - 1)


def test_zeros_that_a_power_cut_left_at_the_end_are_not_frames(left):
    stored = StoredDescriptors.open(left / f"{STEM}.descriptors")
    with stored.path.open("ab") as file:
        file.write(bytes((stored.path.stat().st_size - stored._start) // N * 2))
    assert len(list(StoredDescriptors.open(stored.path).frames())) == N


@pytest.mark.parametrize(
    "how",
    [("--baseline", "shared", "--format", "minimal"), ("--openface-strict", "--profile", "hybrid"), ("--profile", "openface")],
)
def test_of_a_whole_result_the_values_come_out_byte_for_byte(tmp_path, how):
    arguments = ("--profile", "open", "--max-frames", 6, "--keep-descriptors", "--no-report", *how)
    assert call("mirror", CLIP, "-o", tmp_path, *arguments).exit_code == ExitCode.OK
    result = tmp_path / STEM
    before = {path.name: path.read_bytes() for path in result.iterdir()}
    assert f"{STEM}.descriptors" in before
    for name in tables(result):
        (result / name).write_text("damaged")
    (result / f"{STEM}.movements.csv").write_text("a person's")
    done = call("recover", result)
    assert done.exit_code == ExitCode.OK, done.stderr
    after = {path.name: path.read_bytes() for path in result.iterdir()}
    assert after.pop(f"{STEM}.movements.csv") == b"a person's"
    notes = metadata(result)["notes"]
    assert notes[-1] == "final values made anew from the stored descriptors"
    for each in (before, after):
        del each[f"{STEM}.metadata.json"]
    assert after == before
    call("recover", result)
    assert metadata(result)["notes"] == notes
    assert [path.name for path in tmp_path.iterdir() if path.name != "data"] == [STEM]


def test_without_descriptors_it_says_what_there_is_and_removes_nothing(tmp_path, stop):
    stop(4)
    stopped = call("run", CLIP, "-o", tmp_path, "--profile", "open")
    left = tmp_path / f"{STEM}.unfinished"
    online = left / f"{STEM}.online.csv"
    assert f"interrupted; the rows measured so far are in {online}; they are provisional: for final values" in stopped.stderr
    with online.open("a") as handle:
        handle.write("5,0.1")  # a power cut
    before = tables(left)
    done = call("recover", left)
    assert done.exit_code == ExitCode.FAILED
    assert "final values cannot be had" in done.stderr
    assert f"the online values of 4 frames, up to 0.10 s, in {online}" in done.stderr
    assert "--keep-descriptors" in done.stderr
    assert done.stderr.count("\n") == 1
    assert tables(left) == before


def test_other_models_are_refused_and_nothing_is_removed(left):
    stored = left / f"{STEM}.descriptors"
    content = stored.read_bytes()
    sha256 = StoredDescriptors.open(stored).header["run"]["models"]["sha256"]["open-au"].encode()
    stored.write_bytes(content.replace(sha256, sha256[::-1]))
    done = call("recover", left)
    assert done.exit_code == ExitCode.FAILED
    assert "was measured with other AU models (face-mirror-au open bank" in done.stderr
    assert "give that bank with --au-bank" in done.stderr
    assert {path.name for path in left.iterdir()} == {".lock", f"{STEM}.online.csv", f"{STEM}.descriptors"}


def test_a_publishing_that_was_cut_off_is_completed(left, monkeypatch):
    result = left.parent / STEM
    assert call("run", CLIP, "-o", tmp_out(left), "--profile", "open", "--max-frames", 2).exit_code == ExitCode.OK
    shutil.move(tmp_out(left) / STEM, result)
    (result / f"{STEM}.movements.csv").write_text("start_s,end_s,action\n")
    move, done = publishing._move, []

    def killed(path, target):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(path)
        move(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_move", killed)
        assert call("recover", left).exit_code == ExitCode.INTERRUPTED
    assert not (result / f"{STEM}.metadata.json").exists()
    completed = call("recover", left)
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert f"the result was whole, and is in its place now: {result / STEM}.csv" in completed.stdout
    assert not left.exists()
    wanted = {STEM + ending for ending in metadata(result)["files"]} | {f"{STEM}.movements.csv"}
    assert {path.name for path in result.iterdir()} == wanted
    assert (result / f"{STEM}.csv").read_text().count("\n") == 1 + N


def tmp_out(left):
    return left.parents[1] / "other"


def test_what_is_nothing_of_ours_is_told(tmp_path, left):
    for folder, message in (
        (tmp_path / "nowhere", "'{}' does not exist; give the folder '<stem>.unfinished'"),
        (CLIP, "'{}' is a file; give the folder '<stem>.unfinished'"),
        (tmp_path / "data.unfinished", f"'{{}}' does not exist; there is a result in '{tmp_path / 'data'}'"),
        (tmp_path / "data", "'{}' holds no result and nothing of a stopped run"),
    ):
        (tmp_path / "data").mkdir(exist_ok=True)
        done = call("recover", folder)
        assert done.exit_code == ExitCode.FAILED
        assert message.format(folder) in done.stderr
    (left.parent / STEM).mkdir()
    assert f"did you mean '{left}'?" in call("recover", left.parent / STEM).stderr


def test_a_new_run_sets_descriptors_aside_and_an_earlier_result_stays_when_it_fails(left, stop):
    arguments = ("run", CLIP, "-o", left.parent, "--profile", "open", "--max-frames", 3)
    done = call(*arguments)
    assert f"what a stopped run had measured is in '{STEM}.unfinished-1' now; it is removed when a result has as many frames" in done.stdout
    aside = left.with_name(f"{STEM}.unfinished-1")
    assert (aside / f"{STEM}.descriptors").exists(), "three frames are less than it has"
    earlier = tables(left.parent / STEM)
    go_on = stop(2)
    assert call(*arguments).exit_code == ExitCode.INTERRUPTED
    go_on()
    assert tables(left.parent / STEM) == earlier
    assert f"{N} frames recovered" in call("recover", aside).stdout


def test_a_longer_result_is_not_replaced_by_what_a_stopped_run_left(left):
    shutil.copytree(left, left.with_name("copy.unfinished"))
    call("recover", left)
    whole = tables(left.parent / STEM)
    again = left.with_name("copy.unfinished").rename(left)
    done = call("recover", again)
    assert done.exit_code == ExitCode.FAILED
    assert f"the result in '{left.parent / STEM}' has {N} frames, and {N} frames could be recovered; move it" in done.stderr
    assert tables(left.parent / STEM) == whole
    assert (again / f"{STEM}.descriptors").exists()


def test_a_run_that_fails_before_its_first_row_leaves_no_folder(tmp_path, stop):
    stop(0, OutputError("the disk is full"))
    for arguments in (("-o", tmp_path / "new" / "out"), ("--output", tmp_path / "new" / "au.csv")):
        done = call("run", CLIP, *arguments, "--profile", "open", "--keep-descriptors")
        assert done.exit_code == ExitCode.FAILED
        assert "the rows" not in done.stderr
        assert not (tmp_path / "new").exists()


def test_the_api_says_where_the_rows_are(tmp_path, stop):
    stop(3, OutputError("the disk is full"))
    with pytest.raises(OutputError, match=r"the disk is full; the rows measured so far are in .*au\.unfinished"):
        AUPipeline("open").process_video(CLIP, tmp_path / "au.csv")
    assert {path.name for path in tmp_path.iterdir()} == {"au.unfinished"}
    assert (tmp_path / "au.unfinished" / "au.online.csv").read_text().count("\n") == 4


def test_a_batch_keeps_descriptors_where_it_is_told_to(tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    shutil.copy2(CLIP, clips)
    arguments = ("batch", clips, "-o", tmp_path / "out", "--profile", "open", "--max-frames", 2)
    assert "1 done" in call(*arguments).stdout
    assert "1 done" in call(*arguments, "--keep-descriptors").stdout, "the result without them is not what is wanted"
    assert (tmp_path / "out" / STEM / f"{STEM}.descriptors").exists()
    assert "1 skipped" in call(*arguments, "--keep-descriptors").stdout
    assert "1 skipped" in call(*arguments).stdout
