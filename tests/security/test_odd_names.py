"""Names of files are data: no shell, no format, no terminal, no path, no formula and no encoding is read into them."""

from __future__ import annotations

import csv
import os
import shutil
import sys
from pathlib import Path

import pytest
from odd_names import ODD_STEMS, TOO_LONG
from typer.testing import CliRunner

from face_mirror_au.cli import options
from face_mirror_au.cli.app import app
from face_mirror_au.cli.terminal import ExitCode
from face_mirror_au.files import name_cell, result_stem

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems take not all of these names")

ENDINGS = {".csv", ".raw.csv", ".online.csv", ".columns.csv", ".metadata.json", ".sides.csv"}


@pytest.fixture(scope="module")
def call(shared_file, tmp_path_factory):
    """The command in this process, in an empty folder: what a name makes it write elsewhere is seen there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        patch.chdir(tmp_path_factory.mktemp("here"))
        patch.setattr(options, "MAX_DEFAULT_WORKERS", 0)

        def call(*arguments):
            done = CliRunner().invoke(app, [str(argument) for argument in arguments])
            assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
            return done

        yield call
        assert os.listdir(".") == []  # noqa: PTH208


def lines(done):
    """What was said; every line printable, whatever the names are."""
    found = [line for text in (done.stdout, done.stderr) for line in text.splitlines()]
    assert [line for line in found if not line.isprintable()] == []
    return found


def stem_of(name):
    """The stem that the results of `name`.mp4 have."""
    return f"{name}.mp4" if name in {".", ".."} else name


@pytest.fixture(scope="module")
def measured(call, tiny_clip, tmp_path_factory):
    """All odd names through one batch: the folder of the results, and what was said."""
    root = tmp_path_factory.mktemp("odd")
    given = root / "in"
    given.mkdir()
    for stem in ODD_STEMS:
        shutil.copyfile(tiny_clip, given / f"{stem}.mp4")
    shutil.copyfile(tiny_clip, given / f"{TOO_LONG}.mp4")
    output = root / "out"
    # A list that is parted by NUL, as find makes it: in a given folder, hidden files are left out.
    listed = root / "list"
    listed.write_bytes(b"\0".join(os.fsencode(path) for path in sorted(given.iterdir())))
    return output, call("batch", "--list", listed, "-o", output, "--profile", "open", "--device", "cpu"), given


def test_a_batch_measures_them_all_and_says_so_on_printable_lines(measured):
    output, done, _ = measured
    lines(done)
    assert done.exit_code == ExitCode.FAILED, "one name is too long"
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert "is too long: it has 251 bytes, and 236 are left beside endings like _right_mirrored.csv" in errors[0]
    with (output / "batch.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["status"] for row in rows].count("done") == len(ODD_STEMS) == len(rows) - 1
    tables = set()
    for stem in map(stem_of, ODD_STEMS):
        folder = output / stem
        assert {path.name for path in folder.iterdir()} == {f"{stem}{ending}" for ending in ENDINGS}, stem
        tables.add((folder / f"{stem}.csv").read_bytes())
    assert len(tables) == 1, "the same clip gives the same table, whatever it is called"
    assert len(tables.pop().splitlines()) == 3
    assert {path.name for path in output.iterdir()} == {*map(stem_of, ODD_STEMS), "batch.csv", "batch.state.json", "batch.lock"}
    assert {path.name for path in output.parent.iterdir()} == {"in", "out", "list"}, "nothing lies beside the output folder"


def test_a_second_batch_knows_them_all_again(measured, call):
    output, _, given = measured
    done = call("batch", "--list", given.parent / "list", "-o", output, "--profile", "open", "--device", "cpu")
    assert f"{len(ODD_STEMS)} skipped, 1 failed" in done.stdout


@pytest.mark.parametrize("stem", ODD_STEMS, ids=ascii)
def test_convert_takes_and_gives_them(measured, call, stem, tmp_path):
    stem = stem_of(stem)
    table = measured[0] / stem / f"{stem}.csv"
    there, back = tmp_path / f"{stem}.parquet", tmp_path / f"{stem}.csv"
    for source, target in ((table, there), (there, back)):
        done = call("convert", source, "-o", target)
        assert done.exit_code == ExitCode.OK, done.stderr
        assert len(lines(done)) == 1
    assert back.read_bytes() == table.read_bytes()


@pytest.mark.parametrize("stem", ["..", ".", "two\nlines", os.fsdecode(b"caf\xe9"), "-o", "\x1b[31m"], ids=ascii)
def test_run_mirror_and_live_take_them(call, tiny_clip, stem, tmp_path):
    given = tmp_path / "in"
    given.mkdir()
    video = given / f"{stem}.mp4"
    shutil.copyfile(tiny_clip, video)
    common = ("-o", tmp_path / "out", "--profile", "open", "--device", "cpu")
    stem = stem_of(stem)
    for command, ending in (("run", ".csv"), ("live", ".live.csv")):
        how = ("--every-frame", "--no-preview", "--input", video) if command == "live" else ("--", video)
        done = call(command, *common, *how)
        assert done.exit_code == ExitCode.OK, done.stderr
        lines(done)
        assert (tmp_path / "out" / stem / f"{stem}{ending}").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {stem}


# A page takes a second to draw: of these names only.
DRAWN = {os.fsdecode(b"caf\xe9"), "two\nlines"}


@pytest.mark.parametrize("stem", ODD_STEMS, ids=ascii)
def test_movements_report_and_compare_take_them(call, stem, tmp_path):
    from report_folder import make_run

    drawn, stem = stem in DRAWN, stem_of(stem)
    visits = [make_run(tmp_path / visit / stem, stem) for visit in ("first", "second")]
    for arguments, made in (
        (("movements", visits[0]), visits[0] / f"{stem}.movements.csv"),
        (("report", visits[0]), visits[0] / f"{stem}.report.html"),
        (("compare", *visits, "-o", tmp_path / "both" / stem), tmp_path / "both" / stem / "compare.html"),
    ):
        if drawn or arguments[0] == "movements":
            done = call(*arguments)
            assert done.exit_code == ExitCode.OK, done.stderr
            lines(done)
            assert made.is_file()


def test_au_from_landmarks_takes_them(call, tiny_clip, measured, tmp_path):
    for stem in ("-o", os.fsdecode(b"caf\xe9"), "$(touch pwned)\n"):
        video, target = tmp_path / f"{stem}.mp4", tmp_path / f"{stem}.au.csv"
        shutil.copyfile(tiny_clip, video)
        landmarks = shutil.copyfile(measured[0] / "-o" / "-o.csv", tmp_path / f"{stem}.csv")
        done = call("au-from-landmarks", "-o", target, "--", video, landmarks)
        assert done.exit_code == ExitCode.OK, done.stderr
        lines(done)
        assert len(target.read_text().splitlines()) == 3


def test_the_api_takes_them(shared_file, tiny_clip, tmp_path):
    from face_mirror_au import AUPipeline

    pipeline = AUPipeline(profile="open", weights_dir=shared_file("weights"))
    for stem in ("..", os.fsdecode(b"\xff"), "<b>\n"):
        video = tmp_path / f"{stem}.mp4"
        shutil.copyfile(tiny_clip, video)
        assert len(pipeline.process_video(video)) == 2


def test_too_long_names_are_one_clear_error_and_nothing_is_made(call, tiny_clip, tmp_path):
    video = tmp_path / f"{TOO_LONG}.mp4"
    shutil.copyfile(tiny_clip, video)
    how = ("--profile", "open", "--device", "cpu", "-o", tmp_path / "out")
    for arguments in (
        ("run", video, *how),
        ("mirror", video, *how),
        ("live", "--input", video, "--every-frame", "--no-preview", *how),
        ("run", tiny_clip, "--subject", "s" * 240, *how),
        ("convert", tiny_clip, "-o", tmp_path / f"{'n' * 255}.csv"),
        ("au-from-landmarks", tiny_clip, tiny_clip, "-o", tmp_path / f"{'n' * 250}.csv"),
        ("report", tmp_path / ("n" * 300)),
    ):
        done = call(*arguments)
        assert done.exit_code == ExitCode.FAILED, arguments[0]
        (error,) = [line for line in lines(done) if line.startswith("error:")]
        assert "is too long" in error
        assert "shorter" in error
        assert not (tmp_path / "out").exists()
    done = call("run", video, "--subject", "short", *how)
    assert done.exit_code == ExitCode.OK, "the remedy that the message names works"


@pytest.mark.parametrize("arguments", [("report",), ("movements",), ("compare", "a"), ("convert",), ("run",), ("weights", "import")])
def test_a_name_that_is_not_there_is_repeated_on_one_printable_line(call, arguments, tmp_path):
    more = ("-o", tmp_path / "b\x1b[31m.csv") if arguments[0] in {"convert", "run"} else ()
    done = call(*arguments, "not\nthere\x1b[31m", *more)
    assert done.exit_code == ExitCode.FAILED
    assert len(lines(done)) <= 2


def test_results_stay_in_the_output_folder(tmp_path, monkeypatch):
    assert result_stem(Path("in/...mp4")) == "...mp4"
    assert result_stem(Path("in/..mp4")) == "..mp4"
    assert result_stem(Path("in/.mp4")) == ".mp4"
    assert result_stem(Path("in/a.b.mp4")) == "a.b"
    below = tmp_path / "photos" / "below"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert result_stem(Path("..")) == "photos", "the folder above is not named .."
    assert result_stem(Path()) == "below"


def test_no_cell_with_a_name_is_a_formula(measured, tmp_path):
    """What a spreadsheet would compute when batch.csv or a dictionary of columns is opened in it."""
    starts = tuple("=+-@\t\r\n")
    seen = 0
    for path in [measured[0] / "batch.csv", *measured[0].glob("*/*.columns.csv")]:
        with path.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                names = [row[column] for column in ("input", "output", "reason", "file", "meaning") if column in row]
                assert [name for name in names if name.startswith(starts)] == [], path.name
                seen += sum(name.startswith("./") for name in names)
    assert seen > 100
    assert name_cell("=1+1.png") == "./=1+1.png"
    assert name_cell("a=1.png") == "a=1.png"
    (tmp_path / "=1+1").touch()
    assert (tmp_path / name_cell("=1+1")).exists(), "it is still the name of the file"
