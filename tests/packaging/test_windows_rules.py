"""What is other on Windows, as far as it can be tried elsewhere. Nobody has run the program there (docs/install.md)."""

from __future__ import annotations

import os
import sys
from functools import partial
from types import SimpleNamespace

import pytest

from face_mirror_au import files
from face_mirror_au.batch import inputs
from face_mirror_au.batch.state import only_batch
from face_mirror_au.cli import options
from face_mirror_au.devices.probe_child import start_methods
from face_mirror_au.errors import OutputError, UsageError
from face_mirror_au.files import is_lost_on_windows, output_error
from face_mirror_au.results import locks


@pytest.mark.parametrize("name", ["visit:2", "nul", "CON.rest", "lpt1", "what?", "rest.", "rest ", 'a"b', "a|b"])
def test_names_of_which_windows_makes_no_file_are_known(name):
    assert is_lost_on_windows(name, windows=True)
    assert not is_lost_on_windows(name, windows=False)


@pytest.mark.parametrize("name", ["rest", "Müller 2", "console", "com10", ".hidden", "a.b.c"])
def test_ordinary_names_are_not_among_them(name):
    assert not is_lost_on_windows(name, windows=True)


def test_a_subject_and_a_label_of_such_a_name_are_refused_there(monkeypatch):
    for module in (files, inputs):
        monkeypatch.setattr(module, "is_lost_on_windows", partial(is_lost_on_windows, windows=True))
    with pytest.raises(UsageError, match="cannot be 'visit:2': Windows makes no file of that name"):
        options.check_subject("visit:2")
    with pytest.raises(UsageError, match="Windows makes no file"):
        inputs._checked("p1/aux")
    assert inputs._checked("p1/rest") == "p1/rest"


def test_a_table_that_a_spreadsheet_program_shows_is_told_from_a_missing_permission(tmp_path):
    error = PermissionError(13, "Permission denied")
    error.winerror = 32
    assert str(output_error(error, tmp_path / "p.csv")) == (
        "'p.csv' cannot be written: another program has it open; close it there, and try again"
    )
    assert "no permission" in str(output_error(PermissionError(13, "Permission denied"), tmp_path / "p.csv"))


def test_without_fork_workers_are_spawned(monkeypatch):
    monkeypatch.delattr(os, "fork", raising=False)
    assert options.start_nursery(2, None) is None
    with pytest.raises(UsageError, match="no fork on this system"):
        options.start_nursery(2, "fork")


def test_devices_are_tried_in_spawned_processes_there(monkeypatch):
    monkeypatch.setattr("multiprocessing.get_all_start_methods", lambda: ["spawn"])
    assert start_methods() == ("spawn",)


def test_a_batch_is_alone_in_its_folder_there_by_a_lock_on_a_byte_that_no_file_reaches(tmp_path, monkeypatch):
    locked = []

    def locking(descriptor, mode, count):
        place = (os.fstat(descriptor).st_ino, os.lseek(descriptor, 0, os.SEEK_CUR), count)
        if place in locked:
            raise PermissionError(13, "Permission denied")
        locked.append(place)

    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=2, locking=locking))
    monkeypatch.setattr(locks.sys, "platform", "win32")
    with only_batch(tmp_path):
        assert locked[0][1:] == (1 << 30, 1)
        with pytest.raises(OutputError, match="another batch"), only_batch(tmp_path):
            pass
