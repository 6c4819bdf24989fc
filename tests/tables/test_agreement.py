"""Two tables in OpenFace's columns beside each other."""

from __future__ import annotations

import gzip

import pytest
from typer.testing import CliRunner

from face_mirror_au import table_agreement
from face_mirror_au.cli.app import app
from face_mirror_au.errors import TableError

OURS = """frame,face_id,timestamp,confidence,success,x_0,x_1,AU01_r,AU02_r
1,0,0.000,0.98,1,10.0,20.0,0.10,1.00
2,0,0.040,0.98,1,11.0,20.0,0.20,1.00
3,0,0.080,0.02,0,,,,
4,0,0.120,0.95,1,12.0,20.0,0.30,1.00
"""
THEIRS = """frame, face_id, timestamp, confidence, success, x_0, x_1, AU02_r, AU01_r, AU45_r
2, 0, 0.040, 0.98, 1, 11.5, 20.0, 1.00, 0.25, 0
1, 0, 0.000, 0.98, 1, 10.0, 20.0, 1.00, 0.10, 0
3, 0, 0.080, 0.02, 0, 99.0, 99.0, 0.00, 0.00, 0
4, 0, 0.120, 0.90, 1, 12.0, 20.5, 1.00, 0.40, 0
5, 0, 0.160, 0.98, 1, 12.0, 20.0, 1.00, 0.30, 0
"""


@pytest.fixture
def tables(tmp_path):
    ours, theirs = tmp_path / "ours.csv", tmp_path / "theirs.csv.gz"
    ours.write_text(OURS)
    theirs.write_bytes(gzip.compress(THEIRS.encode()))
    return ours, theirs


def test_columns_are_compared_by_name_and_rows_by_frame_where_both_succeed(tables):
    found = table_agreement(*tables)
    assert (found.rows, found.rows_only, found.columns_only) == (4, (0, 1), ((), ("AU45_r",)))
    place = found["x_0"]
    assert (place.rows, place.largest, place.equal) == (3, 0.5, pytest.approx(2 / 3))
    assert place.mean == pytest.approx(0.5 / 3)
    assert place.correlation == pytest.approx(0.9608, abs=1e-3)
    assert found["AU02_r"].correlation != found["AU02_r"].correlation, "a constant has none"
    assert (found["success"].rows, found["success"].equal) == (4, 1.0)
    assert found["confidence"].largest == pytest.approx(0.05)
    with pytest.raises(KeyError):
        found["AU45_r"]


def test_landmarks_make_one_row_together_and_action_units_one_each(tables):
    grouped = {each.column: each for each in table_agreement(*tables).grouped()}
    assert {"x_0 .. x_1", "AU01_r", "AU02_r"} <= set(grouped)
    both = grouped["x_0 .. x_1"]
    assert (both.mean, both.largest) == (pytest.approx(0.5 / 3), 0.5)


def test_the_command_prints_it(tables):
    done = CliRunner().invoke(app, ["agreement", *map(str, tables)])
    assert done.exit_code == 0, done.output
    assert "x_0 .. x_1" in done.output
    assert "4 rows in both; only in the first 0, only in the second 1" in done.output
    assert "only in the second: AU45_r" in done.output
    assert "x_1  " in CliRunner().invoke(app, ["agreement", "--every-column", *map(str, tables)]).output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "has not the columns of OpenFace"),
        ("frame,x_0\n1,2,3\n", "a row that has not 2 cells"),
        ("frame,x_0\n1,two\n", "no table of a run, or it is damaged"),
        ("", "has not the columns of OpenFace"),
        ("frame,x_0\n9,2\n", "no frame in common"),
    ],
)
def test_what_is_no_such_table_is_told(tables, text, message):
    other = tables[0].with_name("other.csv")
    other.write_text(text)
    with pytest.raises(TableError, match=message):
        table_agreement(tables[0], other)
