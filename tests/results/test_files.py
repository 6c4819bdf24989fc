"""Files appear whole or not at all, private, and a failure is one line."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from pathlib import Path

import pytest

from face_mirror_au import files
from face_mirror_au.errors import OutputError
from face_mirror_au.files import atomic_binary, atomic_text, check_output_folder, display_name, make_output_folder, open_log

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="permission bits of POSIX")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("name", ["table.csv", "with space.csv", 'it\'s "quoted".csv', "-leading.csv", "two\nlines.csv", "Müller 顔.csv"])
def test_content_appears_whole(tmp_path, name):
    path = tmp_path / name
    with atomic_text(path) as handle:
        handle.write("ä\n")
        handle.flush()
        assert not path.exists()
    assert path.read_bytes() == "ä\n".encode()
    with atomic_binary(path) as binary:
        binary.write(b"\x00\r\n")
        binary.flush()
        assert path.read_bytes() == "ä\n".encode()
    assert path.read_bytes() == b"\x00\r\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_text(path) as handle:  # noqa: PT012 - both belong to the block
        handle.write("new")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("code", [errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)])
def test_a_full_disk_is_one_line(tmp_path, monkeypatch, code):
    def full(descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OutputError) as caught, atomic_text(tmp_path / "table.csv") as handle:
        handle.write("new")
    assert str(caught.value) == "'table.csv' cannot be written: the disk is full; free some space, or choose another folder"
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_closing_as_of_network_drives_is_one_line(tmp_path, monkeypatch):
    close = os.close

    def told_late(descriptor):
        close(descriptor)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError, match="the disk is full"), atomic_text(tmp_path / "table.csv") as handle:  # noqa: PT012
        handle.write("new")
        monkeypatch.setattr(files.os, "close", told_late)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_while_writing(tmp_path, monkeypatch):
    # What a write to a full disk does, with the real system call.
    monkeypatch.setattr(files.tempfile, "mkstemp", lambda **_: (os.open("/dev/full", os.O_WRONLY), str(tmp_path / "gone")))
    with pytest.raises(OutputError, match="disk is full"), atomic_text(tmp_path / "table.csv") as handle:
        handle.write("x" * 100_000)
    assert not (tmp_path / "table.csv").exists()


def test_a_read_only_folder_is_one_line(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path))

    monkeypatch.setattr(files.tempfile, "mkstemp", refuse)
    message = r"^'table\.csv' cannot be written: no permission to write there; choose another folder$"
    with pytest.raises(OutputError, match=message), atomic_text(tmp_path / "table.csv"):
        pass


def test_names_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for path, reason in (
        (tmp_path / "missing" / "table.csv", "does not exist"),
        (tmp_path / "file" / "table.csv", "not a folder"),
        (tmp_path / "folder", "it is a folder"),
    ):
        with pytest.raises(OutputError, match=reason) as caught, atomic_text(path):
            pass
        assert str(tmp_path) not in str(caught.value)


@posix_only
def test_a_device_is_never_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="not an ordinary file"), atomic_text(pipe):
        pass
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@posix_only
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    with atomic_text(tmp_path / "link.csv") as handle:
        handle.write("x")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "x"


@posix_only
def test_everything_is_private(tmp_path):
    before = os.umask(0o022)
    try:
        folder = make_output_folder(tmp_path / "out" / "subject")
        with atomic_text(folder / "table.csv") as handle:
            handle.write("x")
        with open_log(folder / "log.csv") as handle:
            handle.write("x")
    finally:
        os.umask(before)
    assert [mode(path) for path in (tmp_path / "out", folder)] == [0o700, 0o700]
    assert [mode(path) for path in folder.iterdir()] == [0o600, 0o600]


def test_output_folders(tmp_path, monkeypatch):
    tmp_path.chmod(0o755)
    assert make_output_folder(tmp_path) == tmp_path
    if sys.platform != "win32":
        assert mode(tmp_path) == 0o755
    (tmp_path / "file").write_text("x")
    for make in (make_output_folder, check_output_folder):
        for typed, reason in ((tmp_path / "file", "it is"), (tmp_path / "file" / "out", f"'{tmp_path / 'file'}' is")):
            message = re.escape(f"the output folder '{typed}' cannot be written to: {reason} a file, not a folder; choose another folder")
            with pytest.raises(OutputError, match=message):
                make(typed / "stem", typed)
    check_output_folder(tmp_path / "not" / "yet")
    assert not (tmp_path / "not").exists()

    def read_only(**_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(files.tempfile, "TemporaryFile", read_only)
    with pytest.raises(OutputError, match="the file system is read-only; choose another folder"):
        make_output_folder(tmp_path / "new")


def test_names_in_messages_are_one_printable_line():
    assert display_name(Path("/patients/Jane/a\nb\x1b[31m.csv")) == "a?b?[31m.csv"
