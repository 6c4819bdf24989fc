"""Finding model files by content, in any layout."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from store_site import SmallWorld, sha256

from face_mirror_weights import folders, scan
from face_mirror_weights.errors import WeightsError
from face_mirror_weights.manifest import load_manifest
from face_mirror_weights.receipt import Receipt
from face_mirror_weights.store import Store
from face_mirror_weights.verify import verify_store


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_files_are_known_by_content_whatever_they_are_called(small_world: SmallWorld, tmp_path: Path) -> None:
    path = put(tmp_path / "a" / "renamed.bin", small_world.contents["models/one.dat"])
    store = Store([tmp_path])
    assert store.find("models/one.dat") == path
    assert store.sha256("models/one.dat") == sha256(small_world.contents["models/one.dat"])
    assert store.find("models/two.dat") is None
    assert store.missing("strict") == ["models/two.dat"]
    assert not store.has_set("strict")
    assert not store.has_set("all")


def test_a_file_of_the_right_name_and_size_with_other_content_is_not_taken(small_world: SmallWorld, tmp_path: Path) -> None:
    put(tmp_path / "two.dat", small_world.contents["models/two.dat"][:-1] + b"!")
    store = Store([tmp_path])
    assert store.find("models/two.dat") is None
    assert [each.path.name for each in store.damaged("strict")] == ["two.dat"]
    with pytest.raises(WeightsError, match=r"two\.dat \(15000 bytes\) is damaged.*weights fetch strict`.*weights import FOLDER"):
        store.require("models/two.dat")


def test_six_levels_down_and_no_deeper(small_world: SmallWorld, tmp_path: Path) -> None:
    deep = tmp_path / "1" / "2" / "3" / "4" / "5" / "6"
    put(deep / "one", small_world.contents["models/one.dat"])
    put(deep / "7" / "two", small_world.contents["models/two.dat"])
    store = Store([tmp_path])
    assert store.find("models/one.dat") == deep / "one"
    assert store.find("models/two.dat") is None


@pytest.mark.parametrize("folder", [".hidden", "venv", "site-packages", "my-environment"])
def test_hidden_folders_and_environments_are_left_out(folder: str, small_world: SmallWorld, tmp_path: Path) -> None:
    put(tmp_path / folder / "one", small_world.contents["models/one.dat"])
    if folder == "my-environment":
        put(tmp_path / folder / "pyvenv.cfg", b"home = somewhere")
    assert Store([tmp_path]).find("models/one.dat") is None


def test_a_link_that_leads_back_ends(small_world: SmallWorld, tmp_path: Path) -> None:
    put(tmp_path / "a" / "one", small_world.contents["models/one.dat"])
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    found = scan.scan_folder(tmp_path, {len(small_world.contents["models/one.dat"])}, ())
    assert len(found.files) == 1


def test_a_huge_folder_is_left_at_the_bound(small_world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MAX_ENTRIES", 50)
    for number in range(100):
        put(tmp_path / "a" / f"{number}", b"")
    put(tmp_path / "one", small_world.contents["models/one.dat"])  # nearer than the many, so it is found
    put(tmp_path / "a" / "b" / "two", small_world.contents["models/two.dat"])
    store = Store([tmp_path])
    assert store.find("models/one.dat") is not None
    with pytest.raises(WeightsError, match="not found in the first"):
        store.require("models/two.dat")


def test_a_missing_file_names_the_command(small_world: SmallWorld, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"`face-mirror-au weights fetch strict`.*`face-mirror-au weights import FOLDER`") as caught:
        Store([tmp_path]).require("models/one.dat")
    assert "\n" not in str(caught.value)
    with pytest.raises(WeightsError, match="not in the manifest"):
        Store([tmp_path]).find("models/unknown.dat")
    with pytest.raises(WeightsError, match="no model set 'x'; choose from: all, strict, free"):
        Store([tmp_path]).missing("x")


def test_the_first_folder_wins_and_absent_ones_do_no_harm(small_world: SmallWorld, tmp_path: Path) -> None:
    second = put(tmp_path / "b" / "one", small_world.contents["models/one.dat"])
    first = put(tmp_path / "a" / "one", small_world.contents["models/one.dat"])
    assert Store([tmp_path / "none", tmp_path / "a", tmp_path / "b"]).find("models/one.dat") == first
    assert Store([tmp_path / "b", tmp_path / "a"]).find("models/one.dat") == second


def test_either_version_of_a_file_serves_and_the_first_is_preferred(small_world: SmallWorld, tmp_path: Path) -> None:
    content = small_world.contents["two-exports"]
    shorter = put(tmp_path / "a", content[:-7])
    assert Store([tmp_path]).find("two-exports") == shorter
    whole = put(tmp_path / "deep" / "z", content)  # found later, and yet preferred
    assert Store([tmp_path]).find("two-exports") == whole


def test_search_order(isolated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("option", "variable"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(tmp_path / "variable"))
    monkeypatch.setenv("OPENFACE_MODELS_DIR", str(tmp_path / "openface"))
    expected = [tmp_path / "option", tmp_path / "variable", tmp_path / "openface", folders.openface_default_folder(), isolated]
    assert Store.default(tmp_path / "option").folders == expected


def test_a_named_folder_that_does_not_exist_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match=r"weights_dir names .*absent, which is not a folder"):
        Store.default(tmp_path / "absent")
    with pytest.raises(WeightsError, match=r"--weights names .*absent, which is not a folder"):
        Store.default(tmp_path / "absent", origin="--weights")
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(tmp_path / "absent"))
    with pytest.raises(WeightsError, match=r"FACE_MIRROR_AU_WEIGHTS names .*absent, which is not a folder"):
        Store.default()


def test_verify_sees_damage_that_the_modification_time_hides(small_world: SmallWorld, tmp_path: Path) -> None:
    one = put(tmp_path / "models" / "one.dat", small_world.contents["models/one.dat"])
    put(tmp_path / "models" / "two.dat", small_world.contents["models/two.dat"])
    store = Store([tmp_path])
    states = {report.name: report.state for report in verify_store(store)}
    assert states == {"strict": "complete", "free": "absent"}
    before = one.stat()
    one.write_bytes(b"\xff" + one.read_bytes()[1:])
    os.utime(one, ns=(before.st_atime_ns, before.st_mtime_ns))
    report = verify_store(store)[0]
    assert (report.state, report.missing) == ("damaged", ("models/one.dat",))
    assert [each.path for each in report.damaged] == [one]


@pytest.mark.parametrize("flaw", ["none", "result", "source", "key", "text"])
def test_a_receipt_vouches_for_a_conversion_with_other_bytes(flaw: str, tmp_path: Path) -> None:
    package = load_manifest().file("blazeface").package
    assert package is not None
    model = put(tmp_path / "blazeface.onnx", b"as another onnx version writes it")
    receipt = Receipt(
        key="pfld" if flaw == "key" else "blazeface",
        source_sha256="0" * 64 if flaw == "source" else package.sha256,
        result_size=model.stat().st_size,
        result_sha256="0" * 64 if flaw == "result" else sha256(model.read_bytes()),
        converter_version=1,
        onnx_version="9.9",
    ).write(model)
    if flaw == "text":
        receipt.write_text(json.dumps(["not a receipt"]))
    assert Store([tmp_path]).find("blazeface") == (model if flaw == "none" else None)


def test_development_data_as_they_lie_serve_every_model(shared_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
    store = Store.default()
    for name in ("openface", "openface-pfld", "openface-au", "retinaface", "pfld", "open"):
        assert store.missing(name) == []
    assert store.require("retinaface").name == "retinaface_mobilenet025.onnx"
    assert store.require("AU_predictors/svr_combined/AU_4_static_intensity_comb.dat").parent.name == "svr_combined"


def test_an_openface_checkout_serves(shared_file: Callable[[str], Path], tmp_path: Path) -> None:
    place = tmp_path / "lib" / "local" / "FaceAnalyser" / "AU_predictors"
    place.parent.mkdir(parents=True)
    place.symlink_to(shared_file("weights/openface-2.2.0/AU_predictors"), target_is_directory=True)
    assert Store([tmp_path]).has_set("openface-au")


def test_text_files_with_windows_line_ends_serve(shared_file: Callable[[str], Path], tmp_path: Path) -> None:
    source = shared_file("weights/openface-2.2.0/AU_predictors/AU_all_best.txt")
    put(tmp_path / "AU_all_best.txt", source.read_bytes().replace(b"\n", b"\r\n"))
    assert Store([tmp_path]).find("AU_predictors/AU_all_best.txt") is not None


def test_a_set_has_one_state_and_one_hash(small_world: SmallWorld, tmp_path: Path) -> None:
    assert Store([tmp_path]).state("strict") == "absent"
    put(tmp_path / "one.dat", small_world.contents["models/one.dat"])
    assert Store([tmp_path]).state("strict") == "incomplete"
    with pytest.raises(WeightsError, match=r"^1 of the 2 files of strict are here; model file models/two\.dat .*weights fetch strict`"):
        Store([tmp_path]).set_sha256("strict")
    two = put(tmp_path / "two.dat", b"wrong")
    assert Store([tmp_path]).state("strict") == "damaged"
    two.write_bytes(small_world.contents["models/two.dat"])
    assert Store([tmp_path]).state("strict") == "complete"
    lines = "".join(f"{key} {sha256(small_world.contents[key])}\n" for key in ("models/one.dat", "models/two.dat"))
    assert Store([tmp_path]).set_sha256("strict") == sha256(lines.encode())
