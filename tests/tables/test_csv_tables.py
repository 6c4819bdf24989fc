"""The CSV files of a run hold the values to their rounding, and nothing where nothing was measured."""

from __future__ import annotations

import csv
import dataclasses
import errno
import io
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from face_mirror_au.errors import OutputError, UsageError
from face_mirror_au.pipeline.signals import HEAD_POSE, POSE, SHAPE
from face_mirror_au.records import ComputedColumn, View, ViewTable
from face_mirror_au.tables import columns, table_files
from face_mirror_au.tables.columns import GROUPS
from face_mirror_au.tables.dictionary import write_dictionary
from face_mirror_au.tables.formats import AUS, FACE_MIRROR, FORMATS, MINIMAL, RAW, openface, to_dataframe, with_points_3d, write_aus
from face_mirror_au.tables.raw_log import OnlineLog

FAILED = [2, 5]
BLANK_AU = 3  # an AU that the bank does not have


def make_table(rows: int = 9, view: View = View.ORIGINAL) -> ViewTable:
    random = np.random.default_rng(rows)
    success = np.ones(rows, dtype=bool)
    success[[row for row in FAILED if row < rows]] = False

    def values(*shape: int, scale: float = 100.0) -> np.ndarray:
        made = random.normal(scale=scale, size=(rows, *shape))
        made[~success] = np.nan
        return made

    table = ViewTable(
        view=view, frame=np.arange(rows), time_s=np.arange(rows) / 29.97, success=success, confidence=np.where(success, 0.98, 0.0),
        intensity=np.clip(values(17, scale=2), 0, 5), presence=np.round(np.clip(values(18, scale=1), 0, 1)), raw=values(17, scale=2),
        signals={"landmarks": values(68, 2).astype(np.float32), "pose": values(6), "shape": values(34, scale=10), "head_pose": values(6)},
    )  # fmt: skip
    table.intensity[:, BLANK_AU] = np.nan
    return table


def write_openface(table, path, *, groups=("pose", "landmarks", "shape", "aus"), points3d=None, strict=False):
    whole = table if points3d is None else with_points_3d(table, ComputedColumn(len(table.frame), points3d))
    openface(groups, whole).write_view(whole, path, strict=strict)


def points3d(table: ViewTable):
    made = np.random.default_rng(8).normal(scale=300, size=(len(table.frame), 68, 3))
    made[~table.success] = np.nan
    return made, lambda rows: made[rows]


def names(signal):
    return tuple(column.name for column in signal.columns)


def header(path) -> list[str]:
    return path.read_text().splitlines()[0].split(",")


def test_the_header_is_openfaces_without_gaze(tmp_path, shared_file):
    truth = pd.read_csv(shared_file("truth/default/feature_extraction.csv.gz"), nrows=1).columns
    table = make_table()
    write_openface(table, tmp_path / "a.csv", groups=GROUPS, points3d=points3d(table)[1])
    expected = [name for name in truth if not name.startswith(("gaze", "eye_lmk"))]
    assert header(tmp_path / "a.csv") == expected
    assert list(openface().names) == expected


