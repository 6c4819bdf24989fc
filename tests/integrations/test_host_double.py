"""The host double from its start to its end, with the plugin inside."""

from __future__ import annotations

import csv
import io

import pytest
from host_fixtures import SIDES, Double

from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.records import View
from face_mirror_au.run.outputs import OutputPlan, write_table
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_weights import Store

VIEWS = (View.ORIGINAL, View.LEFT_MIRRORED, View.RIGHT_MIRRORED)
RECORDED = "plugins.landmark_file_plugin:LandmarkFilePlugin"


@pytest.fixture(autouse=True)
def weights(shared_file, monkeypatch, tmp_path):
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def tables_of_run(double, folder, monkeypatch):
    """What `run --format face-mirror` writes for the double's videos with the landmarks that its detector returned."""
    monkeypatch.setenv("FACE_MIRROR_LANDMARKS", str(double.recorded))
    found = []
    with VideoRunner(plan_models(Store.default()), RunSettings(views=VIEWS, plugins=(RECORDED,))) as runner:
        for video in double.videos:
            plan = OutputPlan.in_folder(folder, video.stem, "face-mirror", ())
            plan.csv.parent.mkdir(parents=True)
            with runner.run(video, plan.csv.parent) as result:
                found.append(
                    {view.value: write_table(table, plan, None, strict=False)[0].read_text() for view, table in result.tables.items()}
                )
    return found


def succeeded(table):
    return [row["success"] == "True" for row in csv.DictReader(io.StringIO(table))]


@pytest.mark.parametrize(
    ("form", "frames", "job"),
    [
        pytest.param("C", 24, {"shuffled": True, "no_stdout": True}, id="C: new executor per batch, any order, no stdout"),
        # Without a face at the end of a chunk of 30, the next one is begun with a wrong guess and done again.
        pytest.param("D", 48, {"first_alone": 2, "no_face": [7, 8, 29]}, id="D: first frame twice, no face at a seam"),
        pytest.param("E", 24, {"first_alone": 1, "no_face": [7]}, id="E: first frame alone, landmarks used again"),
    ],
)
def test_tables_are_those_of_run(tmp_path, monkeypatch, form, frames, job):
    double = Double(tmp_path / "double", form, frames=frames, job=job)
    done = double.start("--workers", 2, "--host-landmarks-only")
    assert done.returncode == 0, done.stderr
    assert f"form {form}" in done.stderr
    [expected] = tables_of_run(double, tmp_path / "run", monkeypatch)
    for side in SIDES:
        assert double.own_table(side) == expected[side]
        # What the comparison is worth: most faces were measured. After a frame without one, a face must be a sure one to be taken up.
        failed = {index for index, found in enumerate(succeeded(expected[side])) if not found}
        no_face = set(job.get("no_face", []))
        assert no_face <= failed
        assert len(failed - no_face) <= frames // 4
    assert double.own_table("left_mirrored") != double.own_table("right_mirrored")
    # The networks run in the workers only.
    assert double.result["modules"] == []
    # The AU stage was told, and believed it: the second number is what its callback got.
    delivered = not no_face  # one of 24 is more than 2 %
    assert [stage["count"] for stage in double.result["au"]] == [frames] * 2
    assert [stage["progress"] for stage in double.result["au"]] == [[[frames, frames]] if delivered else []] * 2
    assert all((double.table(side) == expected[side]) is delivered for side in SIDES)


def test_two_videos_in_a_session_know_nothing_of_each_other(tmp_path, monkeypatch):
    double = Double(tmp_path / "double", "E", ("smile_left", "smile_right"), frames=16)
    assert double.start().returncode == 0
    expected = tables_of_run(double, tmp_path / "run", monkeypatch)
    for number in range(2):
        for side in SIDES:
            assert double.table(side, number) == expected[number][side]
    assert sorted(path.name for path in double.combined.glob("*.csv")) == sorted(
        f"{video.stem}_{side}.csv" for video in double.videos for side in SIDES
    )
    # Nothing of ours can be taken for a patient or a mirrored video.
    own = [path for path in (double.output / "Face Mirror AU").rglob("*") if path.is_file()]
    assert len(own) == 16
    for path in own:
        ending = path.name.replace(path.parent.name, "")
        assert not any(word in ending for word in ("_left", "_right", "mirrored")), path


