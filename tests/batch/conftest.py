"""Tiny clips, good and bad, and the batch command in this process."""

from __future__ import annotations

import os

import pytest
from batch_clips import CLIPS, GOOD, HOW, NAMES, trim, with_unreadable_stream
from typer.testing import CliRunner

from face_mirror_au.cli import options
from face_mirror_au.cli.app import app


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """Two frames of a face."""
    return trim(CLIPS / "smile_left.mp4", tmp_path_factory.mktemp("clip") / "clip.mp4", 2)


@pytest.fixture(scope="session")
def twenty(tmp_path_factory):
    """17 videos in nested folders, two of them of one name, and 3 that are none."""
    folder = tmp_path_factory.mktemp("twenty")
    for number in range(GOOD - 1):
        trim(
            CLIPS / f"{NAMES[number % 4]}.mp4", folder / f"p{number % 3}" / f"visit {number // 3}" / f"clip{number:02d}.mp4", 2 + number % 2
        )
    trim(CLIPS / "smile_both.mp4", folder / "p0" / "visit 1" / "clip00.mp4", 3)
    (folder / "p1" / "empty.mp4").write_bytes(b"")
    (folder / "p1" / "text.mp4").write_text("this is no video\n" * 50)
    with_unreadable_stream(folder / "p0" / "visit 0" / "clip00.mp4", folder / "p2" / "unreadable.mp4")
    return folder


@pytest.fixture(scope="module")
def module_batch(shared_file, tmp_path_factory):
    """Call the command in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        patch.setenv("COLUMNS", "400")
        # No workers: this process has threads by now, and a fork would take over locks that they hold.
        patch.setattr(options, "MAX_DEFAULT_WORKERS", 0)

        def call(*arguments, command="batch", how=HOW):
            return CliRunner().invoke(app, [command, *(str(argument) for argument in arguments), *how])

        yield call


@pytest.fixture
def batch(module_batch):
    return module_batch


@pytest.fixture
def environment(module_batch):
    """For the command in a process of its own."""
    return {**os.environ}