@pytest.mark.parametrize("rows", [9, 700])
def test_values_are_there_to_their_rounding(tmp_path, rows):
    table = make_table(rows)
    made, give = points3d(table)
    write_openface(table, tmp_path / "a.csv", groups=GROUPS, points3d=give)
    text = (tmp_path / "a.csv").read_text()
    assert " " not in text
    read = pd.read_csv(tmp_path / "a.csv")
    assert read["frame"].tolist() == list(range(1, rows + 1))
    assert (read["face_id"] == 0).all()
    assert np.array_equal(read["success"], table.success.astype(int))
    for found, values, decimals in (
        (["timestamp"], table.time_s[:, None], 3),
        (["confidence"], table.confidence[:, None], 2),
        (names(HEAD_POSE)[:3], table.signals["head_pose"][:, :3], 1),
        (names(HEAD_POSE)[3:], table.signals["head_pose"][:, 3:], 3),
        (columns.points("x"), table.signals["landmarks"][:, :, 0], 1),
        (columns.points("y"), table.signals["landmarks"][:, :, 1], 1),
        (columns.points("X"), made[:, :, 0], 1),
        (columns.points("Y"), made[:, :, 1], 1),
        (columns.points("Z"), made[:, :, 2], 1),
        (names(POSE), table.signals["pose"], 3),
        (names(SHAPE), table.signals["shape"], 3),
        (columns.INTENSITY, table.intensity, 2),
        (columns.PRESENCE, table.presence, 2),
    ):
        assert np.allclose(read[list(found)].to_numpy(float), values, rtol=0, atol=0.5000001 * 10.0**-decimals, equal_nan=True), found
        written = [row[found[0]] for row in csv.DictReader(io.StringIO(text))]
        assert {len(cell.partition(".")[2]) for cell in written if cell} == {decimals}, found


def test_a_row_is_printed_as_c_prints_it(tmp_path):
    table = make_table(1)
    table.intensity[0, :3] = 0.125, 0.015, 2.675  # a tie, and two that only look like one: C rounds the exact binary value
    write_openface(table, tmp_path / "a.csv", groups=["aus"])
    cells = (tmp_path / "a.csv").read_text().splitlines()[1].split(",")
    assert cells[:5] == ["1", "0", "0.000", "0.98", "1"]
    assert cells[5:8] == ["0.12", "0.01", "2.67"]


def test_there_is_no_negative_zero(tmp_path):
    table = make_table(2)
    table.signals["head_pose"][0] = -0.04, -0.05, -0.0, -0.0004, -0.0005, -0.0
    write_openface(table, tmp_path / "a.csv", groups=["pose"])
    assert (tmp_path / "a.csv").read_text().splitlines()[1].split(",")[5:] == ["0.0", "-0.1", "0.0", "0.000", "-0.001", "0.000"]


def test_missing_is_empty_or_in_strict_mode_zero(tmp_path):
    table = make_table()
    table.presence[2] = 1.0  # a value without a success is not a measurement
    write_openface(table, tmp_path / "a.csv")
    write_openface(table, tmp_path / "strict.csv", strict=True)
    plain = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    strict = list(csv.DictReader((tmp_path / "strict.csv").read_text().splitlines()))
    keys = set(openface(()).names)
    for row in range(9):
        empty = {name for name, cell in plain[row].items() if not cell}
        assert empty == (set(plain[row]) - keys if row in FAILED else {columns.INTENSITY[BLANK_AU]})
        zeros = {name for name, cell in strict[row].items() if float(cell or "nan") == 0}
        assert empty <= zeros
    assert plain[2]["success"] == "0"
    assert strict[2]["AU01_r"] == "0.00"


def test_no_other_column_looks_like_an_action_unit():
    for names in (openface().names, MINIMAL.names, FACE_MIRROR.names, AUS.names, RAW.names):
        units = [name for name in names if "AU" in name]
        assert all(name.startswith("AU") and name[4] == "_" for name in units)
        assert len(units) in {17, 35}
        assert len(set(names)) == len(names)


def test_groups_are_checked(tmp_path):
    with pytest.raises(UsageError, match="no column group 'hands'"):
        write_openface(make_table(), tmp_path / "a.csv", groups=["hands"])
    with pytest.raises(UsageError, match="landmarks3d"):
        write_openface(make_table(), tmp_path / "a.csv", groups=["landmarks3d"])
    assert list(tmp_path.iterdir()) == []


def test_an_empty_table_has_its_header(tmp_path):
    write_openface(make_table(0), tmp_path / "a.csv")
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 1
    assert to_dataframe(make_table(0), groups=()).shape[0] == 0


