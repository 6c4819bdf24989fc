"""Landmarks from a file: what is right is read exactly, what is wrong is named by line and column."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from face_mirror_au.errors import LandmarksError
from face_mirror_au.tables.landmarks_csv import LANDMARK_COLUMNS, PARAMETER_COLUMNS, read_landmarks, read_pdm_params


def table(rows=3):
    values = np.random.default_rng(1).uniform(10, 500, (rows, 136))
    content = {"frame": range(1, rows + 1), "success": [1] * rows}
    return pd.DataFrame(content | {name: values[:, i] for i, name in enumerate(LANDMARK_COLUMNS[2:])})


def write(path, frame):
    frame.to_csv(path, index=False)
    return path


def error_of(path):
    with pytest.raises(LandmarksError) as caught:
        read_landmarks(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path.parent) not in message
    return message


def test_values_are_exact_in_any_order_of_columns(tmp_path):
    frame = table()
    shuffled = frame.assign(confidence=0.9, note="a, b")[[*reversed(frame.columns), "note", "confidence"]]
    read = read_landmarks(write(tmp_path / "landmarks.csv", shuffled))
    assert read.frame.tolist() == [1, 2, 3]
    assert read.frame.dtype == np.int64
    assert read.success.all()
    assert read.success.dtype == np.bool_
    assert read.points.dtype == np.float64
    expected = np.stack([frame[[f"{axis}{i}" for i in range(68)]].to_numpy() for axis in "xy"], axis=2)
    assert np.array_equal(read.points, expected)


def test_openfaces_names_and_blanks_after_commas(tmp_path):
    frame = table()
    renamed = frame.rename(columns=lambda name: f"{name[0]}_{name[1:]}" if name[1:].isdigit() else name).assign(X_0=0.0)
    path = tmp_path / "openface.csv"
    path.write_text(renamed.to_csv(index=False).replace(",", ", "))
    assert np.array_equal(read_landmarks(path).points, read_landmarks(write(tmp_path / "ours.csv", frame)).points)
    message = error_of(write(tmp_path / "short.csv", renamed.drop(columns="x_5")))
    assert "has no column 'x_5'; needed are frame, success, x_0..x_67, y_0..y_67" in message


def test_gzip_byte_order_mark_and_blank_lines(tmp_path):
    text = table().to_csv(index=False)
    path = tmp_path / "landmarks.dat"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() + b"\r\n\r\n"))
    assert len(read_landmarks(path).frame) == 3


def test_failed_rows_may_be_empty(tmp_path):
    frame = table().astype({"success": int})
    frame.loc[1, "success"] = 0
    frame.loc[1, "x0":"y67"] = np.nan
    read = read_landmarks(write(tmp_path / "landmarks.csv", frame))
    assert read.success.tolist() == [True, False, True]
    assert np.isnan(read.points[1]).all()


def test_truth_files_are_read(shared_file):
    read = read_landmarks(shared_file("truth/edge_A/landmarks.csv.gz"))
    assert len(read.frame) == 288
    assert (~read.success).sum() == 15


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns=["x5"]), "has no column 'x5'; needed"),
        (lambda f: f.drop(columns=["success", "y67"]), "has no column 'success' and 1 more"),
        (lambda f: f.rename(columns={"x0": "x1"}), "has no column 'x0'"),
        (lambda f: f.assign(extra=f["x3"]).rename(columns={"extra": "x3"}), "the column 'x3' twice"),
        (lambda f: f.assign(y7=[1.0, np.nan, 2.0]), "line 3: y7 is empty though success is 1"),
        (lambda f: f.assign(y7=["1", "nan", "2"]), "line 3: y7 is 'nan' though success is 1"),
        (lambda f: f.assign(y7=["1", "2", "inf"]), "line 4: y7 is 'inf' though success is 1"),
        (lambda f: f.assign(x9=["1", "left", "2"]), "line 3: x9 is 'left', not a number"),
        (lambda f: f.assign(frame=[1, 1, 2]), "line 3: frame 1 after frame 1"),
        (lambda f: f.assign(frame=[1, 3, 2]), "line 4: frame 2 after frame 3"),
        (lambda f: f.assign(frame=[0, 1, 2]), "line 2: frame is 0; frames are counted from 1"),
        (lambda f: f.assign(frame=[1, 1.5, 2]), "line 3: frame is '1.5', not a whole number"),
        (lambda f: f.assign(frame=["a", "b", "c"]), "line 2: frame is 'a'"),
        (lambda f: f.assign(frame=["inf", 2, 3]), "line 2: frame is 'inf'"),
        (lambda f: f.assign(success=[1, 2, 1]), "line 3: success is '2'"),
        (lambda f: f.iloc[:0], "no rows"),
    ],
)
def test_a_wrong_table_is_named(tmp_path, change, message):
    assert message in error_of(write(tmp_path / "landmarks.csv", change(table())))


def test_a_wrong_number_of_cells_is_named(tmp_path):
    lines = table().to_csv(index=False).splitlines()
    path = tmp_path / "landmarks.csv"
    path.write_text("\n".join([*lines[:2], lines[2] + ",5", lines[3]]))
    assert "line 3: 139 cells where the header has 138" in error_of(path)


def test_a_wrong_file_is_named(tmp_path):
    path = tmp_path / "landmarks.csv"
    assert "cannot be read" in error_of(path)
    assert "cannot be read" in error_of(tmp_path)
    path.write_bytes(b"")
    assert "is empty" in error_of(path)
    path.write_bytes(b"\x00\xff\xfe binary \x80\n" * 9)
    assert "not a text file" in error_of(path)
    packed = gzip.compress(table(50).to_csv(index=False).encode())
    path.write_bytes(packed[: len(packed) // 2])
    assert "damaged gzip" in error_of(path)


def test_model_parameters(tmp_path):
    values = np.random.default_rng(2).normal(size=(3, 40))
    frame = pd.DataFrame(values, columns=list(PARAMETER_COLUMNS)).assign(frame=[1, 2, 3], success=[1, 0, 1])
    frame.loc[1, "scale"] = np.nan
    pose, local = read_pdm_params(write(tmp_path / "params.csv", frame), 3)
    assert np.array_equal(np.hstack([pose, local])[[0, 2]], values[[0, 2]])
    assert (pose.shape, local.shape) == ((3, 6), (3, 34))
    assert np.isnan(pose[1, 0])
    with pytest.raises(LandmarksError, match="3 rows for 4 rows of landmarks"):
        read_pdm_params(tmp_path / "params.csv", 4)
    with pytest.raises(LandmarksError, match="line 3: scale is empty"):
        read_pdm_params(write(tmp_path / "params.csv", frame.drop(columns="success")), 3)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("y7", "-2e6", "line 3: y7 is '-2e6', beyond 1,000,000; correct it, or set success to 0"),
        ("frame", "1e300", "line 3: frame is '1e300'; no video has so many frames"),
        ("x3", "\x1b[31m" + "9" * 100 + "x", "line 3: x3 is '\\x1b[31m" + "9" * 35 + "', not a number"),
    ],
)
def test_wild_cells_are_told_in_one_short_line(tmp_path, column, value, told):
    frame = table().astype(object)
    frame.loc[1, column] = value
    assert told in error_of(write(tmp_path / "landmarks.csv", frame))
