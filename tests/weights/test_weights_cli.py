"""`face-mirror-au weights`, as a person or a script calls it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from store_site import Site, SmallWorld, files_in
from typer.testing import CliRunner, Result

from face_mirror_au.cli import weights as cli


def call(*arguments: str | Path, answer: str = "") -> Result:
    return CliRunner().invoke(cli.app, [str(each) for each in arguments], input=answer)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_somebody_to_ask", lambda: True)


def test_fetch_without_terminal_or_flag_changes_nothing(small_world: SmallWorld, site: Site, isolated: Path) -> None:
    result = call("fetch", "strict")
    assert result.exit_code == 1
    assert "You must ask." in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: the licence was not accepted (for research only); nothing was changed")
    assert result.stdout == ""
    assert not isolated.exists()
    assert site.requests == []


@pytest.mark.parametrize("answer", ["yes", "no", "", "Y"])
def test_only_yes_in_capitals_accepts(answer: str, small_world: SmallWorld, site: Site, isolated: Path, terminal: None) -> None:
    assert call("fetch", "strict", answer=answer + "\n").exit_code == 1
    assert not isolated.exists()
    assert site.requests == []


def test_typing_yes_fetches(small_world: SmallWorld, isolated: Path, terminal: None) -> None:
    result = call("fetch", "strict", answer="YES\n")
    assert result.exit_code == 0, result.stderr
    assert f"strict: 3 files fetched, 0 there before, in {isolated}" in result.stdout
    assert sorted(files_in(isolated)) == ["models/one.dat", "models/two.dat", "notes.txt"]


def test_fetch_of_several_sets_to_a_folder_with_the_flag(small_world: SmallWorld, isolated: Path, tmp_path: Path, site: Site) -> None:
    del site.files["/notes.txt"]
    result = call("fetch", "strict", "free", "--accept-license", "--to", tmp_path / "t")
    assert result.exit_code == 0, result.stderr
    assert sorted(files_in(tmp_path / "t")) == ["free.onnx", "models/one.dat", "models/two.dat"]
    assert "not got, and not needed: notes.txt" in result.stdout
    assert not isolated.exists()


def test_fetch_through_a_mirror(small_world: SmallWorld, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.files = {f"/in{path}": content for path, content in site.files.items()}
    monkeypatch.setenv("FACE_MIRROR_AU_MIRROR", f"{site.address}/in")
    assert call("fetch", "strict", "--accept-license").exit_code == 0
    assert all(target.startswith("/in/") for target, _ in site.requests)


def test_an_unknown_set_is_a_usage_error() -> None:
    result = call("fetch", "openfaec")
    assert result.exit_code == 2
    assert "openface-au" in result.stderr


def test_a_failed_fetch_is_one_line_on_stderr(small_world: SmallWorld, site: Site, isolated: Path) -> None:
    site.files.clear()
    result = call("fetch", "strict", "--accept-license")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("error: could not fetch models/one.dat")
    assert not isolated.exists(), "a failure leaves no empty folders"


def test_import_list_verify_and_damage(small_world: SmallWorld, isolated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")  # else a long path is broken inside its cell
    (tmp_path / "mine").write_bytes(small_world.contents["models/one.dat"])
    assert call("import", tmp_path).exit_code == 1
    assert not isolated.exists()
    (tmp_path / "two.dat").write_bytes(b"something else")
    result = call("import", tmp_path, "--accept-license")
    assert result.exit_code == 3
    assert "1 file imported, 0 there before" in result.stdout
    assert "strict is incomplete, 1 of 2 files missing (models/two.dat)" in result.stderr
    assert f"{tmp_path / 'two.dat'} (14 bytes) has a model's name" in result.stderr

    listed = json.loads(call("list", "--json").stdout)
    assert listed["sets"]["strict"] == {
        "title": "asks",
        "licence": "for research only",
        "sets": [],
        "state": "incomplete",
        "complete": False,
        "missing": ["models/two.dat"],
    }
    assert listed["files"]["models/one.dat"]["path"] == str(isolated / "models" / "one.dat")
    table = call("list").stdout
    assert "1 of 2" in table
    assert "incomplete" in table
    assert str(isolated) in table.replace("\n", "")
    assert "models/one.dat" in call("list", "--files").stdout

    result = call("verify")
    assert result.exit_code == 1
    assert "missing: models/two.dat" in result.stdout
    assert call("fetch", "strict", "--accept-license").exit_code == 0
    assert call("verify").exit_code == 0
    (isolated / "models" / "one.dat").write_bytes(b"damaged")
    result = call("verify")
    assert result.exit_code == 1
    assert f"damaged: {isolated / 'models' / 'one.dat'} (7 bytes)" in result.stdout
    assert "weights fetch strict" in result.stderr
    assert call("fetch", "strict", "--accept-license").exit_code == 0
    assert call("verify").exit_code == 0


def test_the_option_before_the_command_is_searched_first(small_world: SmallWorld, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(small_world.contents["free.onnx"])
    assert json.loads(call("--weights", tmp_path, "list", "--json").stdout)["sets"]["free"]["complete"]
    result = call("--weights", tmp_path / "absent", "list")
    assert result.exit_code == 1
    assert "error: --weights names" in result.stderr
    assert json.loads(call("list", "--json", "--weights", tmp_path).stdout)["sets"]["free"]["state"] == "complete"
    for command in ("path", "licenses", "verify"):
        assert call(command, "--weights", tmp_path).exit_code == 0
        assert call(command, "--weights", tmp_path / "absent").exit_code == 1


def test_path_prints_our_folder_first(isolated: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(tmp_path))
    lines = call("path").stdout.splitlines()
    assert lines[0] == str(isolated)
    assert lines[1] == f"  searched: {tmp_path}"
    assert lines[-1] == f"  searched: {isolated}  (absent)"


def test_licenses_names_every_set_and_the_full_text(shared_file: Callable[[str], Path]) -> None:
    text = call("--weights", shared_file("weights/openface-2.2.0"), "licenses").stdout
    for words in ("openface-au:", "non-commercial", "none stated upstream", "Apache-2.0", "MIT", "demo-clip:", "OpenFace-license.txt"):
        assert words in text
    assert "Full text on this machine" in text
    assert "  openface: going on with what was measured by OpenFace; not left against right\n" in text
    assert "Full text on this machine" not in call("licenses").stdout


@pytest.mark.parametrize("command", ["list", "path", "fetch", "import", "verify", "licenses"])
def test_every_command_explains_itself(command: str) -> None:
    result = call(command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout) > 200
