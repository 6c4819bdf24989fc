"""Records on disk come back as they were, and the file never stays."""

from __future__ import annotations

import errno

import numpy as np
import pytest

from face_mirror_au.errors import OutputError
from face_mirror_au.tables import spool
from face_mirror_au.tables.spool import Spool

RECORD = np.dtype([("frame", np.int64), ("landmarks", np.float32, (68, 2)), ("success", np.bool_)])


def records(count: int) -> np.ndarray:
    made = np.zeros(count, dtype=RECORD)
    made["frame"] = np.arange(count)
    made["landmarks"] = np.random.default_rng(0).normal(size=(count, 68, 2))
    made["success"] = made["frame"] % 3 == 0
    return made


@pytest.fixture
def small_buffer(monkeypatch):
    monkeypatch.setattr(spool, "BUFFER_BYTES", 7 * RECORD.itemsize)


@pytest.mark.usefixtures("small_buffer")
def test_records_come_back(tmp_path):
    made = records(40)
    with Spool(RECORD, tmp_path) as store:
        for record in made[:10]:
            store.append(record)
        assert len(store) == 10
        assert np.array_equal(store.read(), made[:10])
        store.extend(made[10:33])
        assert np.array_equal(store.read(5, 12), made[5:12])
        for record in made[33:]:
            store.append(tuple(record))
        assert len(store) == 40
        assert np.array_equal(store.read(), made)
        assert np.array_equal(store.read(-3), made[-3:])
        assert len(store.read(30, 20)) == 0
        assert len(store.read(99)) == 0
        landmarks = store.column("landmarks")
        assert len(landmarks) == 40
        assert np.array_equal(landmarks[17:19], made["landmarks"][17:19])
        assert np.array_equal(np.asarray(landmarks), made["landmarks"])
        with pytest.raises(ValueError, match="neighbouring rows"):
            landmarks[::2]


def test_an_empty_spool(tmp_path):
    with Spool(RECORD, tmp_path) as store:
        assert (len(store), len(store.read()), len(np.asarray(store.column("frame")))) == (0, 0, 0)
        assert store.read().dtype == RECORD


def test_the_file_is_gone_also_after_an_error(tmp_path):
    store = Spool(RECORD, tmp_path)
    with pytest.raises(RuntimeError), store:  # noqa: PT012 - all belong to the block
        store.extend(records(5))
        store.flush()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="closed"):
        store.read()


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    with Spool(RECORD, tmp_path) as store:
        store.append(records(1)[0])

        class Full:
            def seek(self, position):
                return position

            def write(self, data):
                raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(store, "_file", Full())
        with pytest.raises(OutputError, match="the disk is full"):
            store.flush()
        monkeypatch.undo()


def test_an_error_of_closing_is_none_for_nobody_wants_the_file_any_more(tmp_path, monkeypatch):
    class Late:
        def __init__(self, file):
            self.file = file

        def close(self):
            self.file.close()
            raise OSError(errno.ENOSPC, "No space left on device")

    with Spool(RECORD, tmp_path) as store:
        monkeypatch.setattr(store, "_file", Late(store._file))
    assert store._file.file.closed


def test_writes_that_take_only_a_part_are_continued(tmp_path, monkeypatch):
    made = records(9)
    with Spool(RECORD, tmp_path) as store:
        real = store._file

        class Slow:
            def __getattr__(self, name):
                return getattr(real, name)

            def write(self, data):
                return real.write(data[:1000])

            def readinto(self, data):
                return real.readinto(data[:999])

        monkeypatch.setattr(store, "_file", Slow())
        store.extend(made)
        assert np.array_equal(store.read(), made)
        monkeypatch.undo()


def test_a_folder_that_is_missing_is_told(tmp_path):
    with pytest.raises(OutputError, match="'missing' cannot be written: its folder does not exist"):
        Spool(RECORD, tmp_path / "missing")
