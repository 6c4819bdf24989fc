"""A batch on this machine: what is done, what is left alone, and what a stop leaves."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from batch_clips import GOOD, HOW, contents, n_results, results, rows, statuses, trim

from face_mirror_au.cli.terminal import ExitCode
from face_mirror_au.files import name_cell
from face_mirror_au.pipeline.model_set import ModelPlan

VIEWS = ("--views", "original,left,right")


def times(output):
    return {name: path.stat().st_mtime_ns for name, path in results(output).items()}


@pytest.fixture(scope="module")
def undisturbed(twenty, tmp_path_factory, module_batch):
    """The folder of a batch of all videos, and what was said."""
    output = tmp_path_factory.mktemp("undisturbed") / "out"
    return output, module_batch(twenty, "-o", output)


@pytest.fixture
def copied(undisturbed, tmp_path):
    """A copy of that folder, to be changed."""
    return shutil.copytree(undisturbed[0], tmp_path / "out")


def test_all_good_videos_are_done_and_the_bad_are_named_with_reasons(undisturbed, twenty):
    output, done = undisturbed
    assert done.exit_code == ExitCode.FAILED
    found = rows(output)
    assert [row["status"] for row in found].count("done") == GOOD
    failed = {row["input"].rsplit("/", 1)[1]: row["reason"] for row in found if row["status"] == "failed"}
    assert set(failed) == {"empty.mp4", "text.mp4", "unreadable.mp4"}
    assert "is an empty file" in failed["empty.mp4"]
    assert "is a text file" in failed["text.mp4"]
    assert failed["unreadable.mp4"]
    for name, reason in failed.items():
        assert name in done.stderr
        assert reason in done.stderr
    assert len(found) == GOOD + 3
    one = next(row for row in found if row["input"].endswith("visit 0/clip01.mp4"))
    assert (one["frames"], one["success_rate"], one["output"]) == ("3", "1.000", "p1/visit 0/clip01")
    assert float(one["seconds"]) > 0
    assert f"{GOOD} done, 3 failed" in done.stdout
    if os.name == "posix":
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in output.rglob("*") if path.is_file())
        assert all(path.stat().st_mode & 0o777 == 0o700 for path in output.rglob("*") if path.is_dir())


def test_two_videos_of_one_stem_have_results_of_their_own(undisturbed):
    found = {row["output"] for row in rows(undisturbed[0]) if row["input"].endswith("clip00.mp4")}
    assert found == {"p0/visit 0/clip00", "p0/visit 1/clip00"}
    assert all((undisturbed[0] / name / "clip00.csv").exists() for name in found)


def test_each_result_is_what_run_writes_byte_for_byte(undisturbed, twenty, batch, tmp_path):
    done = batch(twenty / "p1/visit 0/clip01.mp4", twenty / "p2/visit 1/clip05.mp4", "-o", tmp_path, command="run")
    assert done.exit_code == ExitCode.OK, done.output
    for stem, folder in (("clip01", "p1/visit 0"), ("clip05", "p2/visit 1")):
        assert contents(tmp_path / stem) == contents(undisturbed[0] / folder / stem)


def test_report_pages_and_mirrored_videos_are_what_mirror_writes(clip, batch, tmp_path):
    assert batch(clip, "-o", tmp_path / "batch", *VIEWS, "--mirrored-videos").exit_code == ExitCode.OK
    assert batch(clip, "-o", tmp_path / "mirror", command="mirror").exit_code == ExitCode.OK
    made = contents(tmp_path / "batch")
    assert 'href="clip/clip.report.html"' in made.pop("index.html").decode()
    assert made == contents(tmp_path / "mirror")
    assert {"clip/clip.report.html", "clip/clip_left_mirrored.mp4"} <= set(made)
    assert batch(clip, "-o", tmp_path / "batch", *VIEWS, "--mirrored-videos").exit_code == ExitCode.OK
    assert statuses(tmp_path / "batch") == ["skipped"]


def test_a_second_call_loads_no_model_and_touches_no_result(copied, twenty, batch, monkeypatch):
    before = times(copied)
    for name in ("load_detector", "load_landmark_model", "load_describer", "load_bank", "load_pdm"):
        monkeypatch.setattr(ModelPlan, name, lambda *_, name=name, **__: pytest.fail(f"{name} was called"))
    done = batch(twenty, "-o", copied)
    assert done.exit_code == ExitCode.FAILED, "the three bad ones are still bad"
    assert sorted(statuses(copied)) == ["failed"] * 3 + ["skipped"] * GOOD
    assert times(copied) == before
    assert f"20 inputs: 3 to measure, {GOOD} done before" in done.stdout
    skipped = next(row for row in rows(copied) if row["output"] == "p1/visit 0/clip01")
    assert (skipped["frames"], skipped["success_rate"], skipped["seconds"]) == ("3", "1.000", "")


def test_a_third_call_hashes_nothing(copied, twenty, batch, monkeypatch):
    from face_mirror_au.batch import state

    long_after = time.time_ns() + 3600 * 10**9
    monkeypatch.setattr(state.time, "time_ns", lambda: long_after)
    batch(twenty, "-o", copied)
    monkeypatch.setattr(state, "hash_input", lambda path: pytest.fail("hashed"))
    batch(twenty, "-o", copied)
    assert statuses(copied).count("skipped") == GOOD


@pytest.mark.parametrize("change", [("--max-frames", 1), ("--detect-every", 5), ("--format", "minimal"), ("--baseline", "neutral:0-1")])
def test_other_settings_measure_again(clip, batch, tmp_path, change):
    batch(clip, "-o", tmp_path)
    batch(clip, "-o", tmp_path, *change)
    assert statuses(tmp_path) == ["done"]
    batch(clip, "-o", tmp_path, *change)
    assert statuses(tmp_path) == ["skipped"]


def test_workers_are_no_setting_that_measures_again(clip, batch, tmp_path):
    batch(clip, "-o", tmp_path)
    assert batch(clip, "-o", tmp_path, "--start-method", "spawn", "--quiet").exit_code == ExitCode.OK
    assert statuses(tmp_path) == ["skipped"]


def test_another_version_or_model_measures_again(clip, batch, tmp_path):
    path = tmp_path / "clip" / "clip.metadata.json"
    for key, name in (("versions", "numpy"), ("models", "sha256")):
        batch(clip, "-o", tmp_path)
        metadata = json.loads(path.read_text())
        before = json.dumps(metadata[key][name])
        size = len(path.read_text())
        metadata[key][name] = "0" * (len(before) - 2)
        path.write_text(json.dumps(metadata, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
        assert len(path.read_text()) == size or name == "sha256"
        batch(clip, "-o", tmp_path)
        assert statuses(tmp_path) == ["done"]


def test_a_changed_video_is_measured_again(clip, batch, tmp_path):
    video = shutil.copy2(clip, tmp_path / "video.mp4")
    batch(video, "-o", tmp_path / "out")
    other = trim(clip, tmp_path / "other.mp4", 1)
    other.replace(video)
    batch(video, "-o", tmp_path / "out")
    (row,) = rows(tmp_path / "out")
    assert (row["status"], row["frames"]) == ("done", "1")


@pytest.mark.parametrize("damage", ["missing", "cut short", "empty", "metadata lost", "metadata spoiled", "not known for ours"])
def test_a_result_that_is_not_whole_is_measured_again(clip, batch, tmp_path, damage):
    batch(clip, "-o", tmp_path)
    whole = contents(tmp_path)
    table = tmp_path / "clip" / "clip.csv"
    if damage == "missing":
        table.unlink()
    elif damage in {"metadata lost", "not known for ours"}:
        (tmp_path / "clip" / "clip.metadata.json").unlink()
        if damage == "not known for ours":
            (tmp_path / "clip" / "clip.online.csv").unlink()
    elif damage == "metadata spoiled":
        path = tmp_path / "clip" / "clip.metadata.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "problems": None}))
    else:
        table.write_bytes(b"" if damage == "empty" else whole["clip/clip.csv"][:-100])
    batch(clip, "-o", tmp_path)
    assert statuses(tmp_path) == ["done"]
    assert contents(tmp_path) == whole


def test_workers_and_models_start_once_for_all_videos(clip, batch, tmp_path, monkeypatch):
    from face_mirror_au.run import runner as video_run

    loops = []
    frame_loop = video_run.FrameLoop
    monkeypatch.setattr(video_run, "FrameLoop", lambda *given, **named: loops.append(1) or frame_loop(*given, **named))
    for name in ("a", "b", "c"):
        shutil.copy2(clip, tmp_path / f"{name}.mp4")
    batch(tmp_path / "*.mp4", "-o", tmp_path / "out")
    assert statuses(tmp_path / "out") == ["done"] * 3
    assert len(loops) == 1


def test_force_measures_again(clip, batch, tmp_path):
    batch(clip, "-o", tmp_path)
    before = times(tmp_path)
    batch(clip, "-o", tmp_path, "--force")
    assert statuses(tmp_path) == ["done"]
    assert all(time > before[name] for name, time in times(tmp_path).items())


def test_a_report_page_that_is_asked_for_later_is_made(clip, batch, tmp_path):
    batch(clip, "-o", tmp_path, *VIEWS, "--no-report")
    assert not (tmp_path / "clip" / "clip.report.html").exists()
    batch(clip, "-o", tmp_path, *VIEWS)
    assert (tmp_path / "clip" / "clip.report.html").exists()
    batch(clip, "-o", tmp_path, *VIEWS, "--no-report")
    assert statuses(tmp_path) == ["skipped"]


def test_a_result_of_run_counts_as_done(clip, batch, tmp_path):
    batch(clip, "-o", tmp_path, command="run")
    batch(clip, "-o", tmp_path)
    assert statuses(tmp_path) == ["skipped"]


def test_a_result_of_version_0_1_0_counts_as_done(clip, batch, tmp_path):
    how = ("--profile", "openface-pfld", "--device", "cpu")
    batch(clip, "-o", tmp_path, command="run", how=how)
    path = tmp_path / "clip" / "clip.metadata.json"
    metadata = json.loads(path.read_text())
    del metadata["schema"]
    metadata["models"]["profile"] = "openface"
    path.write_text(json.dumps(metadata))
    batch(clip, "-o", tmp_path, how=how)
    assert statuses(tmp_path) == ["skipped"]


def test_files_of_others_beside_a_result_stay(clip, batch, tmp_path):
    batch(clip, "-o", tmp_path)
    (tmp_path / "clip" / "notes.txt").write_text("mine")
    batch(clip, "-o", tmp_path, "--force", *VIEWS)
    batch(clip, "-o", tmp_path, "--force")
    assert (tmp_path / "clip" / "notes.txt").read_text() == "mine"
    assert not list((tmp_path / "clip").glob("*mirrored*")), "of the earlier result nothing stays"


def test_a_table_of_a_person_is_there_for_the_page_and_stays_as_it_is(clip, batch, tmp_path, monkeypatch):
    from face_mirror_au.report import write

    batch(clip, "-o", tmp_path, *VIEWS)
    table = tmp_path / "clip" / "clip.movements.csv"
    table.write_text("mine")
    seen = []
    write_report = write.write_report

    def looking(folder, stem, **named):
        seen.append((folder / f"{stem}.movements.csv").read_text())
        table.write_text("mine, changed meanwhile")
        return write_report(folder, stem, **named)

    monkeypatch.setattr(write, "write_report", looking)
    batch(clip, "-o", tmp_path, *VIEWS, "--force")
    assert statuses(tmp_path) == ["done"]
    assert seen == ["mine"]
    assert table.read_text() == "mine, changed meanwhile"


def test_a_page_that_was_written_anew_is_no_damage(clip, batch, tmp_path):
    batch(clip, "-o", tmp_path, *VIEWS, "--mirrored-videos")
    size = (tmp_path / "clip" / "clip.report.html").stat().st_size
    assert batch(tmp_path / "clip", "--no-faces", command="report", how=()).exit_code == ExitCode.OK
    assert (tmp_path / "clip" / "clip.report.html").stat().st_size != size
    batch(clip, "-o", tmp_path, *VIEWS, "--mirrored-videos")
    assert statuses(tmp_path) == ["skipped"]


def test_stop_on_error_leaves_the_rest(clip, batch, tmp_path):
    (tmp_path / "bad.mp4").write_text("no video")
    arguments = (clip, tmp_path / "bad.mp4", tmp_path / "missing.mp4", "-o", tmp_path / "out")
    assert batch(*arguments, "--stop-on-error").exit_code == ExitCode.FAILED
    assert statuses(tmp_path / "out") == ["done", "failed", "pending"]
    assert batch(*arguments).exit_code == ExitCode.FAILED
    assert statuses(tmp_path / "out") == ["skipped", "failed", "failed"]
    assert "does not exist" in rows(tmp_path / "out")[2]["reason"]


def test_a_video_without_a_face_is_done_and_exit_code_3_at_every_call(batch, tmp_path, shared_file):
    import av
    import numpy as np

    with av.open(str(tmp_path / "grey.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((120, 160, 3), 90, np.uint8), format="bgr24")))
        container.mux(stream.encode())
    for status in ("done", "skipped"):
        done = batch(tmp_path / "grey.mp4", "-o", tmp_path / "out")
        assert done.exit_code == ExitCode.PARTIAL
        (row,) = rows(tmp_path / "out")
        assert (row["status"], row["success_rate"]) == (status, "0.000")
        assert "no face was found" in row["reason"]


@pytest.mark.skipif(os.name != "posix", reason="no such names")
@pytest.mark.parametrize("name", ["with blanks.mp4", 'quote\'s "two".mp4', "two\nlines.mp4", "-dash.mp4", "[bold]x.mp4", "café.mp4"])
def test_odd_names_are_measured_and_done_at_the_second_call(clip, batch, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    shutil.copy2(clip, tmp_path / name)
    (tmp_path / "list").write_text(name + "\0", encoding="utf-8")
    for status in ("done", "skipped"):
        done = batch("@list", "-o", "out")
        assert done.exit_code == ExitCode.OK, done.output
        (row,) = rows(tmp_path / "out")
        assert (row["input"], row["status"], row["output"]) == (name_cell(name), status, name_cell(name.removesuffix(".mp4")))
    assert (tmp_path / "out" / row["output"] / f"{row['output']}.csv").exists()
    assert name.replace("\n", "?") in done.stdout


def test_a_glob_and_a_list_reach_the_same_results(clip, batch, tmp_path):
    shutil.copy2(clip, tmp_path / "a.mp4")
    shutil.copy2(clip, tmp_path / "b.mp4")
    assert batch(tmp_path / "*.mp4", "-o", tmp_path / "out").exit_code == ExitCode.OK
    (tmp_path / "list.txt").write_text("b.mp4\na.mp4\n")
    batch("--list", tmp_path / "list.txt", "-o", tmp_path / "out")
    assert statuses(tmp_path / "out") == ["skipped", "skipped"]


def test_a_mistake_of_ours_in_one_video_does_not_end_the_batch(clip, batch, tmp_path, monkeypatch):
    from face_mirror_au.run import delivery

    shutil.copy2(clip, tmp_path / "a.mp4")
    shutil.copy2(clip, tmp_path / "b.mp4")
    write_all = delivery.write_all

    def fails_for_a(result, plan, runner, recording, *others):
        if recording.path.stem == "a":
            raise ZeroDivisionError("a mistake")
        return write_all(result, plan, runner, recording, *others)

    monkeypatch.setattr(delivery, "write_all", fails_for_a)
    assert batch(tmp_path / "a.mp4", tmp_path / "b.mp4", "-o", tmp_path / "out").exit_code == ExitCode.FAILED
    assert statuses(tmp_path / "out") == ["failed", "done"]
    assert "unexpected ZeroDivisionError: a mistake" in rows(tmp_path / "out")[0]["reason"]
    assert set(results(tmp_path / "out")) == {"a.unfinished/.lock", "a.unfinished/a.online.csv"} | {
        f"b/b{end}" for end in (".csv", ".raw.csv", ".online.csv", ".sides.csv", ".columns.csv", ".metadata.json")
    }


def test_no_name_is_in_log_lines_at_info(clip, batch, tmp_path, caplog):
    video = shutil.copy2(clip, tmp_path / "patient-miller.mp4")
    (tmp_path / "patient-smith.mp4").write_text("no video")
    with caplog.at_level(logging.INFO):
        batch(video, tmp_path / "patient-smith.mp4", "-o", tmp_path / "out")
    assert "patient" not in caplog.text
    assert str(tmp_path) not in caplog.text


def test_json_tells_every_row(clip, batch, tmp_path):
    summary = json.loads(batch(clip, "-o", tmp_path, "--json").stdout)
    (row,) = summary["inputs"]
    assert (row["status"], row["frames"], row["output"]) == ("done", 2, "clip")
    assert summary["profile"] == "open"


def test_nothing_given_is_wrong_usage(batch, tmp_path):
    done = batch("-o", tmp_path / "out")
    assert done.exit_code == ExitCode.USAGE
    assert "nothing to measure" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_after_kill_9_the_rest_is_done_and_equals_an_undisturbed_batch(undisturbed, twenty, environment, batch, tmp_path):
    output = tmp_path / "out"
    command = [sys.executable, "-m", "face_mirror_au", "batch", str(twenty), "-o", str(output), "--workers", "0", *HOW]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    deadline = time.monotonic() + 25
    while time.monotonic() < deadline and not (n_results(output) > 4 and list(output.glob("**/*.unfinished/*.online.csv"))):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed = statuses(output)
    assert 4 <= killed.count("done") < GOOD, "it was killed in the middle"
    kept = {name: time for name, time in times(output).items() if ".unfinished/" not in name}
    (output / ".writing-left.tmp").write_text("half a table")

    batch(twenty, "-o", output)
    assert statuses(output).count("skipped") >= killed.count("done")
    assert contents(output) == contents(undisturbed[0])
    finished = {row["output"] for row in rows(output) if row["status"] == "skipped"}
    after = times(output)
    assert all(after[name] == time for name, time in kept.items() if name.rsplit("/", 1)[0] in finished)
    assert not [path.name for path in output.iterdir() if path.name.startswith(".")]


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_ends_a_batch_with_its_table_true(twenty, environment, tmp_path):
    output = tmp_path / "out"
    command = [sys.executable, "-m", "face_mirror_au", "batch", str(twenty), "-o", str(output), "--workers", "1", *HOW]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, text=True)
    deadline = time.monotonic() + 25
    while time.monotonic() < deadline and n_results(output) < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == ExitCode.INTERRUPTED, errors
    found = statuses(output)
    assert found.count("done") >= 2
    assert "pending" in found
    assert len(list(output.rglob("*.unfinished"))) <= 1, "that of the video that it was at"
