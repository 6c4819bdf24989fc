"""The asymmetry of a result in one call of Python: the same rows and numbers as in the tables, and nothing drawn."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest
from report_folder import BUMP, make_run, values

import face_mirror_au
from face_mirror_au.asymmetry import change, measures
from face_mirror_au.asymmetry.rows import AsymmetryRow
from face_mirror_au.errors import ResultError, UsageError
from face_mirror_au.report.compare import write_compare_csv, write_comparison
from face_mirror_au.report.write import write_report
from face_mirror_au.tables.asymmetry_csv import write_asymmetry_csv

TEXTS = {"sides", "action", "zone", "signal", "measure", "unit", "of", "note", "weaker", "why"}


def read(path):
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    return table.apply(lambda column: column if column.name in TEXTS else column.map(lambda cell: float(cell or "nan")))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two visits; in the second, both sides of the unmirrored face were measured, too."""
    first, second = tmp_path_factory.mktemp("visits") / "first", tmp_path_factory.mktemp("visits") / "second"
    make_run(first, failed=(3,), empty=("AU09",))
    make_run(second, left=values(AU12=BUMP / 2, AU45=BUMP), sides=(values(AU12=BUMP), values(AU12=BUMP)))
    return first, second


def test_the_rows_are_those_of_the_table_beside_the_page(folders):
    first, _ = folders
    found = face_mirror_au.asymmetry_of(first)
    write_report(first, "p")
    written = read(first / "p.asymmetry.csv")
    table = found.table
    assert (table["movement"].dtype, table["proposed"].dtype, table["left"].dtype) == (int, bool, float)
    pd.testing.assert_frame_equal(table.astype({"movement": float, "proposed": float}), written, check_exact=True, check_dtype=False)
    peak = table.query("sides == 'mirrored' and signal == 'AU12' and measure == 'peak' and movement == 0")
    assert (peak["left"].item(), peak["right"].item()) == (3.75, 1.25)
    assert found.asymmetry.sides[0].units["AU12"].difference == 0.5
    assert found.asymmetry.movements[0].movement.proposed
    assert not found.movements_file


def test_the_rows_of_two_visits_are_those_of_their_table(folders, tmp_path):
    compared = face_mirror_au.compare_visits(*folders)
    made = write_comparison(folders, tmp_path)
    pd.testing.assert_frame_equal(compared.table, read(made.table), check_exact=True, check_dtype=False)
    smile = compared.table.query("of == 'AU12' and measure == 'left'")
    assert smile["change"].item() == 1.88 - 3.75
    assert [*compared.reasons, *compared.doubts] == made.warnings


def test_nothing_is_drawn_and_no_page_is_rendered(folders):
    code = (
        "import sys; from face_mirror_au import asymmetry_of, compare_visits; asymmetry_of(sys.argv[1]).table; "
        "compare_visits(*sys.argv[1:]).table; "
        "sys.exit(str({'matplotlib', 'jinja2', 'face_mirror_au.report.write'} & set(sys.modules) or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code, *map(str, folders)], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_a_table_of_movements_can_be_given(folders, tmp_path):
    table = tmp_path / "named.csv"
    table.write_text("start_s,end_s,action\n0.2,0.8,BS\n")
    found = face_mirror_au.asymmetry_of(str(folders[0]), table)
    assert found.movements_file == "named.csv"
    assert set(found.table["action"]) == {"", "BS"}


def test_runs_that_differ_in_their_models_are_refused_or_their_reasons_told(folders, tmp_path):
    other = make_run(tmp_path / "other", models={"profile": "open", "au_bank": "another"})
    with pytest.raises(ResultError, match="different model sets: hybrid at visit 1, open at visit 2"):
        face_mirror_au.compare_visits(folders[0], other)
    assert any("model sets" in reason for reason in face_mirror_au.compare_visits(folders[0], other, anyway=True).reasons)
    with pytest.raises(UsageError, match="the same run"):
        face_mirror_au.compare_visits(folders[0], folders[0])


def test_a_new_measure_is_one_function_and_one_entry(folders, tmp_path, monkeypatch):
    def frames_of_both(found):
        for sides in found.sides:
            count = float(sides.both.sum())
            yield AsymmetryRow(sides.key, 0, None, None, "", False, "none", "face", "frames", count, count, None, None, "frames")

    monkeypatch.setattr(measures, "MEASURES", (*measures.MEASURES, frames_of_both))
    found = face_mirror_au.asymmetry_of(folders[0])
    assert found.table.query("measure == 'frames'")["left"].tolist() == [11.0]
    write_asymmetry_csv(tmp_path / "a.csv", found.asymmetry.rows())
    assert "mirrored,0,,,,0,none,face,frames,11.0,11.0,,,frames,,,\n" in (tmp_path / "a.csv").read_text()

    monkeypatch.setattr(change, "CHANGE_MEASURES", {**change.CHANGE_MEASURES, "frames": lambda sides: sides.frames})
    compared = face_mirror_au.compare_visits(*folders)
    assert compared.table.query("of == 'AU12' and measure == 'frames'")["change"].item() == 1
    write_compare_csv(tmp_path / "c.csv", 2, compared.change.rows())
    assert "mirrored,AU12,frames,11,12,1,\n" in (tmp_path / "c.csv").read_text()
