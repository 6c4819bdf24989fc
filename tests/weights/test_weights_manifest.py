"""The manifest that ships, and what a broken one is refused for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from face_mirror_weights.errors import WeightsError
from face_mirror_weights.manifest import MANIFEST_FILE, load_manifest


def test_every_file_has_a_way_to_be_got() -> None:
    manifest = load_manifest()
    for file in manifest.files.values():
        assert file.package or file.fetched_version or manifest.sets[file.set_name].source, file.key
        assert not (file.convert and not file.package), file.key


def test_addresses_are_plain_web_addresses() -> None:
    urls = [url for _, version in load_manifest().versions() for url in version.urls]
    assert len(urls) > 60
    for url in urls:
        parts = urlsplit(url)
        assert parts.scheme == "https", url
        assert parts.netloc in ("raw.githubusercontent.com", "media.githubusercontent.com"), url
        # Large files: the raw address would give a pointer of 132 bytes.
        assert ("pyfaceau" in url) == (parts.netloc == "media.githubusercontent.com"), url
        if "OpenFace" in parts.path:
            assert parts.path.startswith("/TadasBaltrusaitis/OpenFace/OpenFace_2.2.0/"), url


def test_the_sets_and_their_licences() -> None:
    manifest = load_manifest()
    assert manifest.members("openface") == ("openface-au", "openface-landmarks")
    assert manifest.members("openface-pfld") == ("openface-au", "retinaface", "pfld")
    asking = {name: any(licence.ask for licence in manifest.licences_of(name)) for name in manifest.sets}
    assert asking.pop("openface-landmarks")
    assert asking.pop("openface-ceclm")
    assert asking.pop("openface-pfld")
    assert asking == {"openface": True, "openface-au": True, "retinaface": False, "pfld": True, "open": False, "demo-clip": False}
    of_openface = ("openface-au", "openface-landmarks", "openface-ceclm")
    assert {licence.id for name in of_openface for licence in manifest.licences_of(name)} == {"openface"}, "one question for all"
    assert {manifest.files[key].set_name for key in ("blazeface", "attention_mesh")} == {"open"}
    assert len(manifest.file("retinaface").versions) == 2


def test_all_models_that_openface_names_are_required(shared_file: Callable[[str], Path]) -> None:
    named = set()
    for name in ("AU_all_best.txt", "AU_all_static.txt"):
        lines = shared_file(f"weights/openface-2.2.0/AU_predictors/{name}").read_text().splitlines()
        named |= {f"AU_predictors/{line.split()[0]}" for line in lines if line.strip()}
    required = {file.key for file in load_manifest().files_of("openface-au") if file.required and file.key.endswith(".dat")}
    assert named == required


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 2", "format 2"),
        ('key = "pfld"', 'key = "retinaface"', "same key"),
        ('path = "pfld.onnx"', 'path = "../pfld.onnx"', "leaves the folder"),
        ('path = "pfld.onnx"', 'path = "/pfld.onnx"', "leaves the folder"),
        ("size = 2987921", "size = 0", "wrong size or SHA-256"),
        ("7d7bbd5c6a1d9272e58d9773898284a1905d872eba9a662df9b5f20f1ba6f83e", "7D7B", "wrong size or SHA-256"),
        (
            "7d7bbd5c6a1d9272e58d9773898284a1905d872eba9a662df9b5f20f1ba6f83e",
            "bbaede18a57e6ada2d3ed9dcf7ee5348c9fd211dcb775e684dba16842b8fc0b6",
            "same content",
        ),
        ('set = "pfld"', 'set = "plfd"', "unknown set"),
        ('also_in = ["openface-landmarks"]', 'also_in = ["openface-landmark"]', "unknown set"),
        ('"retinaface", "pfld"]', '"retinaface", "plfd"]', "stands for plfd"),
        ('licence = "mit"', 'licence = "tim"', "missing or of a wrong type: 'tim'"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    text = MANIFEST_FILE.read_text(encoding="utf-8")
    assert old in text
    broken = tmp_path / "manifest.toml"
    broken.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(WeightsError, match=message):
        load_manifest(broken)
