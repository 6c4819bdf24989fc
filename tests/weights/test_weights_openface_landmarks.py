"""OpenFace's landmark models in the store: files that two sets hold, a set that can only be imported, and large files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from store_site import Site, sha256
from typer.testing import CliRunner

from face_mirror_au.cli.weights import app
from face_mirror_weights import manifest, store
from face_mirror_weights.errors import WeightsError
from face_mirror_weights.fetch import fetch_set
from face_mirror_weights.manifest import Manifest, load_manifest
from face_mirror_weights.openface_landmarks import CECLM_SET, LANDMARKS_SET, landmark_files
from face_mirror_weights.store import Store

PDM, OWN, EXPERTS, OTHER = b"pdm" * 100, b"own" * 50, b"experts" * 1000, b"EXPERTS" * 1000
TEXT = """
format = 1
[licences.one]
name = "research"
summary = "You must ask."
url = "https://example.org/one"
ask = true
[sets.first]
title = "has the PDM"
licence = "one"
[sets.second]
title = "needs it, too"
licence = "one"
[sets.experts]
title = "no address"
licence = "one"
source = "the wiki at https://example.org/wiki"
"""


@pytest.fixture
def world(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    """Stand-ins: `first` and `second` share pdm.txt, `experts` has two large files of one size and no address."""
    text = TEXT
    for key, owner, content in (
        ("pdm.txt", "first", PDM),
        ("own.txt", "second", OWN),
        ("a.dat", "experts", EXPERTS),
        ("b.dat", "experts", OTHER),
    ):
        text += f'[[files]]\nkey = "{key}"\nset = "{owner}"\npath = "{key}"\n'
        text += 'also_in = ["second"]\n' if key == "pdm.txt" else ""
        text += f'[[files.versions]]\nsize = {len(content)}\nsha256 = "{sha256(content)}"\n'
        if owner != "experts":
            site.files[f"/{key}"] = content
            text += f'urls = ["{site.address}/{key}"]\n'
    file = tmp_path / "manifest.toml"
    file.write_text(text)
    monkeypatch.setattr(manifest, "MANIFEST_FILE", file)
    monkeypatch.setattr(store, "LARGE", len(EXPERTS))
    return load_manifest()


def put(folder: Path, **contents: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name.replace("__", ".")).write_bytes(content)
    return folder


def test_a_file_that_two_sets_hold_is_fetched_once_and_makes_neither_incomplete(world: Manifest, site: Site, tmp_path: Path) -> None:
    target = tmp_path / "t"
    fetch_set("first", target, licence_accepted=True)
    there = Store([target])
    assert (there.state("first"), there.state("second"), there.total("second")) == ("complete", "absent", 2)
    assert fetch_set("second", target, licence_accepted=True).present == ("pdm.txt",)
    assert [path for path, _ in site.requests] == ["/pdm.txt", "/own.txt"]
    assert Store([target]).state("second") == "complete"


def test_a_set_without_addresses_says_where_its_files_come_from(world: Manifest, tmp_path: Path) -> None:
    told = r"the wiki at https://example\.org/wiki, then run `face-mirror-au weights import FOLDER`"
    with pytest.raises(WeightsError, match=f"experts cannot be fetched: .*{told}"):
        fetch_set("experts", tmp_path / "t", licence_accepted=True)
    with pytest.raises(WeightsError, match=f"a.dat was not found .*{told}"):
        Store([tmp_path]).require("a.dat")
    asked = CliRunner().invoke(app, ["fetch", "experts"])
    assert (asked.exit_code, asked.stdout) == (1, ""), "no licence is asked for in vain"
    assert "cannot be fetched" in asked.stderr
    folder = put(tmp_path / "mine", any_name=EXPERTS)
    imported = CliRunner().invoke(app, ["import", str(folder), "--accept-license"])
    assert imported.exit_code == 3
    assert "experts is incomplete" in imported.stderr
    assert "https://example.org/wiki" in imported.stderr
    verified = CliRunner().invoke(app, ["verify"])
    assert (verified.exit_code, "missing: b.dat" in verified.stdout) == (1, True)
    assert "https://example.org/wiki" in verified.stderr
    put(folder, b__dat=OTHER)
    assert CliRunner().invoke(app, ["import", str(folder), "--accept-license"]).exit_code == 0
    assert CliRunner().invoke(app, ["verify"]).exit_code == 0


def test_large_files_are_read_when_one_is_asked_for(world: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put(tmp_path / "mine", pdm__txt=PDM, a__dat=EXPERTS, b__dat=OTHER[:-1])
    read: list[str] = []

    def hashed(path: Path) -> str:
        read.append(path.name)
        return sha256(path.read_bytes())

    monkeypatch.setattr(store, "sha256_of", hashed)
    there = Store([folder])
    assert there.find("pdm.txt") == folder / "pdm.txt"
    assert read == ["pdm.txt"]
    assert there.find("a.dat") == folder / "a.dat"
    assert there.state("experts") == "damaged"
    assert [each.path.name for each in there.damaged("experts")] == ["b.dat"]
    assert sorted(read) == ["a.dat", "pdm.txt"]


def test_openfaces_landmark_models_as_they_lie(shared_file: Callable[[str], Path]) -> None:
    folder = shared_file("weights/openface-2.2.0/model")
    there = Store([folder])
    assert (there.state(LANDMARKS_SET), there.state("openface-au"), there.state(CECLM_SET)) == ("complete", "absent", "absent")
    files = {str(path.relative_to(folder)).replace(os.sep, "/") for path in folder.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    assert len(files) == 32
    resolve = landmark_files(there)
    assert {relative: resolve(relative) for relative in files} == {relative: folder / relative for relative in files}
    with pytest.raises(WeightsError, match=r"cen_patches_0\.25_of\.dat was not found.*Model-download"):
        resolve("patch_experts/cen_patches_0.25_of.dat")
    with pytest.raises(WeightsError, match="is not in the manifest"):
        resolve("../secret")


def test_a_checkout_of_openface_serves_its_landmarks(shared_file: Callable[[str], Path], tmp_path: Path) -> None:
    place = tmp_path / "lib" / "local" / "LandmarkDetector" / "model"
    place.parent.mkdir(parents=True)
    place.symlink_to(shared_file("weights/openface-2.2.0/model"), target_is_directory=True)
    assert Store([tmp_path]).has_set(LANDMARKS_SET)


def test_ceclms_experts_are_known_by_size_and_content_alone() -> None:
    files = load_manifest().files_of(CECLM_SET)
    assert sorted(version.size for file in files for version in file.versions) == [60602360, 60602360, 154289792, 154289792]
    assert all(version.size >= store.LARGE and not version.urls for file in files for version in file.versions)
    others = (version.size for file, version in load_manifest().versions() if file.set_name != CECLM_SET)
    assert max(others) < store.LARGE
