"""What went wrong inside the application itself, seen with its public sources. Numbers are those of the table in docs/face-mirror.md."""

from __future__ import annotations

import csv
import os
import signal
import stat

import numpy as np
import pytest
from host_fixtures import SIDES, Double, build_app, leftovers

from face_mirror_au.integrations.forms import UnknownFormError, recognise

BY_THE_APPLICATION = "by the application itself\n"
NAMES = ("plain.mkv", "2024.05.12 Patient A.mkv", "IMG_1.5.v2.mkv", "Zoë Å. _left_mirrored.mkv")


@pytest.fixture(autouse=True, scope="module")
def weights(shared_file, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def rows(text):
    return list(csv.DictReader(text.splitlines()))


@pytest.fixture(scope="module")
def odd_names(weights, tmp_path_factory):
    """A session of videos with odd names, in an application that logs everything."""
    folder = tmp_path_factory.mktemp("odd")
    job = {"first_alone": 1, "unsmoothed": True, "log": str(folder / "log.txt")}
    double = Double(folder / "double", "D", ("smile_right", "smile_left", "smile_right", "smile_left"), 8, NAMES, job)
    done = double.start()
    assert done.returncode == 0, done.stderr
    return double, done, (folder / "log.txt").read_text()


def test_1_tables_of_videos_with_odd_names_are_delivered(odd_names):
    double, done, _ = odd_names
    for number in range(len(NAMES)):
        for side in SIDES:
            assert double.table(side, number) == double.own_table(side, number), (NAMES[number], side)
    assert done.stderr.count("measured by the plugin, 8 rows in each table") == len(NAMES)
    # The last one's source is called mirrored, too: the application looks at it, and we have no table of it.
    assert (double.combined / f"{double.videos[3].stem}_source.csv").read_text() == BY_THE_APPLICATION


def test_11_tables_have_the_mode_of_the_applications_own_files(odd_names):
    double, _, _ = odd_names
    tables = list(double.combined.glob("*_mirrored.csv"))
    assert len(tables) == 2 * len(NAMES)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (*tables, *double.output.rglob("*.mp4"))}
    mask = os.umask(0)
    os.umask(mask)
    assert modes == {0o666 & ~mask}


def test_the_applications_log_says_who_measured_and_names_nobody(odd_names):
    _, _, log = odd_names
    lines = [line for line in log.splitlines() if "face_mirror_au" in line]
    measured = "was measured by face-mirror-au: 8 rows in each table"
    assert [measured in line for line in lines].count(True) == len(NAMES)
    assert not any("Patient" in line or "IMG" in line or "plain" in line or line.startswith("DEBUG") for line in lines)


def test_3_no_table_for_a_video_that_the_encoder_did_not_finish(tmp_path):
    job = {"first_alone": 1, "unsmoothed": True, "encoder_ends": [[0, 0], [1, 5]]}
    found = []
    for plugin in (False, True):
        double = Double(tmp_path / f"double_{plugin}", "D", ("smile_left", "smile_right"), 8, job=job)
        done = double.start(plugin=plugin)
        assert done.returncode == 0, done.stderr
        found.append([(each["csv"], each["count"]) for each in double.result["au"]])
    # As the application alone: nothing for the empty one, five rows of its own for the short one.
    assert found[0] == found[1]
    assert [count for _, count in found[1]] == [0, 0, 5, 5]
    assert "left to the application: the application's left_mirrored video is empty" in done.stderr
    assert "left_mirrored video has 5 frames, and the table 8 rows" in done.stderr
    assert double.metadata(1)["application"]["measured_by"] == "the application"


def landmarks(double, index):
    row = rows((double.own() / f"{double.videos[0].stem}.csv").read_text())[index]
    return np.array([[float(row[f"{axis}_{point}"]) for axis in "xy"] for point in range(68)])


def sources(double):
    return [row["landmarks"] for row in rows((double.own() / f"{double.videos[0].stem}.sources.csv").read_text())]


