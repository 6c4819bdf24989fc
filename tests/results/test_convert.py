"""Tables in another form and back: the same bytes, the same values; never a loss that was not asked for."""

from __future__ import annotations

import dataclasses
import json
import stat
import sys
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from face_mirror_au.cli.app import app
from face_mirror_au.errors import OutputError, ParquetMissingError, TableError
from face_mirror_au.records import INTENSITY_AUS, ComputedColumn, View, ViewTable
from face_mirror_au.results.convert import convert_table, metadata_beside
from face_mirror_au.results.tidy import TIDY_COLUMNS, write_tidy
from face_mirror_au.tables import columns
from face_mirror_au.tables.asymmetry_csv import ASYMMETRY
from face_mirror_au.tables.columns import GROUPS
from face_mirror_au.tables.dictionary import write_dictionary
from face_mirror_au.tables.formats import (
    FACE_MIRROR,
    LIVE,
    MINIMAL,
    RAW,
    SIDES,
    open_table,
    openface,
    with_points_3d,
    write_aus,
    write_image_names,
)
from face_mirror_au.tables.table_files import METADATA_KEY

ROWS = 4100  # more than are read at a time
FAILED = (0, 7, 4099)
EMPTY_AU = 3


def make_table(rows=ROWS, view=View.ORIGINAL):
    random = np.random.default_rng(5)
    success = np.ones(rows, dtype=bool)
    success[[row for row in FAILED if row < rows]] = False

    def values(*shape, scale=100.0):
        made = random.normal(scale=scale, size=(rows, *shape))
        made[~success] = np.nan
        return made

    intensity = np.clip(values(17, scale=2), 0, 5)
    intensity[:, EMPTY_AU] = np.nan
    return ViewTable(
        view=view, frame=np.arange(rows), time_s=np.arange(rows) / 29.97, success=success, confidence=np.where(success, 0.98, 0.0),
        intensity=intensity, presence=np.round(np.clip(values(18, scale=1), 0, 1)), raw=values(17, scale=2),
        signals={"landmarks": values(68, 2).astype(np.float32), "pose": values(6), "shape": values(34, scale=10), "head_pose": values(6)},
        sides=np.clip(values(2, 17, scale=2), 0, 5), raw_sides=values(2, 17, scale=2),
    )  # fmt: skip


def write_openface(table, path, *, groups=("pose", "landmarks", "shape", "aus"), points3d=None, strict=False):
    whole = table if points3d is None else with_points_3d(table, ComputedColumn(len(table.frame), points3d))
    openface(groups, whole).write_view(whole, path, strict=strict)


def write_each(folder, table):
    """Every kind of table that this program writes: name to path."""
    points = np.random.default_rng(8).normal(scale=300, size=(len(table.frame), 68, 3))
    points[~table.success] = np.nan

    def give(rows):
        return points[rows]

    paths = {name: folder / f"{name}.csv" for name in ("openface", "strict", "few", "minimal", "face-mirror", "raw", "sides", "aus")}
    write_openface(table, paths["openface"], groups=GROUPS, points3d=give)
    write_openface(table, paths["strict"], groups=GROUPS, points3d=give, strict=True)
    write_openface(table, paths["few"], groups=("pose", "aus"))
    MINIMAL.write_view(table, paths["minimal"])
    FACE_MIRROR.write_view(table, paths["face-mirror"])
    codes = np.zeros(len(table.frame), np.int64)
    codes[[0, 7]] = 1, 2
    reasons = ("", 'no face, "said" the plugin', "nan")
    RAW.write_views([dataclasses.replace(table, reason=codes, reasons=reasons)], paths["raw"])
    SIDES.write_view(table, paths["sides"])
    write_aus(paths["aus"], table.frame + 1, table.success, table.intensity, table.presence)
    return paths


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_each(tmp_path_factory.mktemp("tables"), make_table())


KINDS = ("openface", "strict", "few", "minimal", "face-mirror", "raw", "sides", "aus")


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("kind", KINDS)
def test_from_csv_to_parquet_and_back_come_the_same_bytes(written, tmp_path, kind):
    parquet = convert_table(written[kind], tmp_path / "a.parquet")
    back = convert_table(parquet, tmp_path / "b.csv")
    assert back.read_bytes() == written[kind].read_bytes()
    again = convert_table(parquet, tmp_path / "c.parquet")
    assert pq.read_table(again).equals(pq.read_table(parquet), check_metadata=True)


