"""Importing files that the user has: all found ones or nothing, from any layout."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from store_site import SmallWorld, files_in

from face_mirror_weights import conversion
from face_mirror_weights.errors import LicenceNotAcceptedError, WeightsError
from face_mirror_weights.import_folder import import_files, plan_import
from face_mirror_weights.store import Store


def lay_out(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_another_layout_is_brought_into_ours(small_world: SmallWorld, tmp_path: Path) -> None:
    one, free = small_world.contents["models/one.dat"], small_world.contents["free.onnx"]
    source = lay_out(tmp_path / "source", deep__deeper__first=one, x=free, unrelated=b"something else")
    plan = plan_import(source)
    assert [licence.name for licence in plan.licences] == ["for research only", "MIT"]
    result = import_files(plan, tmp_path / "t", licence_accepted=True)
    assert files_in(tmp_path / "t") == {"models/one.dat": one, "free.onnx": free}
    assert set(result.installed) == {"models/one.dat", "free.onnx"}
    again = import_files(plan_import(source), tmp_path / "t", licence_accepted=True)
    assert (again.installed, set(again.present)) == ((), {"models/one.dat", "free.onnx"})


def test_licensed_files_need_acceptance_and_free_ones_do_not(small_world: SmallWorld, tmp_path: Path) -> None:
    source = lay_out(tmp_path / "source", x=small_world.contents["free.onnx"])
    import_files(plan_import(source), tmp_path / "t")
    lay_out(source, y=small_world.contents["models/one.dat"])
    with pytest.raises(LicenceNotAcceptedError):
        import_files(plan_import(source), tmp_path / "u")
    assert not (tmp_path / "u").exists()


def test_a_folder_without_models_is_one_line(small_world: SmallWorld, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="holds no model file that the manifest knows"):
        plan_import(tmp_path)
    lay_out(tmp_path, one__dat=b"", **{"two.dat": b"cut short"})
    with pytest.raises(WeightsError, match=r"two\.dat has a model's name and another content"):
        plan_import(tmp_path)
    with pytest.raises(WeightsError, match="absent is not a folder"):
        plan_import(tmp_path / "absent")


def test_a_copy_that_fails_half_way_installs_nothing(small_world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = small_world.contents
    source = lay_out(tmp_path / "source", a=contents["models/one.dat"], b=contents["models/two.dat"])
    plan = plan_import(source)
    calls: list[Path] = []

    def full(origin: Path, destination: Path) -> None:
        calls.append(origin)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        destination.write_bytes(origin.read_bytes())

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(WeightsError, match="No space left on device; make room"):
        import_files(plan, tmp_path / "t", licence_accepted=True)
    assert len(calls) == 2
    assert not (tmp_path / "t").exists()


def test_a_file_that_changes_while_it_is_copied_is_not_installed(
    small_world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_import(lay_out(tmp_path / "source", a=small_world.contents["free.onnx"]))
    monkeypatch.setattr(shutil, "copyfile", lambda _, destination: destination.write_bytes(b"half"))
    with pytest.raises(WeightsError, match="changed while it was copied"):
        import_files(plan, tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_development_data_are_imported_whole(shared_file: Callable[[str], Path], tmp_path: Path) -> None:
    import_files(plan_import(shared_file("weights")), tmp_path / "t", licence_accepted=True)
    store = Store([tmp_path / "t"])
    assert store.has_set("openface")
    assert store.has_set("openface-pfld")
    assert store.has_set("open")
    assert store.find("AU_predictors/AU_all_best.txt") == tmp_path / "t" / "AU_predictors" / "AU_all_best.txt"
    assert store.find("retinaface") == tmp_path / "t" / "retinaface_mobilenet025.onnx"


def test_a_conversion_keeps_its_receipt_when_it_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if another onnx version had written other bytes."""
    from face_mirror_weights import tflite_to_onnx
    from face_mirror_weights.manifest import load_manifest
    from face_mirror_weights.staging import Staging

    file = load_manifest().file("blazeface")
    monkeypatch.setattr(tflite_to_onnx, "convert_tflite", lambda *_: b"other bytes")
    staging = Staging(tmp_path / "first", "open")
    conversion.stage_converted(file, b"not the real source", staging)
    staging.install()
    assert Store([tmp_path / "first"]).find("blazeface") is None  # the receipt names another source
    receipt = tmp_path / "first" / "blazeface.onnx.receipt.json"
    assert file.package is not None
    text = receipt.read_text()
    wrong = text.split('"source_sha256": "')[1][:64]
    receipt.write_text(text.replace(wrong, file.package.sha256))
    assert Store([tmp_path / "first"]).find("blazeface") is not None
    import_files(plan_import(tmp_path / "first"), tmp_path / "second")
    shutil.rmtree(tmp_path / "first")
    assert Store([tmp_path / "second"]).find("blazeface") == tmp_path / "second" / "blazeface.onnx"
