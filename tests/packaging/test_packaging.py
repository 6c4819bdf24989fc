"""What an installation holds, and that it works without a compiler."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def _run(*command, **environment):
    cleaned = {key: value for key, value in os.environ.items() if key != "FACE_MIRROR_AU_REQUIRE_KERNELS"}
    done = subprocess.run(command, env={**cleaned, **environment}, capture_output=True, text=True, check=False, cwd=environment.get("PWD"))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of what is committed or about to be, so that nothing built in place is found."""
    folder = tmp_path_factory.mktemp("source")
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.split(b"\0")
    for name in files:
        path = ROOT / os.fsdecode(name)
        if name and path.is_file():
            target = folder / os.fsdecode(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return folder


@pytest.mark.truth
@pytest.mark.timeout(300)
def test_without_a_compiler_it_installs_and_is_still_equal_to_openface(source, tmp_path, shared_file):
    shared_file("truth")
    target = tmp_path / "installed"
    _run(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(target), str(source),
        CC="/bin/false",
    )  # fmt: skip
    assert not list(target.rglob("*.so")), "the compiler must have failed, else this test says nothing"
    outside = {"PYTHONPATH": str(target), "PWD": str(tmp_path)}
    said = _run(sys.executable, "-c", "import face_mirror_au; from face_mirror_au.numerics import _kernels; "
                "print(face_mirror_au.__file__, set(_kernels.loaded.values()))", **outside)  # fmt: skip
    assert str(target) in said
    assert "{'numpy'}" in said
    truth = ROOT / "tests" / "truth" / "test_truth.py"
    done = _run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(truth), **outside)
    assert "passed" in done
    assert "skipped" not in done


@pytest.mark.timeout(300)
def test_wheel_holds_our_models_and_nothing_of_openfaces(source, tmp_path):
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(source))
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "face_mirror_weights/manifest.toml",
        "face_mirror_weights/open/pdm_68.txt",
        "face_mirror_weights/open/triangles_68.txt",
        "face_mirror_weights/open/open_au.npz",
        "face_mirror_hooks/py.typed",
        "face_mirror_au/cli/app.py",
        "face_mirror_au/loop/in_process.py",
        "face_mirror_au/report/page.html.j2",
        "face_mirror_au/report/page.css",
        "face_mirror_au/report/macros.html.j2",
        "face_mirror_au/report/compare.html.j2",
        "face_mirror_au/report/compare.css",
    ):
        assert needed in names
    assert not [name for name in names if name.endswith((".dat", ".onnx", ".tflite", ".mp4", ".c"))]
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "fuzz/"))]


def test_every_package_folder_is_shipped():
    if sys.version_info < (3, 11):
        pytest.skip("reads pyproject.toml with tomllib, which is in Python 3.11")
    import tomllib

    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    roots = {"face_mirror_au": ROOT / "face_mirror_au", "face_mirror_hooks": ROOT / "hooks", "face_mirror_weights": ROOT / "weights"}
    found = {
        ".".join([package, *path.parent.relative_to(folder).parts])
        for package, folder in roots.items()
        for path in folder.rglob("__init__.py")
    }
    assert listed == found
