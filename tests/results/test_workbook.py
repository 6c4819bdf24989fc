"""A run as an Excel workbook: its sheets, their values, and that no text becomes a formula."""

from __future__ import annotations

import math
import re
import sys
import zipfile
from xml.etree import ElementTree as ET

import pytest
from test_convert import make_table
from typer.testing import CliRunner

from face_mirror_au.asymmetry.rows import AsymmetryRow
from face_mirror_au.cli.app import app
from face_mirror_au.errors import ExcelMissingError, TableError
from face_mirror_au.records import View
from face_mirror_au.results import workbook
from face_mirror_au.results.workbook import write_workbook
from face_mirror_au.tables.asymmetry_csv import write_asymmetry_csv
from face_mirror_au.tables.dictionary import write_dictionary
from face_mirror_au.tables.formats import MINIMAL, SIDES, open_table

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
ODD = ("=1+1", "+1", "-1", "@SUM(A1)", "http://example.org", '=HYPERLINK("x")')


@pytest.fixture
def folder(tmp_path):
    """The tables of a run of twelve frames, with words in its asymmetry that a spreadsheet could take for formulas."""
    place = tmp_path / "run"
    place.mkdir()
    (place / "p.metadata.json").write_text('{"versions": {"face-mirror-au": "0"}, "files": []}', encoding="utf-8")
    for view, name in {View.ORIGINAL: "p", View.LEFT_MIRRORED: "p_left_mirrored", View.RIGHT_MIRRORED: "p_right_mirrored"}.items():
        MINIMAL.write_view(make_table(12, view), place / f"{name}.csv")
    SIDES.write_view(make_table(12), place / "p.sides.csv")
    whole = AsymmetryRow("mirrored", 0, None, None, "", False, "mouth", "AU12", "peak", 1.25, None, None, None, "intensity")
    odd = [AsymmetryRow("best", n, 0.5, 1.5, text, True, text, "zone", "peak", 1.0, 2.0, 0.1, 0.5, "s") for n, text in enumerate(ODD, 1)]
    write_asymmetry_csv(place / "p.asymmetry.csv", [whole, *odd, *odd])
    write_dictionary(place / "p.columns.csv", [("p.csv", MINIMAL), ("p.sides.csv", SIDES), ("gone.csv", SIDES)])
    return place


def read(path):
    """Sheet name to its rows: text as str, numbers as float, nothing where there is no cell; checked that there is nothing else."""
    found = {}
    with zipfile.ZipFile(path) as book:
        names = [sheet.get("name") for sheet in ET.fromstring(book.read("xl/workbook.xml")).iter(f"{MAIN}sheet")]  # noqa: S314
        for number, name in enumerate(names, 1):
            sheet = ET.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))  # noqa: S314
            assert not list(sheet.iter(f"{MAIN}f")), "a formula"
            assert not list(sheet.iter(f"{MAIN}hyperlink")), "a link"
            found[name] = [{re.sub(r"\d", "", cell.get("r")): value(cell) for cell in row} for row in sheet.iter(f"{MAIN}row")]
    return found


def value(cell):
    if cell.get("t") == "inlineStr":
        return "".join(cell.itertext())
    assert cell.get("t") is None
    return float(cell.find(f"{MAIN}v").text)


def test_a_workbook_has_a_sheet_for_each_table_with_its_values(folder, tmp_path):
    sheets = read(write_workbook(folder, tmp_path / "x.xlsx"))
    assert list(sheets) == ["AUs original", "AUs left", "AUs right", "sides", "asymmetry", "movements", "dictionary"]
    table = open_table(folder / "p_left_mirrored.csv")
    (piece,) = table.pieces()
    names, *rows = sheets["AUs left"]
    assert tuple(names.values()) == table.format.names
    for row, line in enumerate(rows):
        expected = [float(piece[name][row]) for name in table.format.names]
        assert [line.get(place, None) for place in names] == [None if math.isnan(cell) else cell for cell in expected]
    assert len(rows) == 12
    assert len(rows[0]) == 2, "a frame without a face has a number and a flag, all other cells are empty"


def test_no_cell_is_a_formula_or_a_link(folder, tmp_path):
    sheets = read(write_workbook(folder, tmp_path / "x.xlsx"))
    assert [row["E"] for row in sheets["asymmetry"][2 : 2 + len(ODD)]] == list(ODD)
    assert [row["D"] for row in sheets["movements"][1:]] == list(ODD), "each movement once"


def test_the_dictionary_is_of_the_columns_that_are_there(folder, tmp_path):
    sheets = read(write_workbook(folder, tmp_path / "x.xlsx"))
    there = {name for sheet, rows in sheets.items() if sheet.startswith(("AUs", "sides")) for name in rows[0].values()}
    assert {row["A"] for row in sheets["dictionary"][1:]} == there


def test_the_command_writes_one_into_a_new_folder_and_nothing_else(folder, tmp_path):
    (folder / "p.csv").unlink()
    (folder / "p.asymmetry.csv").unlink()
    done = CliRunner().invoke(app, ["convert", str(folder), "-o", str(tmp_path / "new" / "x.xlsx")])
    assert done.exit_code == 0, done.output
    assert list(read(tmp_path / "new" / "x.xlsx")) == ["AUs left", "AUs right", "sides", "dictionary"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.xlsx"]


def test_what_cannot_become_a_workbook_is_said(folder, tmp_path, monkeypatch):
    one = CliRunner().invoke(app, ["convert", str(folder / "p.csv"), "-o", str(tmp_path / "x.xlsx")])
    assert one.exit_code != 0
    assert "give its folder" in one.stderr
    with pytest.raises(TableError, match=r"must end in \.xlsx"):
        write_workbook(folder, tmp_path / "x.csv")
    monkeypatch.setattr(workbook, "MAX_ROWS", 12)
    with pytest.raises(TableError, match=r"'p\.csv' has more rows than a sheet of Excel holds"):
        write_workbook(folder, tmp_path / "x.xlsx")
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(ExcelMissingError, match="pip install xlsxwriter"):
        write_workbook(folder, tmp_path / "x.xlsx")
    assert not list(tmp_path.glob("*x*"))