def test_the_open_bank_looks_with_its_own_mesh_where_the_applications_landmarks_are(tmp_path):
    double = Double(tmp_path / "double", "D", frames=32, job={"unsmoothed": True})  # rest, rise and hold of a smile on the left
    done = double.start("--profile", "open")
    assert done.returncode == 0, done.stderr
    assert "profile open" in done.stderr
    raised = {side: max(float(row["AU12_r"]) for row in csv.DictReader(io.StringIO(double.table(side)))) for side in SIDES}
    assert raised["left_mirrored"] > 2.0
    assert raised["right_mirrored"] < 1.0
    sides = list(csv.DictReader(io.StringIO((double.own() / f"{double.videos[0].stem}.sides.csv").read_text())))
    assert len(sides) == 32
    assert all(row["success"] == "1" for row in sides)
    assert max(float(row["AU12_left"]) - float(row["AU12_right"]) for row in sides) > 1.0
    assert double.metadata()["models"]["au_bank"] == "face-mirror-au open bank"


def test_spawned_workers_give_the_same(tmp_path):
    tables = []
    for method in ("fork", "spawn"):
        double = Double(tmp_path / method, "D", frames=8, job={"first_alone": 1, "unsmoothed": True})
        done = double.start("--start-method", method)
        assert done.returncode == 0, done.stderr
        assert f"({method})" in done.stderr
        tables.append([double.table(side) for side in SIDES])
    assert tables[0] == tables[1]


def test_a_container_that_claims_fewer_frames(tmp_path):
    # The application stops at the batch in which the claim is fulfilled: 20 of 24 frames.
    double = Double(tmp_path / "double", "C", job={"claimed_frames": 15})
    assert double.start().returncode == 0
    for side in SIDES:
        assert succeeded(double.table(side)) == [True] * 20
    assert double.metadata()["application"]["never_came"] == 0


def test_frames_that_the_application_leaves_out_are_empty_rows_and_too_many_are_its_own_affair(tmp_path):
    double = Double(tmp_path / "double", "C", job={"left_out": [5]})
    done = double.start()
    assert done.returncode == 0
    metadata = double.metadata()
    assert metadata["application"]["never_came"] == 1
    own = (double.own() / f"{double.videos[0].stem}.left.csv").read_text()
    assert [row["frame"] for row in csv.DictReader(io.StringIO(own))] == [str(index) for index in range(24)]
    assert succeeded(own) == [index != 5 for index in range(24)]
    # 1 of 24 is more than 2 %.
    assert double.table("left_mirrored") == "by the application itself\n"
    assert "left to the application's own AU stage" in done.stderr


def test_what_the_application_makes_is_the_same_when_our_side_fails(tmp_path):
    job = {"first_alone": 1, "unsmoothed": True}
    alone = Double(tmp_path / "alone", "D", frames=8, job=job)
    assert alone.start(plugin=False).returncode == 0
    broken = Double(tmp_path / "broken", "D", frames=8, job=job)
    # A file is where our folder should be made.
    broken.output.mkdir()
    (broken.output / "Face Mirror AU").write_text("in the way")
    done = broken.start()
    assert done.returncode == 0
    assert broken.pictures() == alone.pictures()
    assert broken.table("left_mirrored") == alone.table("left_mirrored") == "by the application itself\n"
    assert "'Face Mirror AU' is" not in done.stdout
    assert "left to the application's own AU stage" in done.stderr


def test_what_the_application_makes_is_the_same_with_the_plugin(tmp_path):
    job = {"first_alone": 1, "unsmoothed": True}
    alone = Double(tmp_path / "alone", "E", frames=8, job=job)
    followed = Double(tmp_path / "followed", "E", frames=8, job=job)
    assert alone.start(plugin=False).returncode == followed.start().returncode == 0
    assert followed.pictures() == alone.pictures()
    assert followed.table("left_mirrored") != alone.table("left_mirrored")


def test_another_application_is_refused_and_told_why(tmp_path):
    double = Double(tmp_path / "double", "C", frames=2)
    loop = double.app / "video_processor.py"
    loop.write_text(loop.read_text().replace("_process_frame_batch", "_process_one_frame"))
    done = double.start()
    assert done.returncode == 1
    assert "looked for VideoProcessor._process_frame_batch(frame_data), found no such method" in done.stderr
    assert not double.output.exists()


def test_another_application_runs_as_it_is_when_asked_to(tmp_path):
    double = Double(tmp_path / "double", "C", frames=4)
    loop = double.app / "video_processor.py"
    loop.write_text(loop.read_text().replace("_process_frame_batch", "_process_one_frame"))
    done = double.start("--anyway")
    assert done.returncode == 0
    assert "it runs without the plugin" in done.stderr
    assert double.table("left_mirrored") == "by the application itself\n"
    assert not (double.output / "Face Mirror AU").exists()
