"""What an installation holds, and that it works without a compiler."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def _run(*command, **environment):
    cleaned = {key: value for key, value in os.environ.items() if key != "FACE_MIRROR_AU_REQUIRE_KERNELS"}
    # What a wheel holds does not depend on how well its kernels are compiled: half a minute less for each build.
    cleaned["CFLAGS"] = "-O0"
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


def build_wheel(source, target):
    _run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(target), str(source),
        SOURCE_DATE_EPOCH="1790000000",
    )  # fmt: skip
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    return build_wheel(source, tmp_path_factory.mktemp("wheel"))


@pytest.mark.timeout(300)
def test_wheel_holds_our_models_and_nothing_of_openfaces(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "face_mirror_weights/manifest.toml",
        "face_mirror_weights/open/pdm_68.txt",
        "face_mirror_weights/open/triangles_68.txt",
        "face_mirror_weights/open/open_au.npz",
        "face_mirror_au/py.typed",
        "face_mirror_hooks/py.typed",
        "face_mirror_weights/py.typed",
        "face_mirror_au/__pyinstaller/hook-face_mirror_au.py",
        "face_mirror_au/cli/app.py",
        "face_mirror_au/loop/frames.py",
        "face_mirror_au/report/page.html.j2",
        "face_mirror_au/report/page.css",
        "face_mirror_au/report/macros.html.j2",
        "face_mirror_au/report/compare.html.j2",
        "face_mirror_au/report/compare.css",
    ):
        assert needed in names
    assert not [name for name in names if name.endswith((".dat", ".onnx", ".tflite", ".mp4", ".c"))]
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "fuzz/"))]


@pytest.mark.timeout(300)
def test_the_source_distribution_builds_the_same_wheel_without_git(source, wheel, tmp_path):
    _run(sys.executable, "-c", f"from setuptools.build_meta import build_sdist; build_sdist({str(tmp_path)!r})", PWD=str(source))
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "NOTICE", "packaging/smoke.py", "tests/clips/smile_left.mp4"} <= names
    assert {"face_mirror_au/numerics/_kernels/pose.pyx", "weights/open/open_au.npz"} <= names
    assert not [
        name for name in names if name.endswith((".dat", ".onnx", ".tflite", ".c", ".so")) or name.startswith(("benchmarks", "docs"))
    ]
    again = build_wheel(sdist, tmp_path)
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes(), "the same source and SOURCE_DATE_EPOCH give the same bytes, wherever it is built"


TYPED = """
from face_mirror_au import AUPipeline, aus_from_landmarks
from face_mirror_hooks import hookimpl
from face_mirror_hooks.records import Frame
from face_mirror_weights import Store

au12: float = float(aus_from_landmarks("patient.mp4", "landmarks.csv").intensity[:, 8].max())
highest: float = AUPipeline(profile="open").process_video("patient.mp4")["AU12_r"].max()
state: str = Store.default(None).state("open")


@hookimpl
def before_frame(frame: Frame) -> None:
    index: int = frame.index
"""
WRONG = """
from face_mirror_au import AUPipeline, aus_from_landmarks
from face_mirror_hooks.records import Frame
from face_mirror_weights import Store

name: str = aus_from_landmarks("patient.mp4", 68).frame
AUPipeline(profil="open")
Store.default(None).state(7)


def before_frame(frame: Frame) -> str:
    return frame.index
"""


@pytest.mark.timeout(300)
def test_a_program_that_uses_the_installed_package_is_checked_by_its_types(wheel, tmp_path):
    environment = tmp_path / "environment"
    _run(sys.executable, "-m", "venv", "--without-pip", str(environment))
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    installed = Path(_run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    _run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(installed), str(wheel))
    # The libraries that it needs are those of this environment; it is not itself among them, else it would be found in the source folder.
    (installed / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    for name, text in {"typed.py": TYPED, "wrong.py": WRONG}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "--config-file", os.devnull, "typed.py", "wrong.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.findall(r"^(\w+\.py):\d+: error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE)
    mistakes = ["assignment", "arg-type", "call-arg", "arg-type", "return-value"]
    assert found == [("wrong.py", mistake) for mistake in mistakes], done.stdout


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