def test_6_landmarks_that_the_application_does_not_stand_by_are_no_measurement(tmp_path):
    double = Double(tmp_path / "double", "D", frames=24, job={"threads": 1, "raises": [5, 6], "unvalidated": [9]})
    done = double.start()
    assert done.returncode == 0, done.stderr
    # Its own answer for frame 9 is 40 px off, and for 5 and 6 that of frame 4.
    assert np.abs(landmarks(double, 9) - landmarks(double, 8)).mean() < 15
    assert not np.array_equal(landmarks(double, 5), landmarks(double, 4))
    assert not np.array_equal(landmarks(double, 6), landmarks(double, 4))
    assert [index for index, source in enumerate(sources(double)) if source != "application"] == [5, 6, 9]


@pytest.mark.parametrize("detector", ["own", "spiga"])
def test_7_our_own_models_find_the_face_where_the_application_does_not(tmp_path, detector):
    job = {"raises": [3], "no_face": [10], "unsmoothed": True, "detector": detector}
    double = Double(tmp_path / "double", "E", frames=16, job=job)
    done = double.start()
    assert done.returncode == 0, done.stderr
    for side in SIDES:
        assert double.table(side) == double.own_table(side)
        assert all(row["success"] == "True" and row["AU12_r"] for row in rows(double.table(side)))
    assert [index for index, source in enumerate(sources(double)) if source != "application"] == [3, 10]
    assert double.metadata()["application"]["rows_by_landmarks"]["application"] == 14
    assert "2 rows with landmarks of our own models" in done.stderr


@pytest.mark.parametrize("lives_on", [False, True], ids=["threads end with the window", "threads live on"])
def test_8_the_window_is_closed_in_mid_video(tmp_path, lives_on):
    double = Double(tmp_path / "double", "E", ("smile_left", "smile_right"), 40, job={"close_at": [[0, 25]], "lives_on": lives_on})
    done = double.start()
    # Python that ends while a thread is inside of OpenCV may abort, with the plugin or without: 2 of 6 times without.
    assert done.returncode in ({0} if lives_on else {0, -signal.SIGABRT}), done.stderr
    assert f"{double.videos[0].stem}: left to the application: the application was closed while it was processed" in done.stderr
    assert "was lost" not in done.stderr
    assert "Traceback" not in done.stderr
    assert leftovers(double) == []


def test_9_two_packages_of_onnx_runtime_are_told_of(tmp_path):
    other = tmp_path / "site" / "onnxruntime_gpu-1.20.1.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: onnxruntime-gpu\nVersion: 1.20.1\n")
    double = Double(tmp_path / "double", "E", frames=2)
    for environment, told in (({}, False), ({"PYTHONPATH": str(other.parent)}, True)):
        done = double.start("--check", **environment)
        said = " ".join(done.stdout.split())
        assert done.returncode == 0, done.stdout + done.stderr
        assert ("onnxruntime-gpu 1.20.1" in said) is told
        assert ("more than one is installed, and CPU may hide CUDA" in said) is told


def test_10_another_python_is_one_line(tmp_path):
    double = Double(tmp_path / "double", "E", frames=2, job={"imports": "a_module_of_the_application"})
    done = double.start("--quiet")
    assert done.returncode == 1
    assert "imports 'a_module_of_the_application', which this Python" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 3  # one, broken at the width of a terminal


@pytest.mark.parametrize("name", ["Face Mirror.app", "Face Mirror.app/Contents/MacOS"])
def test_11_a_packaged_application_is_told_what_it_is(tmp_path, name):
    (tmp_path / name).mkdir(parents=True)
    with pytest.raises(UnknownFormError, match="packaged application, which no plugin can join") as caught:
        recognise(tmp_path / name)
    assert "--anyway" not in str(caught.value)


def test_check_says_what_binds_and_what_is_missing(tmp_path):
    double = Double(tmp_path / "double", "E", frames=2)
    done = double.start("--check")
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert "form E" in said
    assert said.count("binds (") == 3
    assert "the application's modules: all there" in said
    assert "ready: start it without --check" in said
    assert not double.output.exists()
    app = build_app(tmp_path / "other", "E")
    (app / "openface_integration.py").unlink()
    (app / "main.py").write_text("import nobody_has_this\n" + (app / "main.py").read_text())
    double.app = app
    done = double.start("--check")
    assert done.returncode == 1
    said = " ".join(done.stdout.split())
    assert "AU stage: does not bind" in said
    assert "missing here: nobody_has_this" in said
    assert "not ready:" in said
