"""What a batch takes for an input, and how results are named."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from face_mirror_au.batch.inputs import find_inputs
from face_mirror_au.batch.names import give_names
from face_mirror_au.batch.state import BatchState
from face_mirror_au.errors import OutputError, UsageError
from face_mirror_au.tables.formats import RAW


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def found(tmp_path, *given, lists=(), output="out"):
    return [each.path.relative_to(tmp_path).as_posix() for each in find_inputs([str(name) for name in given], lists, tmp_path / output)]


def names(inputs, state):
    give_names(inputs, state)
    return [state.inputs[str(each.path)].name for each in inputs]


def test_a_folder_is_searched_for_videos_in_all_its_folders(tmp_path):
    touch(tmp_path / "in/b/rest.MOV", tmp_path / "in/a/smile.mp4", tmp_path / "in/notes.txt", tmp_path / "in/photo.jpg")
    touch(tmp_path / "in/.hidden/x.mp4", tmp_path / "in/a/._smile.mp4")
    assert found(tmp_path, tmp_path / "in") == ["in/a/smile.mp4", "in/b/rest.MOV"]


def test_outputs_are_not_taken_for_inputs(tmp_path):
    touch(tmp_path / "in/rest.mp4", tmp_path / "in/out/rest/other.mp4", tmp_path / "in/done/rest_left_mirrored.mp4")
    assert found(tmp_path, tmp_path / "in", output="in/out") == ["in/done/rest_left_mirrored.mp4", "in/rest.mp4"]
    (tmp_path / "in/done/rest.online.csv").write_text(",".join(RAW.names) + "\n")
    (tmp_path / "in/done/rest.metadata.json").write_text('{"versions": {"face-mirror-au": "1"}, "files": ["_left_mirrored.mp4"]}')
    assert found(tmp_path, tmp_path / "in", output="in/out") == ["in/rest.mp4"]


def test_an_output_folder_around_the_inputs_hides_none(tmp_path):
    touch(tmp_path / "data/rest.mp4")
    assert found(tmp_path, tmp_path / "data", output="data") == ["data/rest.mp4"]


def test_a_file_that_is_named_is_taken_whatever_its_ending(tmp_path):
    touch(tmp_path / "stream.264")
    assert found(tmp_path, tmp_path / "stream.264") == ["stream.264"]


def test_a_glob_finds_files_and_searches_folders_each_file_once(tmp_path):
    touch(tmp_path / "p1/rest.mp4", tmp_path / "p2/rest.mp4", tmp_path / "p2/smile.mp4", tmp_path / "q/rest.mp4")
    assert found(tmp_path, tmp_path / "p*" / "rest.mp4", tmp_path / "p2") == ["p1/rest.mp4", "p2/rest.mp4", "p2/smile.mp4"]
    assert found(tmp_path, tmp_path / "**" / "rest.mp4") == ["p1/rest.mp4", "p2/rest.mp4", "q/rest.mp4"]


def test_a_name_with_brackets_is_a_name_before_it_is_a_pattern(tmp_path):
    touch(tmp_path / "clip[1].mp4", tmp_path / "clip1.mp4")
    assert found(tmp_path, tmp_path / "clip[1].mp4") == ["clip[1].mp4"]


@pytest.mark.parametrize(("given", "problem"), [("*.mp4", "no file matches"), ("folder", "no video in this folder")])
def test_what_holds_nothing_is_named(tmp_path, given, problem):
    touch(tmp_path / "folder" / "image.jpg")
    (each,) = find_inputs([str(tmp_path / given)], (), tmp_path / "out")
    assert problem in each.problem
    assert each.shown == str(tmp_path / given)


def test_lists_hold_names_relative_to_themselves(tmp_path):
    touch(tmp_path / "in/a.mp4", tmp_path / "in/ -b.mp4", tmp_path / "in/c/d.mp4")
    (tmp_path / "in/list.txt").write_bytes(b"\xef\xbb\xbfa.mp4\r\n\n -b.mp4\nc\n")
    assert found(tmp_path, f"@{tmp_path}/in/list.txt") == ["in/a.mp4", "in/ -b.mp4", "in/c/d.mp4"]
    assert found(tmp_path, lists=[tmp_path / "in/list.txt"]) == ["in/a.mp4", "in/ -b.mp4", "in/c/d.mp4"]


@pytest.mark.skipif(os.name != "posix", reason="no such names")
def test_a_list_with_nul_holds_names_with_line_ends(tmp_path):
    touch(tmp_path / "two\nlines.mp4")
    (tmp_path / "list").write_bytes(b"two\nlines.mp4\0")
    assert found(tmp_path, lists=[tmp_path / "list"]) == ["two\nlines.mp4"]


def test_a_list_that_is_not_there_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match=r"the list 'videos\.txt' cannot be read"):
        find_inputs([f"@{tmp_path}/videos.txt"], (), tmp_path)
    with pytest.raises(UsageError, match="empty text"):
        find_inputs([""], (), tmp_path)


def test_two_videos_of_one_stem_get_different_names(tmp_path):
    touch(tmp_path / "a/x/rest.mp4", tmp_path / "a/y/rest.mp4", tmp_path / "a/y/rest.mov", tmp_path / "b/x/Rest.mp4")
    inputs = find_inputs([str(tmp_path / "a"), str(tmp_path / "b")], (), tmp_path / "out")
    assert names(inputs, BatchState(tmp_path)) == ["x/rest", "y/rest", "y/rest_mp4", "b/x/Rest"]
    files = find_inputs(
        [str(tmp_path / "a/x/rest.mp4"), str(tmp_path / "b/x/Rest.mp4"), str(tmp_path / "a/y/rest.mp4")], (), tmp_path / "out"
    )
    assert names(files, BatchState(tmp_path)) == ["rest", "x/Rest", "y/rest"]


def test_a_video_keeps_its_name_when_others_come(tmp_path):
    touch(tmp_path / "b/rest.mp4", tmp_path / "a/rest.mp4")
    state = BatchState(tmp_path)
    first = find_inputs([str(tmp_path / "b")], (), tmp_path / "out")
    assert names(first, state) == ["rest"]
    state.save()
    both = find_inputs([str(tmp_path / "a"), str(tmp_path / "b")], (), tmp_path / "out")
    assert names(both, BatchState(tmp_path)) == ["a/rest", "rest"]
    others = find_inputs([str(tmp_path / "a")], (), tmp_path / "out")
    assert names(others, BatchState(tmp_path)) == ["a/rest"], "the result of a video that was not given this time is not taken from it"


def test_a_label_in_a_list_names_the_result(tmp_path):
    touch(tmp_path / "miller.mp4", tmp_path / "smith.mp4", tmp_path / "jones.mp4", tmp_path / "folder/a.mp4")
    listed = tmp_path / "list.txt"
    state = BatchState(tmp_path)
    assert names(find_inputs([str(tmp_path / "miller.mp4")], (), tmp_path / "out"), state) == ["miller"]
    listed.write_text("miller.mp4\tP07/rest\nsmith.mp4\tP08\njones.mp4\tP08\n")
    for _ in range(2):
        assert names(find_inputs([], [listed], tmp_path / "out"), state) == ["P07/rest", "P08", "P08_2"]
    listed.write_text("folder\tP09\n")
    (each,) = find_inputs([], [listed], tmp_path / "out")
    assert "a label is for one video" in each.problem


@pytest.mark.parametrize("label", ["../x", "/x", "a//b", ".", "a/..", " ", "a\\b"])
def test_a_label_never_leads_out_of_the_output_folder(tmp_path, label):
    (tmp_path / "list.txt").write_text(f"a.mp4\t{label}\n")
    with pytest.raises(UsageError, match="cannot name a result"):
        find_inputs([], [tmp_path / "list.txt"], tmp_path / "out")


def test_a_folder_that_was_moved_keeps_its_results(tmp_path):
    touch(tmp_path / "old/rest.mp4")
    state = BatchState(tmp_path)
    assert names(find_inputs([str(tmp_path / "old")], (), tmp_path / "out"), state) == ["rest"]
    (tmp_path / "old").rename(tmp_path / "new")
    assert names(find_inputs([str(tmp_path / "new")], (), tmp_path / "out"), state) == ["rest"]


def test_a_video_is_never_named_like_the_batch_s_own_files(tmp_path):
    touch(tmp_path / "batch.csv.mp4")
    inputs = find_inputs([str(tmp_path / "batch.csv.mp4")], (), tmp_path / "out")
    assert names(inputs, BatchState(tmp_path)) == [f"{tmp_path.name}/batch.csv"]


@pytest.mark.parametrize("damage", ["", "{", '{"version": 1, "inputs": {"x": {"name": 3}}}', '{"version": 99, "inputs": {}}', "[]"])
def test_a_damaged_state_is_as_good_as_none(tmp_path, damage):
    (tmp_path / "batch.state.json").write_text(damage)
    assert BatchState(tmp_path).inputs == {}


@pytest.mark.skipif(os.name != "posix", reason="no such names")
def test_the_state_keeps_names_of_a_foreign_encoding(tmp_path):
    name = os.fsdecode(b"caf\xe9.mp4")
    state = BatchState(tmp_path)
    try:
        touch(tmp_path / name)
    except OSError:
        pytest.skip("the file system takes UTF-8 only")
    give_names(find_inputs([str(tmp_path / name)], (), tmp_path / "out"), state)
    state.save()
    assert list(BatchState(tmp_path).inputs) == [str(tmp_path / name)]


def test_a_hash_is_remembered_and_a_changed_file_is_hashed_again(tmp_path, monkeypatch):
    from face_mirror_au.batch import state as module

    video = tmp_path / "rest.mp4"
    touch(video)
    state = BatchState(tmp_path)
    give_names(find_inputs([str(video)], (), tmp_path / "out"), state)
    now = [time.time_ns()]
    monkeypatch.setattr(module.time, "time_ns", lambda: now[0])
    hashed = []
    hash_input = module.hash_input
    monkeypatch.setattr(module, "hash_input", lambda path: hashed.append(path) or hash_input(path))
    first = state.hash(video)
    assert state.hash(video) == first
    assert len(hashed) == 2, "a file that changed a moment ago may change again within the same tick of the clock"
    now[0] += 10 * 10**9
    assert state.hash(video) == first
    assert state.hash(video) == first
    assert len(hashed) == 3
    old = video.stat()
    video.write_bytes(b"y")
    os.utime(video, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert state.hash(video) != first, "the same size and time of change, but another content"


def test_two_batches_cannot_write_to_one_folder(tmp_path):
    pytest.importorskip("fcntl")
    from face_mirror_au.batch.state import only_batch

    with only_batch(tmp_path), pytest.raises(OutputError, match="another batch"), only_batch(tmp_path):
        pass
    with only_batch(Path(tmp_path)):
        pass
