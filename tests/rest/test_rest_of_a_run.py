"""The rest of real runs: told, kept, named, taken from another recording; and what of a face lies outside the picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from face_mirror_au.cli.app import app
from face_mirror_au.pipeline.track import BAD_LANDMARKS, NO_FACE
from face_mirror_au.records import View
from face_mirror_au.run.video_result import VideoResult

Shared = Callable[[str], Path]
Run = Callable[..., Path]


@pytest.fixture(scope="module")
def run(shared_file: Shared, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Measures a case with profile open; the folder of its result."""

    def give(case: str, *options: str, code: int = 0) -> Path:
        video = shared_file(case)
        folder = tmp_path_factory.mktemp("rest")
        weights = str(shared_file("weights"))
        arguments = ["run", str(video), "-o", str(folder), "--profile", "open", "--workers", "0", "--weights", weights, *options]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == code, done.output
        (folder / "said.txt").write_text(done.output)
        return folder

    return give


def _table(folder: Path, ending: str = ".csv") -> pd.DataFrame:
    (path,) = (path for path in folder.glob(f"*/*{ending}") if path.name.count(".") == ending.count("."))
    return pd.read_csv(path)


def _metadata(folder: Path) -> dict[str, object]:
    (path,) = folder.glob("*/*.metadata.json")
    content: dict[str, object] = json.loads(path.read_text())
    return content


@pytest.fixture(scope="module")
def jump(run: Run) -> dict[str, Path]:
    return {name: run(f"cases/baseline_jump/{name}.mp4") for name in ("C_h264", "C_crf23")}


def test_two_encodings_of_one_recording_rest_in_the_same_seconds(jump: dict[str, Path]) -> None:
    rests = [_metadata(folder)["rest"] for folder in jump.values()]
    first, second = ((rest["start_s"], rest["end_s"]) for rest in rests)
    assert first == pytest.approx(second, abs=0.2)
    tables = [_table(folder) for folder in jump.values()]
    for au in ("AU04_r", "AU25_r", "AU45_r"):
        assert tables[0][au].max() == pytest.approx(tables[1][au].max(), abs=0.4), au
        assert tables[0][au].mean() == pytest.approx(tables[1][au].mean(), abs=0.15), au


def test_the_rest_is_told(jump: dict[str, Path]) -> None:
    rest = _metadata(jump["C_h264"])["rest"]
    assert f"rest: {rest['start_s']:.1f} to {rest['end_s']:.1f} s" in (jump["C_h264"] / "said.txt").read_text()
    assert rest["warning"] == ""
    assert set(rest["views"]) == {"original"}


def test_the_rest_of_another_recording_is_taken(run: Run, jump: dict[str, Path], shared_file: Shared) -> None:
    folder = run("cases/baseline_jump/C_crf23.mp4", "--baseline", f"result:{jump['C_h264']}")
    own, other = _table(jump["C_crf23"]), _table(folder)
    assert (own["AU25_r"] - other["AU25_r"]).abs().mean() < 0.2, "they rest alike"
    assert not own["AU25_r"].equals(other["AU25_r"])
    assert _metadata(folder)["baseline"] == "result", "and no name of a folder"
    weights = str(shared_file("weights"))
    arguments = ["run", str(shared_file("cases/baseline_jump/C_crf23.mp4")), "-o", str(folder / "x"), "--profile", "hybrid"]
    done = CliRunner().invoke(app, [*arguments, "--weights", weights, "--baseline", f"result:{jump['C_h264']}"])
    assert done.exit_code == 2
    assert "measured with other models" in done.output


def test_a_named_rest_that_used_to_be_refused_is_measured(run: Run) -> None:
    folder = run("cases/baseline_lost/rest30.mp4", "--baseline", "neutral:0-1")
    table = _table(folder)
    assert table["success"].all()
    assert "rest: 0.0 to 1.0 s" in (folder / "said.txt").read_text()
    assert table["AU12_r"].max() < 1.0


@pytest.mark.parametrize("case", ["palsy_rest_p0.mp4", "cap13_f1.png"])
def test_small_faces_are_not_refused(run: Run, case: str) -> None:
    assert _table(run(f"cases/gate_small_face/{case}"))["success"].all()


def test_what_lies_outside_is_not_measured(run: Run) -> None:
    folder = run("cases/half_outside/halfout.mp4")
    table, sides = _table(folder), _table(folder, ".sides.csv")
    outside = table["confidence_brow_right"] <= 0.15
    assert outside.mean() > 0.9
    assert table.loc[outside, "AU01_r"].isna().all(), "of the whole face one side is missing"
    assert sides.loc[outside, "AU01_right"].isna().all()
    assert sides["AU01_left"].notna().all()
    assert (table["confidence_brow_left"] > 0.8).all()
    assert table["success"].all()


def test_the_open_eye_of_bells_phenomenon_is_open(run: Run) -> None:
    folder = run("composites/bell_R.mp4")
    sides, table = _table(folder, ".sides.csv"), _table(folder)
    assert sides["AU45_right"].max() < 0.7, "it rolls up behind open lids"
    assert sides["AU45_left"].max() > 1.2
    assert table["eye_closure_right"].max() < 0.4
    assert table["eye_closure_left"].max() > 0.6


def test_every_blink_is_seen_and_no_other(run: Run) -> None:
    table = _table(run("media/default.wmv"))
    closure = table[["eye_closure_left", "eye_closure_right"]].mean(axis=1).to_numpy()
    near = np.zeros(len(closure), bool)
    for first, last in ((19, 20), (78, 80), (113, 114), (152, 153), (184, 184), (250, 251), (281, 282)):
        assert closure[first : last + 1].max() >= 0.2, first
        near[first - 4 : last + 6] = True
    assert closure[~near].max() < 0.2


@pytest.mark.parametrize(("reasons", "advised"), [({BAD_LANDMARKS: 3}, True), ({NO_FACE: 3}, False)])
def test_a_recording_whose_faces_were_all_refused_says_what_to_do(reasons: dict[str, int], advised: bool) -> None:
    tables: Any = {View.ORIGINAL: SimpleNamespace(success=np.zeros(3, bool))}
    info: Any = None
    (told,) = VideoResult(info, "dynamic", tables, 3, {View.ORIGINAL: reasons}, (), (), (), ()).empty_tables
    assert told.startswith("no face was found in any frame: the table has no measurement")
    assert ("film from the front" in told) is advised


def test_strict_output_has_openfaces_columns_alone(run: Run) -> None:
    folder = run("cases/half_outside/halfout.mp4", "--openface-strict")
    assert not [name for name in _table(folder) if name.startswith(("eye_", "confidence_"))]