def test_the_small_tables_come_back_too(tmp_path):
    made = {name: tmp_path / f"{name}.csv" for name in ("dictionary", "images", "asymmetry", "live")}
    write_dictionary(made["dictionary"], [("p,1.csv", openface()), ("p.raw.csv", RAW)], "bank, 'ours'")
    write_image_names(made["images"], ["nan", '1 "2",.png', ""])
    cells = ("mirrored", 0, None, None, "", True, "mouth", "AU12", "peak", 1 / 3, float("nan"), -0.0, None, "intensity", "left", 0.4, "")
    ASYMMETRY.write_cells(made["asymmetry"], [cells, (*cells[:2], 0.5, *cells[3:])])
    moment = (3, 0.1, "original", True)
    LIVE.write_cells(made["live"], [(*moment, *range(17), *[0.5] * 17, ""), (*moment[:3], False, *[None] * 34, "nan")])
    for path in made.values():
        back = convert_table(convert_table(path, tmp_path / "a.parquet"), tmp_path / "b.csv")
        assert back.read_bytes() == path.read_bytes(), path.name
    assert made["asymmetry"].read_text().splitlines()[1] == f"mirrored,0,,,,1,mouth,AU12,peak,{1 / 3},,0.0,,intensity,left,0.4,"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.floats(0, 5), st.just(float("nan"))), min_size=17, max_size=17), st.booleans())
def test_any_intensity_comes_back_exactly(tmp_path, values, success):
    intensity = np.array([values])
    write_aus(tmp_path / "a.csv", np.array([1]), np.array([success]), intensity, np.ones((1, 18)))
    back = convert_table(convert_table(tmp_path / "a.csv", tmp_path / "a.parquet"), tmp_path / "b.csv")
    assert back.read_bytes() == (tmp_path / "a.csv").read_bytes()
    np.testing.assert_array_equal(pq.read_table(tmp_path / "a.parquet").to_pandas()[list(columns.INTENSITY)].to_numpy(), intensity)


@pytest.mark.parametrize("kind", KINDS)
def test_parquet_holds_the_values_of_the_csv_in_the_right_types(written, tmp_path, kind):
    table = pq.read_table(convert_table(written[kind], tmp_path / "a.parquet"))
    numbers = [name for name in table.column_names if name not in ("view", "reason")]
    csv = pd.read_csv(written[kind], keep_default_na=False, na_values={name: [""] for name in numbers})
    assert table.column_names == list(csv.columns)
    assert table.schema.field("frame").type == pa.int64()
    assert table.schema.field("success").type == pa.bool_()
    numbers = [name for name in table.column_names if name.startswith("AU")]
    assert {str(table.schema.field(name).type) for name in numbers} == {"double"}
    frame = table.to_pandas()
    for name in csv.columns:
        if name == "success":
            assert (frame[name].astype(int) == csv[name].astype(int)).all()
        elif name in ("view", "reason"):
            assert (frame[name] == csv[name]).all()
        else:
            # pandas' own parser may be off by the last bit, ours is not (the test above).
            np.testing.assert_allclose(frame[name].to_numpy(), csv[name].to_numpy(), rtol=1e-15, err_msg=name)


def test_an_empty_cell_is_null_and_not_a_number(written, tmp_path):
    table = pq.read_table(convert_table(written["openface"], tmp_path / "a.parquet"))
    assert table.column("AU12_r").null_count == len(FAILED)
    assert table.column(f"{INTENSITY_AUS[EMPTY_AU]}_r").null_count == ROWS
    assert table.column("frame").null_count == 0


