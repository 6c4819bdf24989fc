"""The bill of materials lists what the project needs to run: all of it, and nothing else."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / ".make" / "sbom.py"


@pytest.fixture(scope="module")
def sbom():
    spec = importlib.util.spec_from_file_location("sbom", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def declared(sbom):
    """Run-time dependencies of pyproject.toml that are for this Python."""
    if sys.version_info < (3, 11):
        pytest.skip("reads pyproject.toml with tomllib, which is in Python 3.11")
    import tomllib
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    given = [Requirement(text) for text in project["dependencies"]]
    return {sbom.plain(each.name) for each in given if each.marker is None or each.marker.evaluate()}


def test_what_is_needed_is_every_dependency_and_what_these_need(sbom, declared):
    needed = sbom.closure(sbom.required(sbom.PROJECT))
    assert declared <= needed
    assert {"protobuf", "kiwisolver"} <= needed, "of onnx and Matplotlib"
    assert not {"pytest", "ruff", "playwright", "distributed"} & needed


def test_the_bill_is_cut_to_them_and_a_missing_one_is_named(sbom):
    bill = {
        "components": [{"name": "NumPy", "bom-ref": "n"}, {"name": "pytest", "bom-ref": "p"}],
        "metadata": {"component": {"bom-ref": "root"}},
        "dependencies": [{"ref": "root", "dependsOn": ["n", "p"]}, {"ref": "p"}],
    }
    assert sbom.only(bill, {"numpy"}) == {
        **bill,
        "components": [{"name": "NumPy", "bom-ref": "n"}],
        "dependencies": [{"ref": "root", "dependsOn": ["n"]}],
    }
    with pytest.raises(SystemExit, match="lacks av"):
        sbom.only(bill, {"av", "numpy"})


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_written_bill_lists_every_dependency_with_its_version(sbom, declared, tmp_path):
    pytest.importorskip("cyclonedx_py", reason="comes with the extra 'audit'; `make sbom` makes the same check")
    subprocess.run([sys.executable, str(SCRIPT), str(tmp_path / "sbom.json")], check=True)
    bill = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    versions = {sbom.plain(each["name"]): each["version"] for each in bill["components"]}
    assert declared <= {name for name, version in versions.items() if version}
    assert str(Path.home()) not in json.dumps(bill)
