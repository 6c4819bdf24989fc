"""An earlier result is replaced as a whole, and what is not ours is left alone."""

from __future__ import annotations

import json

import pytest

from face_mirror_au.errors import OutputError
from face_mirror_au.results.earlier import earlier_files
from face_mirror_au.results.names import TABLES, VIDEOS
from face_mirror_au.run.outputs import OutputPlan
from face_mirror_au.tables.formats import RAW


def lay_out(folder, *, metadata=None, online=None):
    for ending in (".csv", *TABLES, *VIDEOS, ".notes.txt", "_other.csv"):
        (folder / f"p{ending}").write_text("x")
    if metadata is not None:
        (folder / "p.metadata.json").write_text(metadata)
    if online is not None:
        (folder / "p.online.csv").write_text(online)
    return folder / "p.csv"


def remove(csv):
    for path in earlier_files(csv):
        path.unlink()


def names(folder):
    return {path.name.removeprefix("p") for path in folder.iterdir()}


def test_our_metadata_tell_what_goes(tmp_path):
    csv = lay_out(tmp_path, metadata=json.dumps({"versions": {"face-mirror-au": "1"}, "files": [".csv", "_left_mirrored.mp4"]}))
    remove(csv)
    assert names(tmp_path) == {"_right_mirrored.mp4", ".notes.txt", "_other.csv"}, "a video that the metadata do not list is not ours"


@pytest.mark.parametrize("listed", [True, False])
def test_an_overlay_goes_when_the_metadata_list_it(tmp_path, listed):
    (tmp_path / "p.overlay.mp4").write_text("x")
    endings = [".csv", *([".overlay.mp4"] if listed else [])]
    csv = lay_out(tmp_path, metadata=json.dumps({"versions": {"face-mirror-au": "1"}, "files": endings}))
    remove(csv)
    assert (tmp_path / "p.overlay.mp4").exists() != listed


def test_an_interrupted_run_is_known_by_its_online_table(tmp_path):
    csv = lay_out(tmp_path, online=",".join(RAW.names) + "\n1,0.0,original,0,,\n")
    remove(csv)
    assert names(tmp_path) == {*VIDEOS, ".notes.txt", "_other.csv"}


@pytest.mark.parametrize("others", [{}, {"metadata": "{}"}, {"metadata": "[1]"}, {"metadata": "no JSON"}, {"online": "time,value\n"}])
def test_files_that_are_not_ours_stay(tmp_path, others):
    csv = lay_out(tmp_path, **others)
    before = names(tmp_path)
    assert earlier_files(csv) == ()
    remove(csv)
    assert names(tmp_path) == before


def test_the_input_is_never_removed(tmp_path):
    csv = lay_out(tmp_path, metadata=json.dumps({"versions": {"face-mirror-au": "1"}, "files": ["_left_mirrored.mp4"]}))
    before = names(tmp_path)
    with pytest.raises(OutputError, match="is the input and would be replaced"):
        OutputPlan(csv).check_input(tmp_path / "p_left_mirrored.mp4")
    with pytest.raises(OutputError, match="is the input"):
        OutputPlan(csv).check_input(tmp_path / "p_other.csv", [tmp_path / "p_other.csv"])
    assert names(tmp_path) == before
    assert OutputPlan(csv).check_input(tmp_path / "p.notes.txt"), "there is an earlier result"
    remove(csv)
    assert not OutputPlan(csv).check_input(tmp_path / "p.notes.txt")