def test_parquet_says_what_each_column_means_and_keeps_the_metadata_of_the_run(tmp_path):
    write_openface(make_table(4), tmp_path / "p_left_mirrored.csv", groups=("aus",))
    MINIMAL.write_view(make_table(4), tmp_path / "other.csv")
    text = json.dumps({"files": [".csv", "_left_mirrored.csv"], "models": {"au_bank": "OpenFace 2.2, ü"}})
    (tmp_path / "p.metadata.json").write_text(text, encoding="utf-8")
    schema = pq.read_schema(convert_table(tmp_path / "p_left_mirrored.csv", tmp_path / "a.parquet"))
    assert schema.metadata[METADATA_KEY].decode() == text
    assert schema.field("AU12_r").metadata[b"meaning"].decode() == "intensity of action unit 12 (lip corner puller), final value"
    assert schema.field("AU12_r").metadata[b"range"] == b"0 to 5"
    assert schema.field("frame").metadata[b"range"] == b"1 upwards"
    assert metadata_beside(tmp_path / "other.csv") == "", "the metadata of another table are not its own"
    schema = pq.read_schema(convert_table(tmp_path / "other.csv", tmp_path / "b.parquet"))
    assert schema.field("frame").metadata[b"range"] == b"0 upwards"
    again = convert_table(tmp_path / "a.parquet", tmp_path / "elsewhere" / "c.parquet", "minimal", drop=True)
    assert pq.read_schema(again).metadata[METADATA_KEY].decode() == text


def test_a_format_with_fewer_columns_takes_a_word_for_it(written, tmp_path):
    with pytest.raises(TableError, match=r"as minimal this table would lose face_id, timestamp, confidence and \d+ more; say --drop"):
        convert_table(written["openface"], tmp_path / "a.csv", "minimal")
    assert not (tmp_path / "a.csv").exists()
    with pytest.raises(TableError, match="would lose timestamp; say --drop"):
        convert_table(written["face-mirror"], tmp_path / "a.csv", "minimal")


def test_face_mirrors_table_becomes_the_minimal_one_as_it_would_have_been_written(written, tmp_path):
    made = convert_table(written["face-mirror"], tmp_path / "a.csv", "minimal", drop=True)
    assert made.read_bytes() == written["minimal"].read_bytes()


@pytest.mark.parametrize("kind", ["openface", "strict"])
def test_openfaces_table_becomes_face_mirrors_with_frames_from_0_and_nothing_where_nothing_was_measured(written, tmp_path, kind):
    made = pd.read_csv(convert_table(written[kind], tmp_path / "a.csv", "face-mirror", drop=True))
    expected = pd.read_csv(written["face-mirror"])
    assert list(made.columns) == list(expected.columns)
    assert (made["frame"] == np.arange(ROWS)).all()
    assert made["success"].dtype == bool
    assert made["AU12_r"].isna().sum() == len(FAILED)
    for name, tolerance in (("timestamp", 0.0005), ("AU12_r", 0.005)):
        np.testing.assert_allclose(made[name], expected[name], atol=tolerance + 1e-9, rtol=0)


@pytest.mark.parametrize(
    ("kind", "to", "words"),
    [
        ("minimal", "face-mirror", "it has no timestamp; run the video with --format face-mirror"),
        ("face-mirror", "openface", "it has no face_id, confidence"),
        ("raw", "minimal", "it has no AU01_r, AU02_r, AU04_r and 14 more"),
        ("openface", "excel", "there is no format 'excel' to convert to; choose one of openface, minimal, face-mirror"),
    ],
)
def test_what_cannot_be_made_is_one_clear_line(written, tmp_path, kind, to, words):
    done = call("convert", written[kind], "-o", tmp_path / "a.csv", "--to", to)
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text[:-1], "damaged or cut short"),
        (lambda text: text.replace("True", "maybe", 1), "a cell of success is not what that column holds"),
        (lambda text: text.replace("\n5,", "\nfive,", 1), "a cell of frame is not"),
        (lambda text: text.replace("AU45_r", "AU99_r", 1), "no table of face-mirror-au"),
        (lambda text: text.replace("\n5,", "\n5,True,", 1), "a row that has not 19 cells"),
        (lambda _: "", "no table of face-mirror-au"),
    ],
)
def test_a_damaged_table_is_told_and_leaves_nothing(written, tmp_path, damage, words):
    (tmp_path / "a.csv").write_text(damage(written["minimal"].read_text()))
    with pytest.raises(TableError, match=words):
        convert_table(tmp_path / "a.csv", tmp_path / "b.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv"]