def test_a_full_disk_leaves_no_half_table(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(table_files, "_lines", full)
    with pytest.raises(OutputError, match=r"'a\.csv' cannot be written: the disk is full"):
        write_openface(make_table(), tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


def test_the_minimal_format(tmp_path):
    table = make_table()
    MINIMAL.write_view(table, tmp_path / "a.csv")
    assert header(tmp_path / "a.csv") == ["frame", "success", *columns.INTENSITY] == list(MINIMAL.names)
    assert len(MINIMAL.names) == 19
    read = pd.read_csv(tmp_path / "a.csv")
    assert read["frame"].tolist() == list(range(9))
    assert read["success"].dtype == bool
    assert np.array_equal(read["success"], table.success)
    assert np.allclose(read[list(columns.INTENSITY)], table.intensity, rtol=0, atol=0.5000001e-4, equal_nan=True)
    assert (tmp_path / "a.csv").read_text().splitlines()[3] == "2,False" + "," * 17


def test_the_face_mirror_format(tmp_path):
    table = make_table()
    FACE_MIRROR.write_view(table, tmp_path / "a.csv")
    assert header(tmp_path / "a.csv") == ["frame", "timestamp", "success", *columns.INTENSITY] == list(FACE_MIRROR.names)
    read = pd.read_csv(tmp_path / "a.csv")
    assert read["frame"].tolist() == list(range(9))
    assert np.allclose(read["timestamp"], table.time_s, rtol=0, atol=0.5000001e-6)
    assert read["success"].dtype == bool
    assert np.allclose(read[list(columns.INTENSITY)], table.intensity, rtol=0, atol=0.5000001e-4, equal_nan=True)


def test_full_precision_comes_back_bit_by_bit(tmp_path):
    table = make_table()
    write_aus(tmp_path / "a.csv", table.frame + 1, table.success, table.intensity, table.presence)
    assert header(tmp_path / "a.csv") == list(AUS.names)
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))

    def read(names):
        return np.array([[float(row[name] or "nan") for name in names] for row in rows])  # pandas may be a last digit off

    assert read(["frame"]).ravel().tolist() == list(range(1, 10))
    assert np.array_equal(read(["success"]).ravel(), table.success)
    assert np.array_equal(read(columns.INTENSITY), table.intensity, equal_nan=True)
    assert np.array_equal(read(columns.PRESENCE), table.presence, equal_nan=True)
    assert set("".join((tmp_path / "a.csv").read_text().splitlines()[1].split(",")[-18:])) <= {"0", "1"}


def test_the_data_frame_has_the_same_columns_in_full_precision(tmp_path):
    table = make_table()
    made, give = points3d(table)
    frame = to_dataframe(table, groups=GROUPS, points3d=ComputedColumn(len(table.frame), give))
    write_openface(table, tmp_path / "a.csv", groups=GROUPS, points3d=give)
    assert list(frame.columns) == header(tmp_path / "a.csv")
    assert [str(frame[name].dtype) for name in ("frame", "face_id", "success", "AU01_r")] == ["int64", "int64", "int64", "float64"]
    assert frame["frame"].tolist() == list(range(1, 10))
    assert np.array_equal(frame[list(columns.INTENSITY)], table.intensity, equal_nan=True)
    assert np.array_equal(frame[list(columns.points("Y"))], made[:, :, 1], equal_nan=True)


def test_every_column_is_described(tmp_path):
    for table in (*FORMATS, openface()):
        assert all(column.meaning and column.unit and column.range for column in table.columns), table.name
        assert len(set(table.names)) == len(table.names)
    files = [("a.csv", MINIMAL), ("a.raw.csv", RAW), ("b.csv", RAW)]
    write_dictionary(tmp_path / "a.columns.csv", files, bank="OpenFace 2.2 dynamic")
    read = pd.read_csv(tmp_path / "a.columns.csv", keep_default_na=False)
    assert list(read.columns) == ["column", "file", "meaning", "unit", "range"]
    assert set(read["column"]) == {*MINIMAL.names, *RAW.names}
    assert "OpenFace 2.2 dynamic" in read.set_index("column").loc["AU12_r", "meaning"]
    frame = read[read["column"] == "frame"]
    assert frame["file"].tolist() == ["a.csv", "a.raw.csv; b.csv"]
    assert [meaning.rpartition(" ")[2] for meaning in frame["meaning"]] == ["0", "1"]


