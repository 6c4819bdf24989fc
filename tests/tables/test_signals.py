"""A signal that one file declares is in every table, in the dictionary, in the tidy table, and in what `recover` works from."""

from __future__ import annotations

import csv
import json
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from face_mirror_au.cli.app import app
from face_mirror_au.pipeline.own_descriptor import descriptor_of
from face_mirror_au.pipeline.signal import Sight, Signal, TableColumn
from face_mirror_au.pipeline.signals import HEAD_POSE, SIGNALS
from face_mirror_au.records import View
from face_mirror_au.results.descriptors import StoredDescriptors
from face_mirror_au.tables.formats import open_table

CLIP = Path(__file__).parents[1] / "clips/smile_left.mp4"
FRAMES = 8


def lips(sight: Sight) -> list[list[float]]:
    """Width and height of the mouth, px, once and doubled."""
    corner, other, top, bottom = (sight.landmarks[i].astype(float) for i in (48, 54, 51, 57))
    size = [float(np.linalg.norm(other - corner)), float(np.linalg.norm(bottom - top))]
    return [size, [2 * each for each in size]]


LIPS = Signal(
    "lips",
    "pose",
    tuple(TableColumn(f"lips_{axis}_{i}", f"mouth {axis}, {i}", "px", "above 0", 2) for axis in ("width", "height") for i in range(2)),
    (2, 2),
    measure=lips,
    views=(View.ORIGINAL, View.LEFT_MIRRORED),
)
UNKNOWN = Signal("unknown", "pose", (TableColumn("unknown", "what these models do not give"),), (1,), measure=lambda sight: None)


@pytest.fixture(scope="module", autouse=True)
def registered(shared_file):
    weights = str(shared_file("weights"))
    SIGNALS.extend([LIPS, UNKNOWN])
    yield weights
    del SIGNALS[-2:]


@pytest.fixture(scope="module")
def call(registered):
    return partial(call_with, registered)


def call_with(weights, *arguments):
    done = CliRunner(env={"FACE_MIRROR_AU_WEIGHTS": weights}).invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code in {0, 3}, done.output
    return done


def run(call, folder, *options):
    call("run", CLIP, "-o", folder, "--profile", "open", "--workers", 0, "--max-frames", FRAMES, "--quiet", "--no-report", *options)
    return folder / "smile_left"


@pytest.fixture(scope="module")
def result(call, tmp_path_factory):
    return run(call, tmp_path_factory.mktemp("signals"), "--keep-descriptors", "--views", "original,left,right")


def rows(path):
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


NAMES = [column.name for column in LIPS.columns]


def test_its_columns_stand_in_the_csv_of_its_views(result):
    table = rows(result / "smile_left.csv")
    assert len(table) == FRAMES
    header = list(table[0])
    place = header.index("lips_width_0")
    assert header[place : place + 4] == NAMES == ["lips_width_0", "lips_width_1", "lips_height_0", "lips_height_1"]
    assert header[place - 1] == "confidence_chin_right"
    assert header[place + 4] == "AU01_r"
    for row in table:
        width = float(row["x_54"]) - float(row["x_48"])
        assert float(row["lips_width_0"]) == pytest.approx(width, abs=2.0)
        assert float(row["lips_width_1"]) == pytest.approx(2 * float(row["lips_width_0"]), abs=0.011)
        assert len(row["lips_width_0"].partition(".")[2]) == 2
    assert "lips_width_0" in rows(result / "smile_left_left_mirrored.csv")[0]
    assert "lips_width_0" not in rows(result / "smile_left_right_mirrored.csv")[0]
    assert "unknown" not in header, "what no frame had gives no column"


def test_the_dictionary_describes_it(result):
    found = [row for row in rows(result / "smile_left.columns.csv") if row["column"] == "lips_height_1"]
    assert found == [
        {
            "column": "lips_height_1",
            "file": "smile_left.csv; smile_left_left_mirrored.csv",
            "meaning": "mouth height, 1",
            "unit": "px",
            "range": "above 0",
        }
    ]


def test_the_metadata_name_it(result):
    named = json.loads((result / "smile_left.metadata.json").read_text())["signals"]
    assert {view for view, names in named.items() if "lips" in names} == {"original", "left_mirrored"}


def test_it_is_converted_and_in_the_tidy_table(call, result, tmp_path):
    call("convert", result / "smile_left.csv", "-o", tmp_path / "a.parquet")
    call("convert", tmp_path / "a.parquet", "-o", tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == (result / "smile_left.csv").read_bytes()
    call("convert", result, "-o", tmp_path / "tidy.parquet")
    tidy = pq.read_table(tmp_path / "tidy.parquet").to_pandas()
    own = tidy[(tidy["kind"] == "lips_width_0") & (tidy["view"] == "original")]
    assert own["au"].isna().all()
    assert own["value"].tolist() == [float(row["lips_width_0"]) for row in rows(result / "smile_left.csv")]
    assert not (tidy["kind"] == "pose_Tx").any()


def test_recover_has_it_from_the_descriptors(call, result):
    stored = StoredDescriptors.open(result / "smile_left.descriptors")
    assert stored.signals[-2:] == (("lips", (2, 2)), ("unknown", (1,)))
    descriptor = descriptor_of(next(stored.frames()).views[0])
    assert list(descriptor.signals)[-1] == "lips"
    before = (result / "smile_left.csv").read_bytes()
    (result / "smile_left.csv").write_text("")
    call("recover", result)
    assert (result / "smile_left.csv").read_bytes() == before


def test_in_parquet_it_has_its_full_precision(call, result, tmp_path):
    made = run(call, tmp_path, "--format", "parquet", "--columns", "pose")
    field = pq.read_schema(made / "smile_left.parquet").field("lips_width_0")
    assert field.metadata == {b"meaning": b"mouth width, 0", b"unit": b"px", b"range": b"above 0"}
    exact = [value for piece in open_table(made / "smile_left.parquet").pieces() for value in piece["lips_width_0"]]
    assert [f"{value:.2f}" for value in exact] == [row["lips_width_0"] for row in rows(result / "smile_left.csv")]
    assert any(value != round(value, 2) for value in exact)


def test_a_declaration_with_other_columns_than_values_is_refused():
    with pytest.raises(ValueError, match="head_pose has 6 columns"):
        Signal("head_pose", "pose", HEAD_POSE.columns, (5,))