def test_other_peoples_parquet_and_cut_files_are_refused(written, tmp_path):
    pq.write_table(pa.table({"frame": [1]}), tmp_path / "foreign.parquet")
    with pytest.raises(TableError, match="no table of face-mirror-au"):
        convert_table(tmp_path / "foreign.parquet", tmp_path / "b.csv")
    whole = convert_table(written["minimal"], tmp_path / "whole.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableError, match=r"'cut\.parquet' is no table of a run, or it is damaged or cut short"):
        convert_table(tmp_path / "cut.parquet", tmp_path / "b.csv")
    with pytest.raises(TableError, match=r"'nowhere\.csv' is not there"):
        convert_table(tmp_path / "nowhere.csv", tmp_path / "b.csv")


def test_the_input_is_never_replaced_and_the_output_is_csv_or_parquet(written, tmp_path):
    with pytest.raises(OutputError, match="is the input"):
        convert_table(written["minimal"], written["minimal"])
    with pytest.raises(TableError, match="must end in"):
        convert_table(written["minimal"], tmp_path / "a.ods")
    made = convert_table(written["minimal"], tmp_path / "new" / "a.parquet")
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700


def test_without_pyarrow_the_error_says_what_to_install(written, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ParquetMissingError, match="pip install pyarrow"):
        convert_table(written["minimal"], tmp_path / "a.parquet")
    assert convert_table(written["face-mirror"], tmp_path / "a.csv", "minimal", drop=True).exists(), "CSV needs no pyarrow"


def test_pandas_reads_every_table_without_a_word_of_advice(written):
    """As somebody would who has never heard of us: no options."""
    for kind in KINDS:
        frame = pd.read_csv(written[kind])
        assert list(frame.columns) == list(open_table(written[kind]).format.names)
        assert not [name for name in frame.columns if name != name.strip()]
        assert frame["frame"].dtype == np.int64
        assert frame["success"].dtype == (bool if kind in ("minimal", "face-mirror") else np.int64)
        numbers = [name for name in frame.columns if name not in ("frame", "face_id", "success", "view", "reason")]
        assert set(frame[numbers].dtypes) == {np.dtype("float64")}
        assert frame[{"raw": "AU12_raw", "sides": "AU12_left"}.get(kind, "AU12_r")].isna().sum() == (0 if kind == "strict" else len(FAILED))


# py-feat 2.1 (feat/utils/io.py, read_openface; feat/utils/__init__.py, the lists of columns; feat/data.py, Fex): pandas reads the file
# with "," alone, blanks around names are taken off, all columns are kept where OpenFace's full list (which has gaze) is not there, and
# then these are looked up by name. py-feat itself takes torch, which is too much for these tests. Its own read_openface and Fex were
# tried by hand on such a table of 50 rows: 35 action units, 136 landmark coordinates, 6 columns of pose, 2 of time.
_PY_FEAT = {
    "au_columns": [*columns.INTENSITY, *columns.PRESENCE],
    "landmark_columns": [f"{axis}_{i}" for axis in "xy" for i in range(68)],
    "facepose_columns": [f"pose_{kind}{axis}" for kind in "TR" for axis in "xyz"],
    "time_columns": ["frame", "timestamp"],
}


def test_what_py_feats_read_openface_looks_up_is_in_our_table(written):
    frame = pd.read_csv(written["openface"], sep=",")
    frame.columns = frame.columns.str.strip(" ")
    for names in _PY_FEAT.values():
        assert set(frame[names].dtypes) <= {np.dtype("float64"), np.dtype("int64")}
    assert len(_PY_FEAT["au_columns"]) == 35
    features = ["frame", "timestamp", "confidence", "success", "p_scale", "p_33", "X_0", "Z_67"]
    assert list(frame[features].columns) == features


@pytest.fixture
def run_folder(tmp_path):
    folder = tmp_path / "p"
    folder.mkdir()
    tables = [make_table(6, view) for view in View]
    write_openface(tables[0], folder / "p.csv", groups=("aus",), strict=True)
    for table in tables[1:]:
        write_openface(table, folder / f"p_{table.view.value}.csv", groups=("aus",))
    RAW.write_views(tables, folder / "p.raw.csv")
    RAW.write_views(tables, folder / "p.online.csv")
    SIDES.write_view(tables[0], folder / "p.sides.csv")
    (folder / "p.metadata.json").write_text(json.dumps({"versions": {"face-mirror-au": "0"}, "files": []}))
    return folder


def test_a_whole_run_becomes_one_tidy_table(run_folder, tmp_path):
    done = call("convert", run_folder, "-o", tmp_path / "p.parquet")
    assert done.exit_code == 0, done.output
    table = pq.read_table(tmp_path / "p.parquet")
    assert tuple(table.column_names) == TIDY_COLUMNS
    assert json.loads(table.schema.metadata[METADATA_KEY])["versions"] == {"face-mirror-au": "0"}
    frame = table.to_pandas()
    views = [view.value for view in View]
    counts = Counter(zip(frame["view"].astype(str), frame["kind"].astype(str), strict=True))
    expected = {(view, kind): 6 * 17 for view in views for kind in ("intensity", "raw", "online")} | {
        (view, "presence"): 6 * 18 for view in views
    }
    expected |= {("original", kind): 6 * 17 for kind in ("left", "right", "left_raw", "right_raw")}
    assert counts == expected
    for view, name in (("left_mirrored", "p_left_mirrored.csv"), ("original", "p.csv")):
        csv = pd.read_csv(run_folder / name)
        own = frame[(frame["view"] == view) & (frame["kind"] == "intensity") & (frame["au"] == "AU12")].dropna()
        measured = csv[csv["success"] == 1]
        assert list(own["frame"]) == list(measured["frame"]), "a frame without a face has no values, whatever the table says"
        np.testing.assert_array_equal(own["value"].to_numpy(), measured["AU12_r"].to_numpy())
    raw = pd.read_csv(run_folder / "p.raw.csv")
    assert sorted(frame["time_s"].unique()) == sorted(raw["timestamp"].unique())


def test_tidy_frames_count_from_1_whatever_the_format(run_folder, tmp_path):
    MINIMAL.write_view(make_table(6), run_folder / "p.csv")
    frame = pq.read_table(write_tidy(run_folder, "p", tmp_path / "p.parquet")).to_pandas()
    assert sorted(frame["frame"].unique()) == [1, 2, 3, 4, 5, 6]
    assert frame.groupby("frame")["time_s"].nunique().max() == 1


def test_a_main_table_without_action_units_leaves_the_other_kinds(run_folder, tmp_path):
    write_openface(make_table(6), run_folder / "p.csv", groups=("pose",))
    frame = pq.read_table(write_tidy(run_folder, "p", tmp_path / "p.parquet")).to_pandas()
    kinds = frame[frame["view"] == "original"]["kind"].astype(str).value_counts()
    assert dict(kinds) == dict.fromkeys(("raw", "online", "left", "right", "left_raw", "right_raw"), 6 * 17)


def test_raw_values_in_the_place_of_another_table_are_refused(run_folder, tmp_path):
    (run_folder / "p.raw.csv").write_bytes((run_folder / "p.csv").read_bytes())
    with pytest.raises(TableError, match=r"'p\.raw\.csv' is another table than its name says"):
        write_tidy(run_folder, "p", tmp_path / "p.parquet")


def test_a_run_becomes_parquet_only_and_takes_no_format(run_folder, tmp_path):
    assert "must end in .parquet" in call("convert", run_folder, "-o", tmp_path / "p.csv").stderr
    done = call("convert", run_folder, "-o", tmp_path / "p.parquet", "--to", "minimal")
    assert done.exit_code == 2
    assert "--to and --drop are for a single table" in done.stderr
    (run_folder / "p.raw.csv").unlink()
    done = call("convert", run_folder, "-o", tmp_path / "p.parquet")
    assert done.exit_code == 1
    assert "'p.raw.csv' is not there" in done.stderr
    tidy = tmp_path / "p.parquet"
    assert not tidy.exists()


def test_a_tidy_table_is_not_turned_into_csv(run_folder, tmp_path):
    tidy = write_tidy(run_folder, "p", tmp_path / "p.parquet")
    with pytest.raises(TableError, match="tidy form"):
        convert_table(tidy, tmp_path / "p.csv")


def test_columns_are_those_of_the_log(written):
    assert open_table(written["raw"]).format.names == RAW.names
