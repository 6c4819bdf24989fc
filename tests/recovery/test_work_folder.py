"""The work folder: nothing of a result is in its place before all of it is, and nothing that was measured is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from face_mirror_au.errors import OutputError
from face_mirror_au.results import publish as publishing
from face_mirror_au.results.publish import Place, bring_tables_of_persons
from face_mirror_au.results.work_folder import WorkFolder, place_of
from face_mirror_au.tables.formats import RAW

OURS = json.dumps({"versions": {"face-mirror-au": "1"}, "files": [".csv", ".overlay.mp4"]})
HEADER = ",".join(RAW.names) + "\n"


@pytest.fixture(params=["own folder", "beside"])
def place(request, tmp_path):
    """A result in a folder of its own, or among files of others."""
    own = request.param == "own folder"
    return Place(tmp_path / "out" / ("p/p.csv" if own else "p.csv"), own_folder=own)


def begin(place, rows=0):
    work = WorkFolder(place)
    work.begin()
    (work.path / "p.online.csv").write_text(HEADER + "".join(f"{row},original\n" for row in range(rows)))
    return work


def finish(work, word="new"):
    (work.path / "p.csv").write_text(word)
    (work.path / "p.metadata.json").write_text(OURS.replace("1", word))


def die(work):
    """What the system does when the process is killed."""
    os.close(work._lock)


def listed(place):
    return {path.name for path in place.csv.parent.iterdir()}


def earlier(place):
    place.csv.parent.mkdir(parents=True)
    for ending, content in {
        ".csv": "old",
        ".metadata.json": OURS,
        ".overlay.mp4": "old",
        ".sides.csv": "old",
        ".notes.txt": "mine",
    }.items():
        place.beside(ending).write_text(content)
    place.beside(".movements.csv").write_text("mine")


def test_nothing_is_in_its_place_before_all_is(place):
    work = begin(place, 2)
    finish(work)
    assert work.path == place.csv.parents[1 if place.own_folder else 0] / "p.unfinished"
    assert not place.csv.exists()
    work.publish()
    assert listed(place) == {"p.csv", "p.metadata.json", "p.online.csv"}
    assert not work.path.exists()
    if os.name == "posix" and place.own_folder:
        assert place.csv.parent.stat().st_mode & 0o777 == 0o700


def test_an_earlier_result_is_replaced_as_a_whole_and_what_is_not_ours_stays(place):
    earlier(place)
    work = begin(place, 1)
    finish(work)
    bring_tables_of_persons(place, work.path)
    assert (work.path / "p.movements.csv").read_text() == "mine"
    (work.path / ".writing-x.tmp").write_text("half")
    work.publish()
    assert listed(place) == {"p.csv", "p.metadata.json", "p.online.csv", "p.notes.txt", "p.movements.csv"}
    assert place.csv.read_text() == "new"
    assert not work.path.exists()


@pytest.mark.parametrize("rows", [0, 3])
def test_a_run_that_fails_leaves_the_earlier_result_and_its_rows(place, rows):
    earlier(place)
    before = {path: path.read_bytes() for path in place.csv.parent.rglob("*") if path.is_file()}
    work = begin(place, rows)
    (work.path / "p.csv").write_text("half of a result")
    (work.path / ".writing-x.tmp").write_text("half")
    work.abandon()
    assert {path: path.read_bytes() for path in before} == before
    if not rows:
        assert work.kept == ""
        assert not work.path.exists()
        return
    assert {path.name for path in work.path.iterdir()} == {".lock", "p.online.csv"}
    assert f"the rows measured so far are in {work.path / 'p.online.csv'}; they are provisional: for final values" in work.kept


def test_before_the_first_row_nothing_is_left_not_even_a_folder(place, tmp_path):
    work = begin(place)
    work.abandon()
    assert work.kept == ""
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_leaves_those_above_it_as_they_were(tmp_path):
    work = WorkFolder(Place(tmp_path / "new" / "out" / f"{'p' * 250}.csv", own_folder=False))
    with pytest.raises(OutputError, match="the name is too long"):
        work.begin()
    work.abandon()
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_at_once_is_refused(place):
    work = begin(place, 1)
    with pytest.raises(OutputError, match=r"another run is writing to 'p\.unfinished'; wait for it"):
        WorkFolder(place).begin()
    finish(work)
    work.publish()
    assert place.csv.read_text() == "new"


def test_the_lock_goes_with_its_process(place):
    code = (
        "import sys, pathlib; from face_mirror_au.results.work_folder import WorkFolder; from face_mirror_au.results.publish import Place; "
        "WorkFolder(Place(pathlib.Path(sys.argv[1]), sys.argv[2] == 'True')).begin(); print('begun', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(place.csv), str(place.own_folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"begun\n"
        with pytest.raises(OutputError, match="another run is writing"):
            WorkFolder(place).begin()
        other.kill()
    begin(place)


@pytest.mark.parametrize("more", [True, False])
def test_rows_of_a_killed_run_are_set_aside_until_the_new_run_has_them(place, more):
    killed = begin(place, 3)
    with (killed.path / "p.online.csv").open("a") as online:
        online.write("3,orig")  # cut off
    die(killed)
    work = begin(place, 5 if more else 2)
    aside = work.path.with_name("p.unfinished-1")
    assert work.found == ["what a stopped run had measured is in 'p.unfinished-1' now; it is removed when a result has as many frames"]
    assert (aside / "p.online.csv").read_text().endswith("3,orig")
    assert place_of(aside) == place
    finish(work)
    work.publish()
    assert aside.exists() != more


def test_a_killed_run_without_rows_is_simply_replaced(place):
    die(begin(place))
    work = begin(place)
    assert work.found == []
    assert {path.name for path in work.path.parent.iterdir()} == {"p.unfinished"}


@pytest.mark.parametrize("moves", range(4))
def test_publishing_that_was_cut_off_is_completed_by_the_next_run(place, moves, monkeypatch):
    """Killed after any number of renames: no metadata lie beside files of another run, and nothing is missing in the end."""
    earlier(place)
    work = begin(place, 1)
    finish(work)
    move, done = publishing._move, []

    def killed(path, target):
        if len(done) == moves:
            raise KeyboardInterrupt
        done.append(path.name)
        move(path, target)

    monkeypatch.setattr(publishing, "_move", killed)
    if moves < 3:
        with pytest.raises(KeyboardInterrupt):
            work.publish()
        assert not place.beside(".metadata.json").exists()
        work.abandon()
        assert "the whole result is in" in work.kept
    else:
        work.publish()
    monkeypatch.undo()
    following = begin(place, 1)
    assert (following.found != []) == (moves < 3)
    assert place.csv.read_text() == "new"
    assert listed(place) - {"p.unfinished"} == {"p.csv", "p.metadata.json", "p.online.csv", "p.notes.txt", "p.movements.csv"}
    following.abandon()


def test_a_run_that_died_between_its_last_file_and_the_rename_is_completed(place):
    killed = begin(place, 1)
    finish(killed)
    die(killed)
    if place.own_folder:  # `publish` takes the lock away just before
        (killed.path / ".lock").unlink()
    assert "put in its place first" in begin(place).found[0]
    assert place.csv.read_text() == "new"


@pytest.mark.parametrize("what", ["a file", "a folder of somebody"])
def test_what_is_not_ours_is_in_the_way(place, what):
    place.unfinished.parent.mkdir(parents=True)
    if what == "a file":
        place.unfinished.write_text("mine")
    else:
        place.unfinished.mkdir()
        (place.unfinished / "p.unfinished.csv").write_text("the result of a video named p.unfinished.mp4")
    with pytest.raises(OutputError, match=r"'p\.unfinished' is in the way, and no folder of an unfinished run; move it"):
        WorkFolder(place).begin()
    assert place.unfinished.exists()


def test_folders_of_unique_names_are_never_shared_and_leave_nothing(tmp_path):
    place = Place(tmp_path / "out" / "p" / "p.csv", own_folder=True)
    first, second = (WorkFolder(place, unique_in=tmp_path / "out") for _ in range(2))
    for number, work in enumerate((first, second)):
        work.begin()
        (work.path / "p.online.csv").write_text(f"{HEADER}1,{number}\n")
        finish(work)
    first.publish()
    second.publish()
    assert place.beside(".online.csv").read_text() == f"{HEADER}1,1\n"
    third = WorkFolder(place, unique_in=tmp_path / "out")
    third.begin()
    (third.path / "p.online.csv").write_text(HEADER + "1,3\n")
    third.abandon()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["p"]


@pytest.mark.parametrize(
    "said", ["", "{}", "[]", '{"table": "..", "own_folder": false}', '{"table": "", "own_folder": true}', '{"table": 1}']
)
def test_a_lock_that_says_nothing_is_no_lock(tmp_path, said):
    work = tmp_path / "p.unfinished"
    work.mkdir()
    (work / ".lock").write_text(said)
    assert place_of(work) is None
    (work / "p.online.csv").write_text(HEADER)
    assert place_of(work) == Place(tmp_path / "p" / "p.csv", own_folder=True), "after a power cut, as its files say"