def test_the_online_log(tmp_path):
    path = tmp_path / "a.online.csv"
    raw = np.linspace(-2, 5, 17)
    raw[BLANK_AU] = np.nan
    with OnlineLog(path) as log:
        log.append(0, 0.0, View.ORIGINAL, True, raw)
        assert len(path.read_text().splitlines()) == 2, "each row must be in the file at once"
        log.append(1, 1 / 30, View.LEFT_MIRRORED, False, raw, 'no "face", lost\nagain')
        log.append(2, 2 / 30, View.ORIGINAL, False)
    read = pd.read_csv(path)
    assert list(read.columns) == list(RAW.names)
    assert read["frame"].tolist() == [1, 2, 3]
    assert read["view"].tolist() == ["original", "left_mirrored", "original"]
    assert np.allclose(read.loc[0, list(columns.RAW)].astype(float), raw, rtol=0, atol=1e-6, equal_nan=True)
    assert read.loc[1:, list(columns.RAW)].isna().all(axis=None)
    assert read.loc[1, "reason"] == 'no "face", lost again'


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_a_killed_run_leaves_its_rows(tmp_path):
    path = tmp_path / "a.online.csv"
    code = """
import sys, time, numpy as np
from pathlib import Path
from face_mirror_au.tables.raw_log import OnlineLog
from face_mirror_au.records import View
log = OnlineLog(Path(sys.argv[1]))
for i in range(50):
    log.append(i, i / 30, View.ORIGINAL, True, np.zeros(17))
print("written", flush=True)
time.sleep(60)
"""
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == "written\n"
        os.kill(child.pid, signal.SIGKILL)
        child.wait(timeout=10)
    assert len(pd.read_csv(path)) == 50


def test_a_log_on_a_full_disk(tmp_path, monkeypatch):
    with pytest.raises(OutputError, match="folder does not exist"):
        OnlineLog(tmp_path / "missing" / "a.csv")
    log = OnlineLog(tmp_path / "a.csv")

    class Full:
        def flush(self):
            raise OSError(errno.ENOSPC, "No space left on device")

    with log:
        monkeypatch.setattr(log, "_handle", Full())
        with pytest.raises(OutputError, match=r"'a\.csv' cannot be written: the disk is full"):
            log.append(0, 0.0, View.ORIGINAL, False)
        monkeypatch.undo()


def test_the_raw_table(tmp_path):
    tables = [make_table(9), make_table(9, View.LEFT_MIRRORED)]
    lost = np.where(np.arange(9) == 5, 1, 0)
    tables[1] = dataclasses.replace(tables[1], reason=lost, reasons=("", "face lost"))
    RAW.write_views(tables, tmp_path / "a.raw.csv")
    read = pd.read_csv(tmp_path / "a.raw.csv")
    assert list(read.columns) == list(RAW.names)
    assert read["frame"].tolist() == [1 + i // 2 for i in range(18)]
    for table in tables:
        rows = read[read["view"] == table.view.value]
        assert np.allclose(rows[list(columns.RAW)], table.raw, rtol=0, atol=1e-6, equal_nan=True)
    assert read["reason"].dropna().tolist() == ["face lost"]
    assert read.loc[11, "reason"] == "face lost"


def test_writing_is_fast_enough(tmp_path):
    # 2,000 rows of all columns take about 0.15 s on a small machine; the limit only catches something of another order.
    table = make_table(2000)
    start = time.perf_counter()
    write_openface(table, tmp_path / "a.csv", groups=GROUPS, points3d=points3d(table)[1])
    assert time.perf_counter() - start < 5
